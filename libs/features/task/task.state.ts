import {
  evolveConversation,
  startConversation,
  type ConversationRefusal,
  type ConversationState,
} from '../conversation/conversation.decider.js';
import { NOTHING_SHOWN } from '../conversation/branches.js';
import type { CheckpointEvent } from '../checkpoint/checkpoint.events.js';
import { evolveLease, NEVER_LEASED, type LeaseRefusal, type LeaseState } from '../lease/lease.decider.js';
import {
  evolveRewind,
  NEVER_REWOUND,
  type RewindRefusal,
  type RewindState,
} from '../rewind/rewind.decider.js';
import type { RewindEvent } from '../rewind/rewind.events.js';
import { newestOf, NO_SNAPSHOT, type NewestSnapshot } from '../snapshot/snapshot.decider.js';
import type { LifeCycleEvent, TaskEvent, TaskStatus } from './task.events.js';

export type TaskState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'open';
      readonly taskId: string;
      readonly contractId: string | null;
      readonly name: string;
      readonly status: TaskStatus;
      /** Number of events in the stream. */
      readonly version: number;
      /** Counts what changes the meaning of a rewind: heads, leases, checkpoints, status. */
      readonly controlVersion: number;
      readonly conversation: ConversationState;
      readonly checkpointNumber: number;
      readonly snapshot: NewestSnapshot;
      readonly lease: LeaseState;
      readonly rewind: RewindState;
      /** The daemon whose folder was last known to show the code; null: none, or it is not known. */
      readonly codeAt: string | null;
    };

export type OpenTask = Extract<TaskState, { kind: 'open' }>;

export type TaskRefusal =
  | ConversationRefusal
  | LeaseRefusal
  | RewindRefusal
  | 'TASK_UNKNOWN'
  | 'CHECKPOINT_UNKNOWN'
  | 'TASK_EXISTS'
  | 'PRECONDITION_FAILED'
  | 'NOTHING_TO_RESTORE'
  | 'STATUS_UNCHANGED';

export function evolveTask(state: TaskState, event: TaskEvent): TaskState {
  if (event.type === 'TaskCreated' || event.type === 'TaskForked') return opened(event);
  if (state.kind === 'none') return state;
  const next = { ...state, version: state.version + 1 };
  const controlled = { ...next, controlVersion: state.controlVersion + 1 };
  switch (event.type) {
    case 'MessageRecorded':
    case 'ToolResultRecorded':
    case 'MessageAmended':
      return { ...next, conversation: evolveConversation(state.conversation, event) };
    case 'ConversationRewound':
    case 'ConversationRewindUndone':
      return { ...controlled, conversation: evolveConversation(state.conversation, event) };
    case 'TaskStatusChanged': {
      const { newStatus } = event.data;
      // An agent begins when its daemon has brought the folder to where the code is.
      const codeAt = newStatus === 'running' ? (state.lease.holder ?? state.codeAt) : state.codeAt;
      return { ...controlled, status: newStatus, codeAt };
    }
    case 'CheckpointRecorded':
      return { ...controlled, checkpointNumber: event.data.number, ...checkpointed(state, event.data) };
    case 'ConversationSnapshotTaken':
      return { ...next, snapshot: newestOf(state.snapshot, event.data) };
    case 'TranscriptImported':
      return { ...next, name: event.data.name, status: event.data.status ?? state.status };
    case 'TaskStartRequested':
    case 'TaskContinueRequested':
    case 'TaskReassigned':
      return { ...controlled, lease: asked(state.lease, event, next.version) };
    case 'TaskLeased':
    case 'TaskLeaseEnded':
      return { ...controlled, lease: evolveLease(state.lease, event) };
    case 'CheckpointRequested':
    case 'CheckpointRequestAnswered':
      return { ...next, lease: evolveLease(state.lease, event) };
    case 'RewindRequested':
    case 'RewindPrepared':
    case 'RewindCommitted':
    case 'RewindDeferred':
    case 'RewindCompleted':
    case 'RewindAborted':
    case 'RewindFailed':
      return { ...controlled, rewind: evolveRewind(state.rewind, event), codeAt: codeAtAfter(state, event) };
    case 'CheckpointSecured':
    case 'CheckpointTested':
    case 'BranchCreated':
    case 'TaskOutputRecorded':
    case 'TaskPendingTasksChanged':
    case 'TaskFilesChanged':
    case 'AgentLineKept':
      return next;
    default:
      return unknown(event, next);
  }
}

type Asked = Extract<TaskEvent, { type: 'TaskStartRequested' | 'TaskContinueRequested' | 'TaskReassigned' }>;

/** Somebody wants the task to run. */
function asked(lease: LeaseState, event: Asked, requestedAt: number): LeaseState {
  if (event.type === 'TaskStartRequested') return { ...evolveLease(lease, event), requestedAt };
  return { ...lease, wanted: { targetDaemonId: event.data.targetDaemonId }, requestedAt };
}

/** An event of a later version of makima changes nothing that this one decides. */
const unknown = (_event: never, state: TaskState): TaskState => state;

/** A folder shows the code again when its daemon says so. */
function codeAtAfter({ codeAt }: OpenTask, event: RewindEvent): string | null {
  if (event.type === 'RewindCompleted') return event.data.daemonId;
  const moves = event.type === 'RewindCommitted' && event.data.target !== null;
  return moves || event.type === 'RewindFailed' ? null : codeAt;
}

/**
 * A checkpoint is where the code is, unless it keeps what something else was about to replace, or shows a folder that has
 * fallen behind: the task ran elsewhere since, or was rewound while its daemon was away.
 */
function checkpointed(
  { taskId, lease, rewind, codeAt }: OpenTask,
  {
    checkpointId,
    commitSha,
    headSha,
    branchName,
    isAside,
  }: Extract<CheckpointEvent, { type: 'CheckpointRecorded' }>['data'],
): Pick<OpenTask, 'rewind' | 'codeAt'> {
  const isBehind = lease.holder === null && rewind.code !== null && codeAt !== lease.folderAt;
  if (isAside || isBehind) return { rewind, codeAt };
  const code = { taskId, checkpointId, commitSha, headSha: headSha ?? null, branchName };
  return { rewind: { ...rewind, code }, codeAt: lease.holder ?? lease.folderAt };
}

function opened(event: Extract<LifeCycleEvent, { type: 'TaskCreated' | 'TaskForked' }>): OpenTask {
  const { taskId, contractId, name } = event.data;
  const fork = event.type === 'TaskForked' ? event.data : null;
  return {
    kind: 'open',
    taskId,
    contractId,
    name,
    status: 'pending',
    version: 1,
    controlVersion: 1,
    conversation: startConversation(
      taskId,
      fork ? { last: fork.after, count: fork.keptMessages } : NOTHING_SHOWN,
      fork?.openCalls,
    ),
    checkpointNumber: fork?.checkpointNumber ?? 0,
    snapshot: NO_SNAPSHOT,
    lease: NEVER_LEASED,
    rewind: NEVER_REWOUND,
    codeAt: null,
  };
}
