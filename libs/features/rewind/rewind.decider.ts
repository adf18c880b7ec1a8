import { isRefusal, refuse, type Decision } from '#libs/kernel/decider.js';
import {
  decideConversation,
  type ConversationCommand,
  type ConversationRefusal,
  type ConversationState,
} from '../conversation/conversation.decider.js';
import type { ConversationEvent } from '../conversation/conversation.events.js';
import type { CodePoint, HeadMove, RewindEvent, RewindWanted } from './rewind.events.js';

/** A rewind that was asked for and is not over. */
export interface RewindUnderWay extends RewindWanted {
  readonly phase: 'requested' | 'committed';
  readonly before: CodePoint | null;
  /** The branch of the conversation that it started. */
  readonly branch: number | null;
}

/** A rewind that went through, as an undo needs it. */
export interface RewindDone {
  readonly rewindId: string;
  readonly before: CodePoint | null;
  readonly branch: number | null;
  /** The rewind that it took back. */
  readonly undoes: string | null;
  readonly isUndone: boolean;
}

export interface RewindState {
  readonly current: RewindUnderWay | null;
  /** Newest last. */
  readonly done: readonly RewindDone[];
  /** A rewind that was committed with no daemon at hand: the next lease brings the folder to its target. */
  readonly deferred: { readonly rewindId: string; readonly target: CodePoint } | null;
  /** Where the code is: the newest checkpoint, or where a rewind went since. */
  readonly code: CodePoint | null;
}

export const NEVER_REWOUND: RewindState = { current: null, done: [], deferred: null, code: null };

export type RewindCommand =
  | {
      readonly type: 'RequestRewind';
      readonly data: RewindWanted;
      readonly expectedControlVersion?: number;
    }
  | {
      readonly type: 'CommitRewind';
      readonly rewindId: string;
      /** Null: no daemon is at hand. */
      readonly daemonId: string | null;
      readonly before: CodePoint | null;
      /** For a revert: the checkpoint that shows its result. */
      readonly result: CodePoint | null;
    }
  | {
      readonly type: 'CompleteRewind';
      readonly rewindId: string;
      readonly daemonId: string;
      readonly tree: string | null;
    }
  | { readonly type: 'DeferRewind'; readonly rewindId: string }
  /** Gives up what is not committed. */
  | { readonly type: 'CancelRewind'; readonly rewindId: string; readonly reason: string }
  /** Its daemon has put the code back, or could not begin. */
  | { readonly type: 'FailRewind'; readonly rewindId: string; readonly reason: string };

export type RewindRefusal =
  | 'TASK_BUSY'
  | 'REWIND_UNKNOWN'
  | 'REWIND_UNDONE'
  | 'REWIND_COMMITTED'
  | 'REWIND_OVER'
  | 'TASK_RUNNING'
  | 'NOTHING_TO_UNDO';

/** How many rewinds an undo can still name: a state must not grow without bound. */
const MOST_DONE = 50;

interface Around {
  readonly rewind: RewindState;
  readonly conversation: ConversationState;
  /** Whether a daemon works in the task now. */
  readonly isLeased: boolean;
}

type RewindDecision = Decision<RewindEvent | ConversationEvent, RewindRefusal | ConversationRefusal>;

export const busy = ({ current }: RewindState) =>
  current && refuse('TASK_BUSY', `Rewind ${current.rewindId} is under way. Try again when it is over.`);

export function decideRewind(command: RewindCommand, around: Around): RewindDecision {
  const { rewind } = around;
  if (command.type === 'RequestRewind') return request(command.data, around);
  const { rewindId } = command;
  const { current, deferred } = rewind;
  if (command.type === 'CompleteRewind' && deferred?.rewindId === rewindId) return [completed(command)];
  if (current?.rewindId !== rewindId)
    return rewind.done.some((done) => done.rewindId === rewindId)
      ? refuse('REWIND_OVER', `Rewind ${rewindId} is over already.`)
      : refuse('REWIND_UNKNOWN', `There is no rewind ${rewindId} under way.`);
  switch (command.type) {
    case 'CommitRewind':
      return commit(command, current, around);
    case 'CompleteRewind':
      return current.phase === 'committed'
        ? [completed(command)]
        : refuse('TASK_BUSY', `Rewind ${rewindId} is not committed yet.`);
    case 'DeferRewind':
      return current.phase === 'committed'
        ? [{ type: 'RewindDeferred', data: { rewindId } }]
        : refuse('TASK_BUSY', `Rewind ${rewindId} is not committed yet.`);
    case 'CancelRewind':
      return current.phase === 'requested'
        ? fail(current, command.reason, around)
        : refuse(
            'REWIND_COMMITTED',
            'The rewind is committed: it goes on until the folder shows it. Undo it when it is over.',
          );
    case 'FailRewind':
      return fail(current, command.reason, around);
  }
}

function request(wanted: RewindWanted, { rewind, conversation }: Around): RewindDecision {
  const locked = busy(rewind);
  if (locked) return locked;
  const undone = wanted.undoes === null ? null : rewind.done.find((one) => one.rewindId === wanted.undoes);
  if (undone?.isUndone)
    return refuse('REWIND_UNDONE', `Rewind ${undone.rewindId} has been taken back already.`);
  const moved = wanted.head && decideConversation(moveTo(wanted.head, wanted), conversation);
  // The code may go back though the conversation ends there already.
  if (isRefusal(moved) && !(moved.code === 'NOTHING_TO_REWIND' && wanted.scope === 'both')) return moved;
  return [{ type: 'RewindRequested', data: wanted }];
}

/** The commit point: code and conversation in one append. */
function commit(
  { rewindId, daemonId, before, result }: Extract<RewindCommand, { type: 'CommitRewind' }>,
  current: RewindUnderWay,
  { conversation, isLeased }: Around,
): RewindDecision {
  if (isLeased)
    return refuse(
      'TASK_RUNNING',
      'The agent has not been stopped: its daemon ends the lease before it rewinds.',
    );
  // A daemon that did not hear the answer asks again: nothing happens twice.
  if (current.phase === 'committed') return [];
  const moved = current.head ? decideConversation(moveTo(current.head, current), conversation) : [];
  const head = isRefusal(moved) ? [] : moved;
  const target = current.revert ? result : current.target;
  const [event] = head;
  const data = {
    rewindId,
    target,
    // What stays in the folder needs no name.
    preservedAs: target && preservedAs(current, before),
    branch: event && 'branch' in event.data ? event.data.branch : null,
    isDeferred: daemonId === null && target !== null,
  };
  return [
    { type: 'RewindPrepared', data: { rewindId, daemonId, before } },
    { type: 'RewindCommitted', data },
    ...head,
  ];
}

function preservedAs({ preserve, rewindId }: RewindWanted, before: CodePoint | null) {
  if (before === null || preserve.mode === 'discard') return null;
  return preserve.mode === 'stash'
    ? ({ type: 'stash', reference: `refs/makima/stash/${rewindId}` } as const)
    : ({
        type: 'branch',
        reference: preserve.branchName ?? `makima/before-${rewindId.slice(0, 8)}`,
      } as const);
}

const completed = ({
  rewindId,
  daemonId,
  tree,
}: Extract<RewindCommand, { type: 'CompleteRewind' }>): RewindEvent => ({
  type: 'RewindCompleted',
  data: { rewindId, daemonId, tree },
});

/** Before the commit point nothing has changed; after it the conversation goes back to where the code was put back to. */
function fail(current: RewindUnderWay, reason: string, { conversation }: Around): RewindDecision {
  const { rewindId, phase, branch } = current;
  if (phase === 'requested') return [{ type: 'RewindAborted', data: { rewindId, reason } }];
  const back = branch === null ? [] : decideConversation({ type: 'UndoRewind', branch }, conversation);
  return [
    { type: 'RewindFailed', data: { rewindId, reason, restored: true } },
    ...(isRefusal(back) ? [] : back),
  ];
}

const moveTo = (head: HeadMove, { reason }: RewindWanted): ConversationCommand =>
  head.kind === 'undo'
    ? { type: 'UndoRewind', branch: head.branch }
    : {
        type: 'RewindConversation',
        keepUpTo: head.keepUpTo,
        keptMessages: head.keptMessages,
        point: head.point,
        reason,
        openCalls: head.openCalls,
      };

export function evolveRewind(state: RewindState, event: RewindEvent): RewindState {
  const { current } = state;
  switch (event.type) {
    case 'RewindRequested':
      return { ...state, current: { ...event.data, phase: 'requested', before: null, branch: null } };
    case 'RewindPrepared':
      return current ? { ...state, current: { ...current, before: event.data.before } } : state;
    case 'RewindCommitted':
      return current ? committed(state, current, event.data) : state;
    case 'RewindCompleted': {
      const { rewindId } = event.data;
      const deferred = state.deferred?.rewindId === rewindId ? null : state.deferred;
      return { ...state, deferred, current: current?.rewindId === rewindId ? null : current };
    }
    case 'RewindDeferred': {
      const { rewindId } = event.data;
      const deferred = current?.target ? { rewindId, target: current.target } : state.deferred;
      return { ...state, current: null, deferred };
    }
    case 'RewindAborted':
      return { ...state, current: null };
    case 'RewindFailed': {
      const { rewindId } = event.data;
      const code = current?.before ?? state.code;
      return { ...state, current: null, code, done: state.done.filter((one) => one.rewindId !== rewindId) };
    }
  }
}

function committed(
  state: RewindState,
  current: RewindUnderWay,
  { rewindId, target, branch, isDeferred }: Extract<RewindEvent, { type: 'RewindCommitted' }>['data'],
): RewindState {
  const done: RewindDone = {
    rewindId,
    before: target === null ? null : (current.before ?? state.code),
    branch,
    undoes: current.undoes,
    isUndone: false,
  };
  const marked = state.done.map((one) =>
    one.rewindId === current.undoes ? { ...one, isUndone: true } : one,
  );
  return {
    current: isDeferred || target === null ? null : { ...current, target, phase: 'committed', branch },
    done: [...marked, done].slice(-MOST_DONE),
    deferred: isDeferred && target ? { rewindId, target } : target ? null : state.deferred,
    code: target ?? state.code,
  };
}
