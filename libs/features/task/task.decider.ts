import { isRefusal, refuse, type Decider, type Decision, type Refusal } from '#libs/kernel/decider.js';
import {
  decideConversation,
  evolveConversation,
  shownTip,
  startConversation,
  type ConversationCommand,
  type ConversationRefusal,
  type ConversationState,
} from '../conversation/conversation.decider.js';
import { NOTHING_SHOWN, samePlace } from '../conversation/branches.js';
import type { FileChange } from '../conversation/conversation.events.js';
import {
  isDue,
  MOST_AT_ONCE,
  newestOf,
  NO_SNAPSHOT,
  snapshotOf,
  type NewestSnapshot,
  type SnapshotPlan,
  type SnapshotWanted,
} from '../snapshot/snapshot.decider.js';
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
      readonly snapshot: NewestSnapshot;
    };

export type OpenTask = Extract<TaskState, { kind: 'open' }>;
type Data<Type extends TaskEvent['type']> = Extract<TaskEvent, { type: Type }>['data'];

/** What a daemon, an importer or a client says happened in a task. Each makes one event. */
export type Activity =
  | Extract<
      ConversationCommand,
      { type: 'RecordMessage' | 'RecordToolResult' | 'AmendMessage' | 'AmendToolResult' }
    >
  | Extract<ConversationCommand, { type: 'RewindConversation' | 'RestoreConversation' }>
  | { readonly type: 'RecordOutput'; readonly data: Data<'TaskOutputRecorded'> }
  | { readonly type: 'ChangeStatus'; readonly newStatus: TaskStatus; readonly reason: string | null }
  | { readonly type: 'ChangePendingTasks'; readonly taskIds: readonly string[] }
  | { readonly type: 'RecordFiles'; readonly files: readonly FileChange[] }
  | { readonly type: 'KeepLine'; readonly data: Data<'AgentLineKept'> }
  | { readonly type: 'RecordImport'; readonly data: Data<'TranscriptImported'> }
  | {
      readonly type: 'RecordCheckpoint';
      readonly data: Omit<Data<'CheckpointRecorded'>, 'number' | 'seq' | 'branch'>;
    }
  | { readonly type: 'SecureCheckpoint'; readonly checkpointId: string };

export type TaskCommand =
  | { readonly type: 'CreateTask'; readonly data: Data<'TaskCreated'> }
  | { readonly type: 'ForkTask'; readonly data: Data<'TaskForked'> }
  | {
      readonly type: 'RecordActivity';
      readonly activities: readonly Activity[];
      /** Without it no snapshots are taken, neither by themselves nor with checkpoints. */
      readonly snapshots?: SnapshotPlan;
      /** How often the conversation had changed when the activities were worked out from it. */
      readonly expectedChanges?: number;
    }
  | ({ readonly type: 'TakeSnapshot' } & SnapshotWanted)
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
  | ConversationRefusal
  | 'TASK_UNKNOWN'
  | 'TASK_EXISTS'
  | 'PRECONDITION_FAILED'
  | 'NOTHING_TO_RESTORE'
  | 'STATUS_UNCHANGED';

type TaskDecision = Decision<TaskEvent, TaskRefusal>;

export const taskDecider: Decider<TaskState, TaskCommand, TaskEvent, TaskRefusal> = {
  initial: { kind: 'none' },
  decide(command, state) {
    if (command.type === 'CreateTask' || command.type === 'ForkTask') return open(command, state);
    if (state.kind === 'none') return refuse('TASK_UNKNOWN', 'There is no such task.');
    switch (command.type) {
      case 'RecordActivity':
        return record(command, state);
      case 'TakeSnapshot': {
        const { type: _, ...wanted } = command;
        return [snapshotOf(state.conversation, wanted)];
      }
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
  if (
    command.type === 'RestoreConversation' &&
    samePlace(command.keepUpTo, shownTip(state.conversation).last)
  ) {
    return refuse(
      'NOTHING_TO_RESTORE',
      'The conversation shows exactly that now: there is nothing to restore.',
    );
  }
  return decideConversation(command, state.conversation);
}

/** One event for each activity, in order, then the snapshots that were due on the way, each as things stood then. */
function record(
  { activities, snapshots: plan, expectedChanges }: Extract<TaskCommand, { type: 'RecordActivity' }>,
  before: OpenTask,
): TaskDecision {
  if (expectedChanges !== undefined && expectedChanges !== before.conversation.changes) {
    return refuse('PRECONDITION_FAILED', 'The task changed since it was read. Read it again.');
  }
  const events: TaskEvent[] = [];
  const snapshots: TaskEvent[] = [];
  let state: OpenTask = before;
  for (const [index, activity] of activities.entries()) {
    const event = recordOne(activity, state);
    if (isRefusal(event)) return event;
    events.push(event);
    state = evolve(state, event) as OpenTask;
    const wanted = plan && snapshotAfter(activity, state, plan, index);
    if (!wanted || (wanted.snapshotType === 'auto' && snapshots.length >= MOST_AT_ONCE)) continue;
    const snapshot = snapshotOf(state.conversation, wanted);
    snapshots.push(snapshot);
    state = { ...state, snapshot: newestOf(state.snapshot, snapshot.data) };
  }
  return [...events, ...snapshots];
}

/** The snapshot to take right after an activity, if any: with a checkpoint always, with a message when one is due. */
function snapshotAfter(
  activity: Activity,
  state: OpenTask,
  { policy, places }: SnapshotPlan,
  index: number,
): SnapshotWanted | null {
  const { snapshotId, at: heldAt } = places[index]!;
  if (activity.type === 'RecordCheckpoint') {
    return {
      snapshotId,
      snapshotType: 'checkpoint',
      checkpointId: activity.data.checkpointId,
      note: null,
      heldAt,
    };
  }
  if (activity.type !== 'RecordMessage' && activity.type !== 'RecordToolResult') return null;
  if (!isDue(policy, state.snapshot, state.conversation.seq, heldAt)) return null;
  return { snapshotId, snapshotType: 'auto', checkpointId: null, note: null, heldAt };
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
    case 'RecordImport':
      return { type: 'TranscriptImported', data: activity.data };
    case 'SecureCheckpoint':
      return { type: 'CheckpointSecured', data: { checkpointId: activity.checkpointId } };
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
      return { ...next, snapshot: newestOf(state.snapshot, event.data) };
    case 'TranscriptImported':
      return { ...next, name: event.data.name, status: event.data.status ?? state.status };
    case 'TaskContinueRequested':
    case 'TaskReassigned':
      return controlled;
    case 'CheckpointSecured':
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
    conversation: startConversation(
      taskId,
      fork ? { last: fork.after, count: fork.keptMessages } : NOTHING_SHOWN,
      fork?.openCalls,
    ),
    checkpointNumber: fork?.checkpointNumber ?? 0,
    snapshot: NO_SNAPSHOT,
  };
}
