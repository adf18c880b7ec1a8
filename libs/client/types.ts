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

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input?: unknown;
}

/** SPEC §2.2, with what makima knows besides. */
export interface ConversationMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  /** Empty for a tool message: see toolResult. */
  readonly content: string;
  readonly timestamp: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly toolInput?: unknown;
  readonly toolResult?: string;
  readonly isError?: boolean;
  readonly tokenCount?: number;
  readonly costUsd?: number;
  /** The task that it was recorded in. */
  readonly taskId?: string;
  /** Its number in that task, from 1. */
  readonly seq?: number;
  readonly position?: string;
  readonly origin?: string;
  readonly thinking?: string;
  readonly model?: string;
  /** `unknown` closes a tool call that was cut off. */
  readonly outcome?: string;
  readonly attachments?: readonly { readonly mediaType: string; readonly sha256: string; readonly bytes: number }[];
  readonly filesChanged?: readonly FileChange[];
}

export interface TaskConversation extends Paged {
  readonly taskId: string;
  readonly taskName: string;
  readonly status: string;
  readonly messages: readonly ConversationMessage[];
  readonly totalCount: number;
  readonly totalTokens?: number | null;
  readonly totalCost?: number | null;
  readonly branch: number;
  readonly controlVersion: number;
}

export interface TaskReference {
  readonly taskId: string;
  readonly taskName: string;
  readonly status: string;
  readonly createdAt: string;
  readonly completedAt?: string | null;
}

/** SPEC §2.3. */
export interface SupervisorConversation extends Paged {
  readonly contractId: string;
  readonly supervisorTaskId: string;
  readonly phase: string;
  readonly lastActivity: string;
  readonly pendingTaskIds: readonly string[];
  readonly messages: readonly ConversationMessage[];
  readonly spawnedTasks: readonly TaskReference[];
  readonly totalCount?: number;
  readonly totalTokens?: number | null;
  readonly totalCost?: number | null;
  readonly branch?: number;
}

export interface RewindRequest {
  readonly toMessageId?: string;
  readonly toTimestamp?: string;
  readonly byMessageCount?: number;
  /** For toMessageId: whether the message itself stays. */
  readonly inclusive?: boolean;
  readonly rewindCode?: boolean;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

/** What a rewind, an undo or a restore did, or would do. */
export interface HeadMoved extends Positioned {
  readonly taskId: string;
  readonly dryRun: boolean;
  readonly branch: number;
  readonly previousBranch: number;
  readonly hiddenMessages: number;
  readonly messageCount: number;
  readonly controlVersion: number;
  readonly undoneBranch?: number;
}

export interface Branch {
  readonly branch: number;
  readonly previousBranch: number | null;
  /** How it began: `start`, `fork`, `rewind`, `restore` or `undo`. */
  readonly kind: string;
  readonly point: { readonly kind: string; readonly value: string } | null;
  readonly reason: string | null;
  readonly actor: { readonly kind: string; readonly id: string };
  readonly createdAt: string;
  readonly messageCount: number;
  /** Messages that the former branch shows and this one does not. */
  readonly hiddenMessages: number;
  readonly undoneBranch: number | null;
  readonly current: boolean;
  /** Where in the log it began. */
  readonly position?: string;
}

export interface BranchTree {
  readonly taskId: string;
  readonly current: number;
  readonly branches: readonly Branch[];
  readonly forks: readonly {
    readonly taskId: string;
    readonly name: string;
    readonly point: ForkPoint | null;
    readonly createdAt: string;
  }[];
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
  readonly createdAt: string;
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

export interface Snapshot extends Positioned {
  readonly id: string;
  readonly taskId: string;
  readonly checkpointId: string | null;
  /** `auto`, `manual` or `checkpoint`. */
  readonly snapshotType: string;
  readonly messageCount: number;
  readonly branch: number;
  readonly note: string | null;
  readonly takenBy: { readonly kind: string; readonly id: string };
  readonly createdAt: string;
  readonly dryRun?: boolean;
}

/** A snapshot with a page of its messages, as they stood when it was taken. */
export interface SnapshotContent extends Snapshot, Paged {
  readonly messages: readonly ConversationMessage[];
}
