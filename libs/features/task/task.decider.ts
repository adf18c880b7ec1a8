import { isRefusal, refuse, type Decider, type Decision } from '#libs/kernel/decider.js';
import { openCallsShown } from '../conversation/calls.state.js';
import {
  decideConversation,
  shownTip,
  type ConversationCommand,
} from '../conversation/conversation.decider.js';
import { samePlace } from '../conversation/branches.js';
import {
  assertHeld,
  decideLease,
  leaseEnded,
  whileRunning,
  type LeaseCommand,
  type LeaseHeld,
} from '../lease/lease.decider.js';
import type { LeaseEnd } from '../lease/lease.events.js';
import { busy, decideRewind, type RewindCommand } from '../rewind/rewind.decider.js';
import { snapshotOf, type SnapshotWanted } from '../snapshot/snapshot.decider.js';
import { decideActivity, type RecordActivity } from './activity.decider.js';
import type { ContextOptions, TaskEvent, TaskStatus } from './task.events.js';
import { evolveTask, type OpenTask, type TaskRefusal, type TaskState } from './task.state.js';

type Data<Type extends TaskEvent['type']> = Extract<TaskEvent, { type: Type }>['data'];

export type TaskCommand =
  | { readonly type: 'CreateTask'; readonly data: Data<'TaskCreated'> }
  | { readonly type: 'ForkTask'; readonly data: Data<'TaskForked'> }
  | RecordActivity
  | ({ readonly type: 'TakeSnapshot' } & SnapshotWanted)
  | {
      readonly type: 'RequestContinue';
      readonly data: Data<'TaskContinueRequested'> & { readonly contextOptions: ContextOptions };
    }
  | { readonly type: 'CreateBranch'; readonly data: Data<'BranchCreated'> }
  | { readonly type: 'Reassign'; readonly targetDaemonId: string | null }
  | {
      /** Ends the lease: by its daemon, which names it, or by whoever finds it lost or stops the task. */
      readonly type: 'EndLease';
      readonly end: LeaseEnd;
      /** Null: whatever lease there is. */
      readonly held: LeaseHeld | null;
      readonly status: TaskStatus;
      readonly reason: string | null;
    }
  | {
      /** How the task's tests came out on what it holds now. */
      readonly type: 'ReportTests';
      readonly passed: boolean;
      readonly summary: string | null;
      readonly requestId: string;
    }
  | LeaseCommand
  | RewindCommand
  | ControlCommand;

/** Commands that the caller may tie to a control version. */
type ControlCommand = Extract<
  ConversationCommand,
  { type: 'RewindConversation' | 'RestoreConversation' | 'UndoRewind' }
> & {
  readonly expectedControlVersion?: number;
};

type TaskDecision = Decision<TaskEvent, TaskRefusal>;

export const taskDecider: Decider<TaskState, TaskCommand, TaskEvent, TaskRefusal> = {
  initial: { kind: 'none' },
  decide(command, state) {
    if (command.type === 'CreateTask' || command.type === 'ForkTask') return open(command, state);
    if (state.kind === 'none') return refuse('TASK_UNKNOWN', 'There is no such task.');
    switch (command.type) {
      case 'RecordActivity':
        return decideActivity(command, state);
      case 'TakeSnapshot': {
        const { type: _, ...wanted } = command;
        return [snapshotOf(state.conversation, wanted)];
      }
      case 'RequestContinue':
        return (
          busy(state.rewind) ??
          whileRunning(state.lease) ?? [{ type: 'TaskContinueRequested', data: command.data }]
        );
      case 'CreateBranch':
        return [{ type: 'BranchCreated', data: command.data }];
      case 'Reassign':
        return [
          ...stopped(state, 'revoked', 'interrupted', 'The task was given to another daemon.'),
          { type: 'TaskReassigned', data: { targetDaemonId: command.targetDaemonId } },
        ];
      case 'ReportTests':
        return reportTests(command, state);
      case 'EndLease':
        return endLease(command, state);
      case 'RequestStart':
      case 'LeaseTask':
      case 'RequestCheckpoint':
      case 'AnswerCheckpointRequest':
        return lease(command, state);
      case 'RequestRewind':
      case 'CommitRewind':
      case 'CompleteRewind':
      case 'DeferRewind':
      case 'CancelRewind':
      case 'FailRewind':
        return rewind(command, state);
      case 'RewindConversation':
      case 'RestoreConversation':
      case 'UndoRewind':
        return control(command, state);
    }
  },
  evolve: evolveTask,
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

/** An answer for a call whose agent was cut off before it got one: providers refuse a call without a result. */
const UNKNOWN_RESULT =
  'The agent was stopped before this call had an answer. Whether it had an effect is not known: look before you repeat it.';
/** More a single append need not close: an agent has a handful of calls open. */
const MOST_CLOSED = 200;

/** Closes what the agent left open, and says how the task stands now; nothing where nobody works in it. */
function stopped(
  state: OpenTask,
  end: LeaseEnd,
  newStatus: TaskStatus,
  reason: string | null,
): readonly TaskEvent[] {
  const ended = leaseEnded(state.lease, end, reason);
  if (ended.length === 0) return [];
  const activities = openCallsShown(state.conversation)
    .slice(-MOST_CLOSED)
    .map(({ id, name }) => ({
      type: 'RecordToolResult' as const,
      content: {
        toolCallId: id,
        toolName: name,
        result: UNKNOWN_RESULT,
        isError: true,
        outcome: 'unknown' as const,
      },
    }));
  const closed = decideActivity({ type: 'RecordActivity', activities }, state) as readonly TaskEvent[];
  const changed: TaskEvent = {
    type: 'TaskStatusChanged',
    data: { previousStatus: state.status, newStatus, reason },
  };
  return [...closed, changed, ...ended];
}

function endLease(
  { end, held, status, reason }: Extract<TaskCommand, { type: 'EndLease' }>,
  state: OpenTask,
): TaskDecision {
  const stale = held && assertHeld(held, state.lease);
  if (stale) return stale;
  const events = stopped(state, end, status, reason);
  return events.length > 0 ? events : refuse('TASK_NOT_RUNNING', 'No daemon works in this task.');
}

function lease(command: LeaseCommand, state: OpenTask): TaskDecision {
  const events = decideLease(command, state.lease, state.rewind.current !== null);
  if (command.type !== 'LeaseTask' || isRefusal(events)) return events;
  const { status } = state;
  const data = { previousStatus: status, newStatus: 'starting', reason: null } as const;
  return [...events, { type: 'TaskStatusChanged', data }];
}

/** Where a daemon has the folder, a checkpoint of it is asked for: the agent may have changed it since the last one. */
function reportTests(
  { passed, summary, requestId }: Extract<TaskCommand, { type: 'ReportTests' }>,
  state: OpenTask,
): TaskDecision {
  if (state.lease.folderAt !== null) {
    const message = summary ?? (passed ? 'Tests passed' : 'Tests failed');
    return lease({ type: 'RequestCheckpoint', requestId, message, testsPassed: passed }, state);
  }
  const { code } = state.rewind;
  if (!code) return refuse('CHECKPOINT_UNKNOWN', 'The task has no checkpoint that this could be said of.');
  return [{ type: 'CheckpointTested', data: { checkpointId: code.checkpointId, passed } }];
}

function rewind(command: RewindCommand, state: OpenTask): TaskDecision {
  const changed = command.type === 'RequestRewind' && unexpected(command.expectedControlVersion, state);
  if (changed) return changed;
  return decideRewind(command, { ...state, isLeased: state.lease.holder !== null });
}

const unexpected = (expected: number | undefined, { controlVersion }: OpenTask) =>
  expected !== undefined && expected !== controlVersion
    ? refuse(
        'PRECONDITION_FAILED',
        `The task changed since: its control version is ${controlVersion}, not ${expected}. Read it again.`,
      )
    : null;

function control(command: ControlCommand, state: OpenTask): TaskDecision {
  const hindered = unexpected(command.expectedControlVersion, state) ?? busy(state.rewind);
  if (hindered) return hindered;
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
