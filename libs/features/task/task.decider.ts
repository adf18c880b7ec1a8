import { isRefusal, refuse, type Decider, type Decision, type Refusal } from '#libs/kernel/decider.js';
import {
  decideConversation,
  evolveConversation,
  shownCount,
  shownSegments,
  startConversation,
  type ConversationCommand,
  type ConversationRefusal,
  type ConversationState,
} from '../conversation/conversation.decider.js';
import type { FileChange } from '../conversation/conversation.events.js';
import { closed } from '../conversation/segments.js';
import type { SnapshotType } from '../snapshot/snapshot.events.js';
import type { ContextOptions, LifeCycleEvent, TaskEvent, TaskStatus } from './task.events.js';

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
      /** Counts what changes the meaning of a rewind: heads, checkpoints, status. */
      readonly controlVersion: number;
      readonly conversation: ConversationState;
      readonly checkpointNumber: number;
      /** Last message and time (ISO 8601) of the newest snapshot. */
      readonly snapshot: { readonly seq: number; readonly messages: number };
    };

export type OpenTask = Extract<TaskState, { kind: 'open' }>;
type Data<Type extends TaskEvent['type']> = Extract<TaskEvent, { type: Type }>['data'];

/** What a daemon, an importer or a client says happened in a task. Each makes one event. */
export type Activity =
  | Extract<
      ConversationCommand,
      { type: 'RecordMessage' | 'RecordToolResult' | 'AmendMessage' | 'AmendToolResult' }
    >
  | Extract<ConversationCommand, { type: 'RewindConversation' }>
  | { readonly type: 'RecordOutput'; readonly data: Data<'TaskOutputRecorded'> }
  | { readonly type: 'ChangeStatus'; readonly newStatus: TaskStatus; readonly reason: string | null }
  | { readonly type: 'ChangePendingTasks'; readonly taskIds: readonly string[] }
  | { readonly type: 'RecordFiles'; readonly files: readonly FileChange[] }
  | { readonly type: 'KeepLine'; readonly data: Data<'AgentLineKept'> }
  | {
      readonly type: 'RecordCheckpoint';
      readonly data: Omit<Data<'CheckpointRecorded'>, 'number' | 'seq' | 'branch'>;
    };

export type TaskCommand =
  | { readonly type: 'CreateTask'; readonly data: Data<'TaskCreated'> }
  | { readonly type: 'ForkTask'; readonly data: Data<'TaskForked'> }
  | {
      readonly type: 'RecordActivity';
      readonly activities: readonly Activity[];
      /** A snapshot is taken by itself after this many messages; 0: never. */
      readonly snapshotEvery: number;
      readonly snapshotId: string;
    }
  | {
      readonly type: 'TakeSnapshot';
      readonly snapshotId: string;
      readonly snapshotType: SnapshotType;
      readonly checkpointId: string | null;
      readonly note: string | null;
    }
  | {
      readonly type: 'RequestContinue';
      readonly data: Data<'TaskContinueRequested'> & { readonly contextOptions: ContextOptions };
    }
  | { readonly type: 'Reassign'; readonly targetDaemonId: string | null }
  | ControlCommand;

/** Commands that the caller may tie to a control version. */
type ControlCommand = Extract<
  ConversationCommand,
  { type: 'RewindConversation' | 'RestoreConversation' | 'UndoRewind' }
> & {
  readonly expectedControlVersion?: number;
};

export type TaskRefusal =
  ConversationRefusal | 'TASK_UNKNOWN' | 'TASK_EXISTS' | 'PRECONDITION_FAILED' | 'STATUS_UNCHANGED';

type TaskDecision = Decision<TaskEvent, TaskRefusal>;

export const taskDecider: Decider<TaskState, TaskCommand, TaskEvent, TaskRefusal> = {
  initial: { kind: 'none' },
  decide(command, state) {
    if (command.type === 'CreateTask' || command.type === 'ForkTask') return open(command, state);
    if (state.kind === 'none') return refuse('TASK_UNKNOWN', 'There is no such task.');
    switch (command.type) {
      case 'RecordActivity':
        return record(command, state);
      case 'TakeSnapshot':
        return [snapshotOf(state, command)];
      case 'RequestContinue':
        return [{ type: 'TaskContinueRequested', data: command.data }];
      case 'Reassign':
        return [{ type: 'TaskReassigned', data: { targetDaemonId: command.targetDaemonId } }];
      case 'RewindConversation':
      case 'RestoreConversation':
      case 'UndoRewind':
        return control(command, state);
    }
  },
  evolve,
};

function open(
  command: Extract<TaskCommand, { type: 'CreateTask' | 'ForkTask' }>,
  state: TaskState,
): TaskDecision {
  if (state.kind !== 'none') return refuse('TASK_EXISTS', `There is a task ${command.data.taskId} already.`);
  return command.type === 'CreateTask'
    ? [{ type: 'TaskCreated', data: command.data }]
    : [{ type: 'TaskForked', data: command.data }];
}

function control(command: ControlCommand, state: OpenTask): TaskDecision {
  const { expectedControlVersion } = command;
  if (expectedControlVersion !== undefined && expectedControlVersion !== state.controlVersion) {
    return refuse(
      'PRECONDITION_FAILED',
      `The task changed since: its control version is ${state.controlVersion}, not ${expectedControlVersion}. Read it again.`,
    );
  }
  return decideConversation(command, state.conversation);
}

/** One event for each activity, in order, then a snapshot when one is due. */
function record(command: Extract<TaskCommand, { type: 'RecordActivity' }>, before: OpenTask): TaskDecision {
  const events: TaskEvent[] = [];
  let state: OpenTask = before;
  const add = (event: TaskEvent): void => {
    events.push(event);
    state = evolve(state, event) as OpenTask;
  };
  for (const activity of command.activities) {
    const decision = recordOne(activity, state);
    if (isRefusal(decision)) return decision;
    add(decision);
  }
  const due =
    command.snapshotEvery > 0 && state.conversation.seq - state.snapshot.seq >= command.snapshotEvery;
  if (due)
    add(
      snapshotOf(state, {
        snapshotId: command.snapshotId,
        snapshotType: 'auto',
        checkpointId: null,
        note: null,
      }),
    );
  return events;
}

function recordOne(activity: Activity, state: OpenTask): TaskEvent | Refusal<TaskRefusal> {
  switch (activity.type) {
    case 'RecordOutput':
      return { type: 'TaskOutputRecorded', data: activity.data };
    case 'ChangeStatus': {
      const { newStatus, reason } = activity;
      return { type: 'TaskStatusChanged', data: { previousStatus: state.status, newStatus, reason } };
    }
    case 'ChangePendingTasks':
      return { type: 'TaskPendingTasksChanged', data: { taskIds: activity.taskIds } };
    case 'RecordFiles':
      return { type: 'TaskFilesChanged', data: { files: activity.files } };
    case 'KeepLine':
      return { type: 'AgentLineKept', data: activity.data };
    case 'RecordCheckpoint': {
      const { seq, branch } = state.conversation;
      return {
        type: 'CheckpointRecorded',
        data: { ...activity.data, number: state.checkpointNumber + 1, seq, branch },
      };
    }
    default: {
      const decision = decideConversation(activity, state.conversation);
      return isRefusal(decision) ? decision : decision[0]!;
    }
  }
}

function snapshotOf(
  state: OpenTask,
  what: Omit<Extract<TaskCommand, { type: 'TakeSnapshot' }>, 'type'>,
): TaskEvent {
  const { snapshotId, snapshotType, checkpointId, note } = what;
  const segments = closed(shownSegments(state.conversation), state.conversation.seq);
  return {
    type: 'ConversationSnapshotTaken',
    data: {
      snapshotId,
      snapshotType,
      checkpointId,
      segments,
      messageCount: shownCount(state.conversation),
      note,
    },
  };
}

function evolve(state: TaskState, event: TaskEvent): TaskState {
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
    case 'TaskStatusChanged':
      return { ...controlled, status: event.data.newStatus };
    case 'CheckpointRecorded':
      return { ...controlled, checkpointNumber: event.data.number };
    case 'ConversationSnapshotTaken':
      return { ...next, snapshot: { seq: state.conversation.seq, messages: event.data.messageCount } };
    case 'TaskContinueRequested':
    case 'TaskReassigned':
      return controlled;
    case 'TaskOutputRecorded':
    case 'TaskPendingTasksChanged':
    case 'TaskFilesChanged':
    case 'AgentLineKept':
      return next;
    default:
      return unknown(event, next);
  }
}

/** An event of a later version of makima changes nothing that this one decides. */
const unknown = (_event: never, state: TaskState): TaskState => state;

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
    conversation: startConversation(taskId, fork?.segments ?? []),
    checkpointNumber: fork?.checkpointNumber ?? 0,
    snapshot: { seq: 0, messages: 0 },
  };
}
