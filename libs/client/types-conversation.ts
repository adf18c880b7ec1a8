// What the API answers about conversations (SPEC §2.2, §2.3, §4.2): messages, branches, rewinds.
import type { FileChange, ForkPoint, Paged, Positioned } from './types.js';
import type { CodeRewound } from './types-rewind.js';

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
  readonly attachments?: readonly {
    readonly mediaType: string;
    readonly sha256: string;
    readonly bytes: number;
  }[];
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
  /** Calls that stay without the result that they had. */
  readonly openCalls?: readonly { readonly id: string; readonly name: string }[];
  /** What became of the code, or of the agent that ran. */
  readonly code?: CodeRewound;
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
