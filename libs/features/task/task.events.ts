// Stream `task-<id>`: a task's whole life: its life cycle, conversation, output, checkpoints, rewinds, snapshots.
// Starts with TaskCreated or TaskForked. Never ends: a finished task can be continued, rewound and forked.
import type { LongList, LongText } from '#libs/kernel/blob-reference.js';
import type { CheckpointEvent } from '../checkpoint/checkpoint.events.js';
import type {
  ConversationEvent,
  FileChange,
  MessagePlace,
  OpenCall,
} from '../conversation/conversation.events.js';
import type { LeaseEvent } from '../lease/lease.events.js';
import type { RewindEvent } from '../rewind/rewind.events.js';
import type { SnapshotEvent } from '../snapshot/snapshot.events.js';

export const TASK_STATUSES = [
  'pending',
  'starting',
  'running',
  'paused',
  'interrupted',
  'completed',
  'failed',
  'cancelled',
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The transcript that a task was imported from. */
export interface TaskSource {
  readonly agent: string;
  readonly sessionId: string;
  readonly cwd?: string;
  readonly gitBranch?: string;
  readonly agentVersion?: string;
  /** The session that the agent says it was forked or resumed from. */
  readonly forkedFromSessionId?: string;
}

/** Where a task was forked from, as it was asked for and as it was found. */
export interface ForkPoint {
  readonly type: 'checkpoint' | 'timestamp' | 'message_id';
  readonly value: string;
  /** Whether the named message itself is part of the fork. */
  readonly inclusive: boolean;
  readonly checkpointId: string | null;
  /** ISO 8601, UTC: the time of the last message or checkpoint that the fork includes. */
  readonly timestamp: string;
}

interface TaskOpened {
  readonly taskId: string;
  readonly contractId: string | null;
  readonly parentTaskId: string | null;
  readonly name: string;
  readonly plan: string;
}

export type LifeCycleEvent =
  | {
      readonly type: 'TaskCreated';
      readonly data: TaskOpened & {
        readonly isSupervisor: boolean;
        /** The working tree is inherited from this task. */
        readonly continueFromTaskId: string | null;
        readonly checkpointSha: string | null;
        readonly copyFiles: LongList<string>;
        readonly source: TaskSource | null;
      };
    }
  | {
      readonly type: 'TaskForked';
      readonly data: TaskOpened & {
        readonly sourceTaskId: string;
        /** The source stream's version that the fork was made from. */
        readonly sourceVersion: number;
        readonly point: ForkPoint;
        /** The last message that the fork shows of its source; null: none, or without the conversation. */
        readonly after: MessagePlace | null;
        /** How many messages it shows of its source. */
        readonly keptMessages: number;
        /** Calls of them that have no result there; absent: none that were found. */
        readonly openCalls?: readonly OpenCall[];
        readonly conversationIncluded: boolean;
        readonly checkpointSha: string | null;
        /** Checkpoint numbers go on from here. */
        readonly checkpointNumber: number;
        readonly branchName: string | null;
        readonly source: TaskSource | null;
      };
    }
  | {
      readonly type: 'TaskStatusChanged';
      readonly data: {
        readonly previousStatus: TaskStatus;
        readonly newStatus: TaskStatus;
        readonly reason: string | null;
      };
    }
  | {
      readonly type: 'TaskOutputRecorded';
      readonly data: { readonly channel: 'stdout' | 'stderr' | 'agent'; readonly text: LongText };
    }
  | { readonly type: 'TaskPendingTasksChanged'; readonly data: { readonly taskIds: readonly string[] } }
  | { readonly type: 'TaskFilesChanged'; readonly data: { readonly files: LongList<FileChange> } }
  | {
      /** Something that an agent wrote and makima has no other place for, kept as it was. */
      readonly type: 'AgentLineKept';
      readonly data: { readonly lineType: string; readonly raw: LongText };
    }
  | {
      /** An agent's transcript was read to its end; read again when it has grown, it says so again. */
      readonly type: 'TranscriptImported';
      readonly data: {
        /** For people, as the transcript has it now. */
        readonly name: string;
        /** How the transcript leaves off. Null: the task was taken up in makima, and keeps its status. */
        readonly status: 'completed' | 'interrupted' | null;
        /** ISO 8601, UTC: the last time in the transcript. */
        readonly endedAt: string | null;
        /** What was read: messages, tool results, rewinds and kept lines. */
        readonly entries: number;
      };
    }
  | {
      readonly type: 'TaskContinueRequested';
      readonly data: {
        readonly resumeMode: 'with_context' | 'clean_restart' | 'from_checkpoint';
        readonly targetDaemonId: string | null;
        readonly checkpointSha: string | null;
        readonly contextOptions: ContextOptions;
        /** What the agent is told besides; absent: nothing. */
        readonly prompt?: LongText;
        /** Tokens that the agent is given at most, by estimate; absent: the usual 100,000. */
        readonly maxTokens?: number;
        /** Begins a supervisor's phase afresh, knowing what is finished (the mode is `clean_restart`). */
        readonly restartsPhase?: true;
      };
    }
  | { readonly type: 'TaskReassigned'; readonly data: { readonly targetDaemonId: string | null } };

/** How a conversation is shaped for the agent that goes on with it (SPEC §3.2). */
export interface ContextOptions {
  /** The newest N messages. */
  readonly maxMessages?: number;
  readonly includeToolCalls?: boolean;
  readonly includeToolResults?: boolean;
  readonly summaryMode?: boolean;
}

export type TaskEvent =
  LifeCycleEvent | ConversationEvent | CheckpointEvent | SnapshotEvent | LeaseEvent | RewindEvent;

export const taskStream = (taskId: string): string => `task-${taskId}`;
