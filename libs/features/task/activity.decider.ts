import { isRefusal, refuse, type Decision, type Refusal } from '#libs/kernel/decider.js';
import { decideConversation, type ConversationCommand } from '../conversation/conversation.decider.js';
import type { FileChange } from '../conversation/conversation.events.js';
import { assertFree, assertHeld, type LeaseHeld } from '../lease/lease.decider.js';
import {
  isDue,
  MOST_AT_ONCE,
  newestOf,
  snapshotOf,
  type SnapshotPlan,
  type SnapshotWanted,
} from '../snapshot/snapshot.decider.js';
import type { TaskEvent, TaskStatus } from './task.events.js';
import { evolveTask, type OpenTask, type TaskRefusal } from './task.state.js';

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

export interface RecordActivity {
  readonly type: 'RecordActivity';
  readonly activities: readonly Activity[];
  /** Without it no snapshots are taken, neither by themselves nor with checkpoints. */
  readonly snapshots?: SnapshotPlan;
  /** How often the conversation had changed when the activities were worked out from it. */
  readonly expectedChanges?: number;
  /** The lease under which a daemon says it; null: under none, which is for tasks that no daemon holds. Absent: no daemon says it. */
  readonly lease?: LeaseHeld | null;
}

/** One event for each activity, in order, then the snapshots that were due on the way, each as things stood then. */
export function decideActivity(
  { activities, snapshots: plan, expectedChanges, lease }: RecordActivity,
  before: OpenTask,
): Decision<TaskEvent, TaskRefusal> {
  if (expectedChanges !== undefined && expectedChanges !== before.conversation.changes) {
    return refuse('PRECONDITION_FAILED', 'The task changed since it was read. Read it again.');
  }
  const stale = lease ? assertHeld(lease, before.lease) : lease === null ? assertFree(before.lease) : null;
  if (stale) return stale;
  const events: TaskEvent[] = [];
  const snapshots: TaskEvent[] = [];
  let state: OpenTask = before;
  for (const [index, activity] of activities.entries()) {
    const event = recordOne(activity, state);
    if (isRefusal(event)) return event;
    events.push(event);
    state = evolveTask(state, event) as OpenTask;
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
