export interface ToolUse {
  readonly name: string;
  readonly calls: number;
  readonly failed: number;
}

/** What came on one side of a comparison after what both have in common. */
export interface Since {
  readonly messages: number;
  readonly toolCalls: number;
  readonly failedCalls: number;
  /** The most used first. */
  readonly tools: readonly ToolUse[];
  readonly tokens: {
    readonly input: number;
    readonly output: number;
    readonly cacheRead: number;
    readonly cacheWrite: number;
  };
  /** US dollars; null where no message says. */
  readonly costUsd: number | null;
  readonly checkpoints: number;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
}

export interface ComparedCheckpoint {
  readonly id: string;
  readonly taskId: string;
  readonly checkpointNumber: number;
  readonly commitSha: string;
  readonly isSafe: boolean;
}

export interface ComparedSide {
  readonly taskId: string;
  readonly name: string;
  readonly point: 'now' | 'checkpoint' | 'message';
  readonly messageCount: number;
  readonly since: Since;
  readonly checkpoint: ComparedCheckpoint | null;
}

export interface ComparedFile {
  readonly path: string;
  readonly action: 'added' | 'modified' | 'deleted';
  readonly renamedFrom?: string;
  readonly additions: number;
  readonly deletions: number;
  readonly binary: boolean;
}

/** Two tasks, or one at two points. */
export interface Comparison {
  /** Null: they have nothing in common. */
  readonly ancestor: {
    readonly taskId: string;
    readonly messageId: string | null;
    readonly messageCount: number;
  } | null;
  readonly task: ComparedSide;
  readonly with: ComparedSide;
  /** Null: one of them has no checkpoint whose code is in the hub. */
  readonly code: {
    readonly from: ComparedCheckpoint;
    readonly to: ComparedCheckpoint;
    readonly filesChanged: number;
    readonly insertions: number;
    readonly deletions: number;
    /** The first 1,000. */
    readonly files: readonly ComparedFile[];
    readonly diffUrl: string;
  } | null;
}
