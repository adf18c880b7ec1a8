import { refuse, type Decision } from '#libs/kernel/decider.js';
import type { LeaseEnd, LeaseEvent, RunnerChoice } from './lease.events.js';

export interface CheckpointRequest {
  readonly requestId: string;
  readonly message: string | null;
  readonly testsPassed?: boolean;
}

export interface LeaseState {
  /** Of the newest lease; 0 before the first. */
  readonly epoch: number;
  /** The daemon that holds the lease; null: nobody does. */
  readonly holder: string | null;
  /** The daemon whose folder of the task is the newest; null: no daemon had it yet. */
  readonly folderAt: string | null;
  /** Set while the task waits to be run. */
  readonly wanted: { readonly targetDaemonId: string | null } | null;
  /** Version of the event that asked for the run that there is, was or will be; 0: nobody has asked. */
  readonly requestedAt: number;
  readonly runner: RunnerChoice | null;
  /** Checkpoints that were asked for and are not there yet. */
  readonly checkpointRequests: readonly CheckpointRequest[];
  /** The newest of them that was answered. */
  readonly lastAnswer: { readonly requestId: string; readonly checkpointId: string } | null;
}

export const NEVER_LEASED: LeaseState = {
  epoch: 0,
  holder: null,
  folderAt: null,
  wanted: null,
  requestedAt: 0,
  runner: null,
  checkpointRequests: [],
  lastAnswer: null,
};

/** A daemon, and the lease under which it speaks. */
export interface LeaseHeld {
  readonly daemonId: string;
  readonly epoch: number;
}

export type LeaseCommand =
  | {
      readonly type: 'RequestStart';
      readonly data: Extract<LeaseEvent, { type: 'TaskStartRequested' }>['data'];
    }
  | { readonly type: 'LeaseTask'; readonly daemonId: string }
  | ({ readonly type: 'RequestCheckpoint' } & CheckpointRequest)
  | {
      readonly type: 'AnswerCheckpointRequest';
      readonly daemonId: string;
      readonly requestId: string;
      readonly checkpointId: string;
    };

export type LeaseRefusal =
  | 'TASK_RUNNING'
  | 'TASK_NOT_RUNNING'
  | 'TASK_BUSY'
  | 'LEASE_TAKEN'
  | 'LEASE_STALE'
  | 'NOTHING_TO_RUN'
  | 'NO_FOLDER'
  | 'CHECKPOINT_REQUEST_UNKNOWN'
  | 'TOO_MANY_CHECKPOINT_REQUESTS';

/** Requests that may wait at once: a daemon that is away must not let a task grow without bound. */
const MOST_REQUESTS = 20;

export function decideLease(
  command: LeaseCommand,
  state: LeaseState,
  isRewinding: boolean,
): Decision<LeaseEvent, LeaseRefusal> {
  switch (command.type) {
    case 'RequestStart':
      return whileRunning(state) ?? [{ type: 'TaskStartRequested', data: command.data }];
    case 'LeaseTask':
      return lease(command.daemonId, state, isRewinding);
    case 'RequestCheckpoint': {
      const { type: _, ...data } = command;
      if (state.folderAt === null)
        return refuse('NO_FOLDER', 'No daemon has a folder of this task yet: start the task first.');
      if (state.checkpointRequests.length >= MOST_REQUESTS)
        return refuse(
          'TOO_MANY_CHECKPOINT_REQUESTS',
          `${MOST_REQUESTS} checkpoints are asked for already, and its daemon has taken none of them.`,
        );
      return [{ type: 'CheckpointRequested', data }];
    }
    case 'AnswerCheckpointRequest': {
      const { requestId, checkpointId } = command;
      const asked = state.checkpointRequests.find((request) => request.requestId === requestId);
      if (!asked) return refuse('CHECKPOINT_REQUEST_UNKNOWN', `No checkpoint is asked for as ${requestId}.`);
      if (command.daemonId !== state.folderAt) return staleLease(state.epoch);
      const { testsPassed } = asked;
      const tested = testsPassed === undefined ? {} : { testsPassed };
      return [{ type: 'CheckpointRequestAnswered', data: { requestId, checkpointId, ...tested } }];
    }
  }
}

function lease(
  daemonId: string,
  { holder, wanted, epoch }: LeaseState,
  isRewinding: boolean,
): Decision<LeaseEvent, LeaseRefusal> {
  if (holder !== null) return refuse('LEASE_TAKEN', `Daemon ${holder} works in this task.`);
  if (isRewinding) return refuse('TASK_BUSY', 'The task is being rewound. Ask again when that is done.');
  if (!wanted || (wanted.targetDaemonId !== null && wanted.targetDaemonId !== daemonId))
    return refuse('NOTHING_TO_RUN', 'The task does not wait for this daemon.');
  return [{ type: 'TaskLeased', data: { daemonId, epoch: epoch + 1 } }];
}

/** Refuses what cannot be asked of a task that a daemon works in; null: nobody does. */
export const whileRunning = ({ holder }: LeaseState) =>
  holder === null
    ? null
    : refuse('TASK_RUNNING', `The task runs on daemon ${holder}. Stop it first, or wait until it ends.`);

export const staleLease = (epoch: number) =>
  refuse(
    'LEASE_STALE',
    `This daemon does not hold the task any more (the newest lease has epoch ${epoch}): nothing of it was recorded. Stop the agent.`,
  );

/** Refuses what a daemon says under a lease that it does not hold; null: it holds it. */
export const assertHeld = (held: LeaseHeld, state: LeaseState) =>
  state.holder === held.daemonId && state.epoch === held.epoch ? null : staleLease(state.epoch);

/** Refuses what a daemon says under no lease of a task in which one works. */
export const assertFree = (state: LeaseState) => (state.holder === null ? null : staleLease(state.epoch));

/** The end of the lease that there is; nothing if there is none. */
export const leaseEnded = (
  { holder, epoch }: LeaseState,
  end: LeaseEnd,
  reason: string | null,
): readonly LeaseEvent[] =>
  holder === null ? [] : [{ type: 'TaskLeaseEnded', data: { daemonId: holder, epoch, end, reason } }];

export function evolveLease(state: LeaseState, event: LeaseEvent): LeaseState {
  switch (event.type) {
    case 'TaskStartRequested': {
      const { targetDaemonId, runner } = event.data;
      return { ...state, wanted: { targetDaemonId }, runner: runner ?? state.runner };
    }
    case 'TaskLeased': {
      const { daemonId, epoch } = event.data;
      return {
        ...state,
        epoch,
        holder: daemonId,
        folderAt: daemonId,
        wanted: null,
      };
    }
    case 'TaskLeaseEnded':
      return { ...state, holder: null };
    case 'CheckpointRequested':
      return { ...state, checkpointRequests: [...state.checkpointRequests, event.data] };
    case 'CheckpointRequestAnswered': {
      const { requestId } = event.data;
      const checkpointRequests = state.checkpointRequests.filter(
        (request) => request.requestId !== requestId,
      );
      return { ...state, checkpointRequests, lastAnswer: event.data };
    }
  }
}
