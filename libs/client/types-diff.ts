import type { Checkpoint } from './types.js';

export interface DiffLine {
  readonly kind: 'context' | 'added' | 'deleted';
  readonly text: string;
  readonly noNewline?: true;
}

export interface DiffHunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly heading: string;
  readonly lines: readonly DiffLine[];
}

export interface FileDiff {
  readonly path: string;
  readonly action: 'added' | 'modified' | 'deleted';
  readonly renamedFrom?: string;
  readonly additions: number;
  readonly deletions: number;
  readonly binary: boolean;
  /** Whether lines were left out. */
  readonly cut: boolean;
  readonly oldMode?: string;
  readonly newMode?: string;
  readonly hunks: readonly DiffHunk[];
}

/** SPEC §2.4. */
export interface CheckpointDiff {
  readonly checkpoint: Checkpoint;
  /** Absent: it is compared with an empty folder. */
  readonly previousCheckpoint?: Checkpoint;
  /** The commit that it is compared with; absent: an empty folder. */
  readonly baseSha?: string;
  readonly diff: {
    readonly files: readonly FileDiff[];
    readonly stats: {
      readonly filesChanged: number;
      readonly insertions: number;
      readonly deletions: number;
    };
  };
}

/** SPEC §4.4. */
export interface NewBranch {
  readonly branchName: string;
  readonly checkout?: boolean;
  readonly dryRun?: boolean;
}

export interface BranchMade {
  readonly taskId: string;
  readonly checkpointId: string;
  readonly branchName: string;
  readonly commitSha: string;
  /** Null: the commit stands alone. */
  readonly parentSha: string | null;
  readonly checkout: boolean;
  readonly dryRun: boolean;
  readonly position: string;
}
