// What the API answers (SPEC §2–§4, §1.1). Times are ISO 8601 in UTC; ids are UUIDs; positions are opaque.

export type Phase = 'research' | 'specify' | 'plan' | 'execute' | 'review';

/** Every command's answer names the position that it wrote; `minPosition` makes a read wait for it. */
export interface Positioned {
  readonly position?: string;
}

/** A page of a list; no cursor after the last one. */
export interface Paged {
  readonly cursor?: string | null;
}

export interface Contract extends Positioned {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly phase: Phase;
  readonly status: string;
  readonly supervisorTaskId: string | null;
  readonly repository: string | null;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Where a fork began. */
export interface ForkPoint {
  readonly type: string;
  readonly value?: string;
  readonly inclusive?: boolean;
  readonly checkpointId?: string | null;
  readonly timestamp: string;
}

export interface Task extends Positioned {
  readonly id: string;
  readonly name: string;
  readonly plan: string;
  readonly status: string;
  readonly contractId: string | null;
  readonly parentTaskId: string | null;
  readonly isSupervisor: boolean;
  readonly continueFromTaskId: string | null;
  readonly checkpointSha: string | null;
  readonly copyFiles: readonly string[];
  readonly forkedFromTaskId: string | null;
  readonly forkedAtCheckpointId: string | null;
  readonly fork: { readonly point: ForkPoint; readonly branchName: string | null } | null;
  readonly source: {
    readonly agent: string;
    readonly sessionId: string;
    readonly cwd?: string;
    readonly gitBranch?: string;
    readonly agentVersion?: string;
  } | null;
  readonly pendingTaskIds: readonly string[];
  readonly lastCheckpointSha: string | null;
  readonly checkpointCount: number;
  readonly checkpointMessage: string | null;
  readonly controlVersion: number;
  readonly createdAt: string;
  readonly completedAt: string | null;
  readonly updatedAt: string;
}

export interface FileChange {
  readonly path: string;
  readonly action: 'A' | 'M' | 'D' | 'added' | 'modified' | 'deleted';
  readonly linesAdded?: number;
  readonly linesRemoved?: number;
}

export type EntryType = 'task_event' | 'chat_message' | 'phase_change' | 'checkpoint' | 'file_change';

/** A field of which only the beginning is given; `url` has it whole, as JSON. */
export interface TruncatedField {
  readonly field: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Of a list. */
  readonly items?: number;
  readonly url: string;
}

/** SPEC §2.1, with what makima knows besides. */
export interface HistoryEntry {
  readonly id: string;
  readonly timestamp: string;
  readonly entryType: EntryType;
  readonly phase: string;
  readonly position: string;
  readonly failed?: boolean;
  readonly contractId?: string | null;
  readonly taskId?: string | null;
  readonly taskName?: string | null;
  readonly eventType?: string;
  readonly eventData?: unknown;
  readonly conversationId?: string;
  readonly role?: string;
  readonly content?: string;
  /** For a tool's result. */
  readonly toolName?: string;
  readonly seq?: number;
  readonly checkpointNumber?: number;
  readonly commitSha?: string;
  readonly message?: string;
  readonly filesChanged?: readonly FileChange[];
  readonly previousPhase?: string;
  readonly newPhase?: string;
  /** Of a phase_change that is about a contract's status or its creation. */
  readonly previousStatus?: string;
  readonly newStatus?: string;
  readonly name?: string;
  readonly truncated?: readonly TruncatedField[];
}

export interface History extends Paged {
  readonly contractId?: string;
  readonly entries: readonly HistoryEntry[];
  readonly totalCount?: number;
}

export interface HistoryOverview {
  readonly from: string | null;
  readonly to: string | null;
  readonly bucketSeconds: number | null;
  readonly buckets: readonly {
    readonly start: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly failed: number;
  }[];
  readonly totals: Readonly<Record<string, number>>;
  readonly failed: number;
}

export interface Checkpoint {
  readonly id: string;
  readonly taskId: string;
  readonly checkpointNumber: number;
  readonly commitSha: string;
  readonly branchName: string | null;
  readonly message: string;
  readonly filesChanged: readonly FileChange[];
  readonly linesAdded: number;
  readonly linesRemoved: number;
  readonly headSha: string | null;
  readonly leftOut: readonly { readonly path: string; readonly reason: string }[];
  /** Whether its code is in the server's hub. */
  readonly isSafe: boolean;
  readonly createdAt: string;
  readonly truncated?: readonly TruncatedField[];
}

/** SPEC §4.3, with `inclusive` and `dryRun`. */
export interface ForkRequest {
  readonly forkFrom: { readonly type: 'checkpoint' | 'timestamp' | 'message_id'; readonly value: string };
  readonly newTask: { readonly name: string; readonly plan: string; readonly includeConversation?: boolean };
  readonly branchOptions?: { readonly createBranch?: boolean; readonly branchName?: string };
  readonly inclusive?: boolean;
  readonly dryRun?: boolean;
}

export interface ForkAnswer extends Positioned {
  readonly newTaskId: string;
  readonly sourceTaskId: string;
  readonly forkPoint: {
    readonly type: string;
    readonly checkpoint?: Checkpoint | null;
    readonly timestamp: string;
  };
  readonly branchName?: string | null;
  readonly conversationIncluded: boolean;
  readonly messageCount?: number;
  readonly dryRun?: boolean;
}

/** A task's events, or its output (events of type `output`): the newest, oldest first; the cursor leads to older ones. */
export interface TaskEvents extends Paged {
  readonly taskId: string;
  readonly events: readonly HistoryEntry[];
}
