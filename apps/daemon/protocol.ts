/** What a daemon and its server say to each other: JSON over HTTP for all that counts, a WebSocket to be woken by. */
import type { Earlier } from '#libs/agents/runners/earlier-conversation.js';
import type { FileChangeEntry, TokenUsage, ToolCallEntry } from '#libs/agents/transcripts/transcript.js';

/** Of the messages of the WebSocket. */
export const PROTOCOL = 1;

/** A commit that a task's code can be at. */
export interface CodePoint {
  /** The task that recorded the checkpoint: the task itself, or one that it is a fork of. */
  readonly taskId: string;
  readonly checkpointId: string;
  readonly commitSha: string;
  /** The commit that the agent's branch named. */
  readonly headSha: string | null;
  readonly branchName: string | null;
}

export type RunnerChoice =
  | { readonly name: 'claude' | 'codex'; readonly program?: string; readonly model?: string }
  | { readonly name: 'command'; readonly command: readonly string[] }
  | {
      readonly name: 'replay';
      /** A recorded transcript: a path on this machine, or a blob of the server. */
      readonly recording: string | { readonly path: string } | { readonly blob: string };
      readonly speed?: number;
    };

export interface LeaseCode {
  /** Where the code is, as the server knows it; null: nowhere yet. */
  readonly checkpoint: CodePoint | null;
  /** This daemon's folder, if it has one, is not at that checkpoint. */
  readonly restore: boolean;
  /** A branch to be made and checked out. */
  readonly branchName: string | null;
  readonly copyFiles: {
    readonly taskId: string;
    readonly checkpointId: string;
    readonly commitSha: string;
    readonly paths: readonly string[];
  } | null;
  /** The rewind that bringing it there completes; null: none waits for that. */
  readonly rewindId: string | null;
}

/** A daemon's right to work in a task, until it ends or another has a higher epoch. */
export interface Lease {
  readonly taskId: string;
  readonly epoch: number;
  readonly runId: string;
  readonly name: string;
  readonly plan: string;
  readonly contractId: string | null;
  readonly repository: string | null;
  /** Null: the daemon's own choice. */
  readonly runner: RunnerChoice | null;
  readonly prompt: string;
  readonly conversation: readonly Earlier[];
  readonly code: LeaseCode;
}

export interface RewindOrder {
  readonly rewindId: string;
  /** `committed`: from here it only goes forward. */
  readonly phase: 'requested' | 'committed';
  /** `revert`: what one checkpoint changed is taken back, and later changes stay. */
  readonly kind: 'checkpoint' | 'revert' | 'conversation';
  /** Null: a revert whose result is not there yet. */
  readonly target: CodePoint | null;
  readonly revert?: { readonly commitSha: string; readonly previousSha: string | null };
  readonly preserve: {
    readonly mode: 'discard' | 'create_branch' | 'stash';
    readonly branchName: string | null;
  };
  readonly before: { readonly checkpointId: string; readonly commitSha: string } | null;
}

/** How far a rewind is. */
export interface RewindProgress {
  /** `committed`: the folder is to go there now; another one, and it is over. */
  readonly phase: string;
}

export interface CheckpointRequest {
  readonly requestId: string;
  readonly message: string | null;
}

export interface Order {
  readonly taskId: string;
  readonly epoch: number | null;
  readonly rewind?: RewindOrder;
  readonly checkpoint?: CheckpointRequest;
}

/** What there is to do for a daemon now. */
export interface Work {
  readonly offers: readonly { readonly taskId: string }[];
  readonly orders: readonly Order[];
  /** Leases that the server thinks this daemon holds. */
  readonly held: readonly HeldLease[];
}

export interface HeldLease {
  readonly taskId: string;
  readonly epoch: number;
}

export const RELEASE_STATUSES = ['completed', 'failed', 'interrupted', 'paused', 'cancelled'] as const;
export type ReleaseStatus = (typeof RELEASE_STATUSES)[number];

/** How a run ended. */
export interface RunEnd {
  readonly status: ReleaseStatus;
  /** For people, one sentence. */
  readonly reason?: string;
}

export type CheckpointTrigger = 'turn' | 'time' | 'request' | 'safety' | 'end';

/** What the server records of a checkpoint; its id is the item's. */
export interface CheckpointRecord {
  readonly commitSha: string;
  readonly headSha?: string;
  readonly branchName?: string;
  /** The commit that the changes are counted from. */
  readonly previousSha?: string;
  readonly trigger: CheckpointTrigger;
  /** It keeps what is about to be replaced, and is not where the code is. */
  readonly isAside?: true;
  readonly message: string;
  readonly filesChanged: readonly FileChangeEntry[];
  readonly linesAdded: number;
  readonly linesRemoved: number;
  readonly leftOut?: readonly { readonly path: string; readonly reason: string }[];
}

interface ItemBase {
  /** A UUID, the same whenever it is sent again. */
  readonly id: string;
  readonly occurredAt: string;
}

/** One thing that happened in a task, as `POST …/activity` takes it. */
export type ActivityItem = ItemBase &
  (
    | {
        readonly kind: 'message';
        readonly role: 'user' | 'assistant' | 'system';
        readonly content: string;
        readonly thinking?: string;
        readonly toolCalls?: readonly ToolCallEntry[];
        readonly model?: string;
        readonly usage?: TokenUsage;
        readonly costUsd?: number;
      }
    | {
        readonly kind: 'tool_result';
        readonly toolCallId: string;
        readonly toolName?: string;
        readonly content: string;
        readonly isError: boolean;
        readonly files?: readonly FileChangeEntry[];
      }
    | {
        readonly kind: 'output';
        readonly channel: 'stdout' | 'stderr' | 'agent';
        readonly content: string;
      }
    | { readonly kind: 'status'; readonly status: 'running'; readonly reason?: string }
    | { readonly kind: 'line'; readonly lineType: string; readonly content: string }
    | { readonly kind: 'checkpoint'; readonly checkpoint: CheckpointRecord }
  );

/** The first thing that a daemon says on the WebSocket. */
export interface Hello {
  readonly type: 'hello';
  readonly protocol: typeof PROTOCOL;
  readonly daemonId: string;
  readonly name: string;
  readonly version: string;
  readonly hostname: string;
  /** Tasks at once. */
  readonly capacity: number;
  readonly runners: readonly string[];
}

export interface Heartbeat {
  readonly type: 'heartbeat';
  readonly tasks: readonly HeldLease[];
  /** Bytes: free where the folders are, and used by them. */
  readonly freeBytes: number;
  readonly usedBytes: number;
}

export type ServerMessage =
  | { readonly type: 'welcome'; readonly heartbeatMs: number; readonly leaseMs: number }
  | { readonly type: 'heartbeat'; readonly stale: readonly string[] }
  | { readonly type: 'work'; readonly position?: string }
  | { readonly type: 'refused'; readonly code: string; readonly detail: string };
