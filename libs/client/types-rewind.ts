// What the API takes and answers about rewinds of code (SPEC §4.1).
import type { Positioned } from './types.js';

export type PreserveMode = 'discard' | 'create_branch' | 'stash';
export type RewindScope = 'code' | 'conversation' | 'both';

/** SPEC §4.1, with other ways to name the point, of which exactly one is given. */
export interface CodeRewindRequest {
  readonly checkpointId?: string;
  readonly checkpointSha?: string;
  readonly toCheckpoint?: number;
  readonly toMessageId?: string;
  readonly toTimestamp?: string;
  readonly byMessageCount?: number;
  readonly lastGreen?: boolean;
  /** Takes back what this checkpoint changed, and leaves what came later. */
  readonly withoutCheckpoint?: number;
  /** For toMessageId: whether the message itself stays. */
  readonly inclusive?: boolean;
  readonly scope?: RewindScope;
  readonly preserveMode?: PreserveMode;
  /** For `create_branch`. */
  readonly branchName?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

export interface CodeUndoRequest {
  /** The rewind; without it the newest that was not undone. */
  readonly rewindId?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

/**
 * `requested`: its daemon has not prepared it; `committed`: it counts, and its daemon restores; `deferred`: it counts, and
 * the daemon that takes the task next restores; `aborted`, `failed`: nothing has changed.
 */
export type RewindPhase = 'requested' | 'committed' | 'deferred' | 'completed' | 'aborted' | 'failed';

export interface CodeRewind {
  readonly taskId: string;
  readonly rewindId: string;
  readonly phase: RewindPhase;
  readonly scope: RewindScope;
  /** Where the code is now; absent: it stays. */
  readonly rewindedTo?: {
    readonly checkpointId: string;
    readonly checkpointNumber: number;
    readonly sha: string;
    readonly message: string;
  };
  /** The checkpoint of what was there before. */
  readonly beforeCheckpointId?: string;
  readonly preservedAs?: { readonly type: 'branch' | 'stash'; readonly reference: string };
  /** The branch of the conversation that it started. */
  readonly branch?: number;
  /** The rewind that it takes back. */
  readonly undoes?: string;
  readonly reason?: string;
  /** Why it was aborted or failed. */
  readonly failure?: string;
  readonly requestedAt: string;
  readonly endedAt?: string;
}

export interface RewoundFile {
  readonly path: string;
  readonly action: string;
  readonly additions: number;
  readonly deletions: number;
}

/** What a rewind does to the files of a folder. */
export interface RewoundFiles {
  readonly filesChanged: number;
  readonly insertions: number;
  readonly deletions: number;
  /** Of very many the first. */
  readonly files: readonly RewoundFile[];
  /** Whether this is about the folder as it is now, or about the newest checkpoint of it. */
  readonly isFolder: boolean;
}

/** A rewind of code as it was asked for, or would be. */
export interface CodeRewound extends CodeRewind, Positioned {
  readonly hiddenMessages: number;
  /** Absent where it cannot be told. */
  readonly changes?: RewoundFiles;
  readonly dryRun: boolean;
}
