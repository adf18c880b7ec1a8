import { refuse, type Decision } from '#libs/kernel/decider.js';
import {
  hiddenBy,
  leadsOver,
  samePlace,
  tipAt,
  tipOf,
  type Branch,
  type Tip,
  type Tree,
} from './branches.js';
import {
  ASIDE,
  type ConversationEvent,
  type MessageContent,
  type MessagePlace,
  type OpenCall,
  type RewindPoint,
  type ToolResultContent,
} from './conversation.events.js';
import { openCall, withCalls, type OpenCalls } from './calls.state.js';

export interface ConversationState extends Tree {
  /** Number of the branch that is shown. */
  readonly branch: number;
  /** Whether an import shows its transcript's conversation for a moment, to add to it. */
  readonly isAside: boolean;
  /** Events of it so far. */
  readonly changes: number;
  /** Tool calls without a result yet, by their ids. */
  readonly openCalls: OpenCalls;
}

export type ConversationCommand =
  | { readonly type: 'RecordMessage'; readonly content: MessageContent }
  | { readonly type: 'RecordToolResult'; readonly content: ToolResultContent }
  | {
      readonly type: 'AmendMessage';
      readonly seq: number;
      readonly content: MessageContent;
      /** Calls of the message that have been answered before. */
      readonly answeredCalls?: readonly string[];
    }
  | { readonly type: 'AmendToolResult'; readonly seq: number; readonly content: ToolResultContent }
  | {
      readonly type: 'RewindConversation';
      /** The last message to keep; null keeps none. */
      readonly keepUpTo: MessagePlace | null;
      /** How many messages that keeps. */
      readonly keptMessages: number;
      readonly point: RewindPoint;
      readonly reason: string | null;
      /** Calls without a result there. */
      readonly openCalls?: readonly OpenCall[];
    }
  | {
      /** Shows again what was shown when a message was the last one. */
      readonly type: 'RestoreConversation';
      readonly keepUpTo: MessagePlace | null;
      readonly keptMessages: number;
      readonly point: RewindPoint;
      readonly reason: string | null;
      readonly openCalls?: readonly OpenCall[];
    }
  | {
      /** Takes a rewind back: the one that started `branch`, or the newest that was not taken back. */
      readonly type: 'UndoRewind';
      readonly branch?: number;
    };

export type ConversationRefusal =
  'MESSAGE_UNKNOWN' | 'MESSAGE_NOT_SHOWN' | 'NOTHING_TO_REWIND' | 'NOTHING_TO_UNDO' | 'BRANCH_UNKNOWN';

/** A conversation that begins with what a fork took over from its source (nothing, for a new task). */
export const startConversation = (
  taskId: string,
  { last, count }: Tip,
  openCalls: readonly OpenCall[] = [],
): ConversationState => ({
  taskId,
  seq: 0,
  branch: 0,
  isAside: false,
  changes: 0,
  branches: [{ from: 1, after: last, kept: count, previous: null, undoable: false }],
  openCalls: withCalls({}, openCalls),
});

/** What the conversation shows now. */
export const shownTip = (state: ConversationState): Tip => tipOf(state, state.branch);

export function decideConversation(
  command: ConversationCommand,
  state: ConversationState,
): Decision<ConversationEvent, ConversationRefusal> {
  switch (command.type) {
    case 'RecordMessage':
      return [{ type: 'MessageRecorded', data: { seq: state.seq + 1, ...command.content } }];
    case 'RecordToolResult': {
      const { toolCallId } = command.content;
      const call = Object.hasOwn(state.openCalls, toolCallId) ? state.openCalls[toolCallId] : undefined;
      const toolName = command.content.toolName || (call?.name ?? 'unknown');
      const elsewhere = call && call.taskId !== state.taskId && { callTaskId: call.taskId };
      const place = { seq: state.seq + 1, callSeq: call?.seq ?? null, ...elsewhere };
      const data = { ...place, ...command.content, toolName };
      return [{ type: 'ToolResultRecorded', data }];
    }
    case 'AmendMessage':
    case 'AmendToolResult':
      return amend(command, state);
    case 'RewindConversation':
      return rewind(command, state);
    case 'RestoreConversation':
      return [rewound(state, tipAt(state, command.keepUpTo, command.keptMessages), command)];
    case 'UndoRewind':
      return undo(command, state);
  }
}

function amend(
  command: Extract<ConversationCommand, { type: 'AmendMessage' | 'AmendToolResult' }>,
  state: ConversationState,
): Decision<ConversationEvent, ConversationRefusal> {
  if (command.seq < 1 || command.seq > state.seq) {
    return refuse('MESSAGE_UNKNOWN', `The task has no message number ${command.seq}.`);
  }
  const { seq } = command;
  if (command.type === 'AmendToolResult') {
    return [{ type: 'MessageAmended', data: { seq, kind: 'tool_result', ...command.content } }];
  }
  const answered = command.answeredCalls && { answeredCalls: command.answeredCalls };
  return [{ type: 'MessageAmended', data: { seq, kind: 'message', ...answered, ...command.content } }];
}

function rewind(
  command: Extract<ConversationCommand, { type: 'RewindConversation' }>,
  state: ConversationState,
): Decision<ConversationEvent, ConversationRefusal> {
  const target = tipAt(state, command.keepUpTo, command.keptMessages);
  if (!leadsOver(state, shownTip(state), target)) {
    return refuse(
      'MESSAGE_NOT_SHOWN',
      'That message is not part of what the conversation shows now. Look at its branches to find it.',
    );
  }
  const event = rewound(state, target, command);
  if (event.data.hiddenMessages === 0) {
    return refuse(
      'NOTHING_TO_REWIND',
      'That point is the end of the conversation: there is nothing after it.',
    );
  }
  return [event];
}

const isNext = ({ undoable, passedOver = false }: Branch): boolean => undoable && !passedOver;

function rewound(
  state: ConversationState,
  target: Tip,
  {
    point,
    reason,
    openCalls = [],
  }: Extract<ConversationCommand, { type: 'RewindConversation' | 'RestoreConversation' }>,
): Extract<ConversationEvent, { type: 'ConversationRewound' }> {
  const reopened = openCalls.filter(({ id }) => !Object.hasOwn(state.openCalls, id));
  const calls = reopened.length > 0 && { openCalls: reopened };
  return { type: 'ConversationRewound', data: { ...branchStarted(state, target), point, reason, ...calls } };
}

const branchStarted = (state: ConversationState, target: Tip) => ({
  branch: state.branches.length,
  previousBranch: state.branch,
  after: target.last,
  keptMessages: target.count,
  seq: state.seq,
  hiddenMessages: hiddenBy(state, shownTip(state), target),
});

function undo(
  command: Extract<ConversationCommand, { type: 'UndoRewind' }>,
  state: ConversationState,
): Decision<ConversationEvent, ConversationRefusal> {
  const number = command.branch ?? state.branches.findLastIndex(isNext);
  const branch = state.branches[number];
  if (command.branch !== undefined && !branch) {
    return refuse(
      'BRANCH_UNKNOWN',
      `The conversation has no branch ${command.branch}; the last is ${state.branches.length - 1}.`,
    );
  }
  if (!branch?.undoable || branch.previous === null) {
    return refuse('NOTHING_TO_UNDO', 'There is no rewind that has not been taken back already.');
  }
  const restored = tipOf(state, branch.previous);
  return [
    { type: 'ConversationRewindUndone', data: { ...branchStarted(state, restored), undoneBranch: number } },
  ];
}

export const evolveConversation = (state: ConversationState, event: ConversationEvent): ConversationState =>
  evolved({ ...state, changes: state.changes + 1 }, event);

function evolved(state: ConversationState, event: ConversationEvent): ConversationState {
  switch (event.type) {
    case 'MessageRecorded':
      return calling({ ...state, seq: event.data.seq }, event.data.seq, event.data);
    case 'ToolResultRecorded': {
      const { [event.data.toolCallId]: _answered, ...openCalls } = state.openCalls;
      return { ...state, seq: event.data.seq, openCalls };
    }
    case 'MessageAmended':
      return event.data.kind === 'message'
        ? calling(state, event.data.seq, event.data, event.data.answeredCalls)
        : state;
    case 'ConversationRewound': {
      const openCalls = withCalls(state.openCalls, event.data.openCalls ?? []);
      const { point } = event.data;
      const known = { ...state, openCalls };
      return point.kind === 'transcript' && point.value === ASIDE
        ? movedAside(known, event.data)
        : startBranch(known, event.data, state.branches);
    }
    case 'ConversationRewindUndone': {
      const { undoneBranch } = event.data;
      const spent = state.branches.map((b, n) => (n === undoneBranch ? { ...b, undoable: false } : b));
      // What an undo hid comes back by its number: a plain undo goes on to the rewinds before.
      return startBranch(state, event.data, spent, { undoable: true, passedOver: true });
    }
  }
}

function calling(
  state: ConversationState,
  seq: number,
  content: MessageContent,
  answered: readonly string[] = [],
): ConversationState {
  const open = content.toolCalls?.filter(({ id }) => !answered.includes(id)) ?? [];
  const calls = open.map((call) => openCall(call, { taskId: state.taskId, seq }));
  return { ...state, openCalls: withCalls(state.openCalls, calls) };
}

type Moved = Extract<ConversationEvent, { type: `ConversationRew${string}` }>['data'];

/**
 * An import's move to what its transcript shows, or the one back. For a plain undo the one back counts in the place of
 * all that had led away from the transcript: undone, it shows the whole transcript.
 */
function movedAside(state: ConversationState, data: Moved): ConversationState {
  if (state.isAside) return { ...startBranch(state, data, state.branches), isAside: false };
  const shown = state.branches.findLastIndex((_, n) => samePlace(tipOf(state, n).last, data.after));
  const away = shown < 0 ? state.branch : shown + 1;
  const branches = state.branches.map((branch, n) => (n < away ? branch : { ...branch, passedOver: true }));
  return {
    ...startBranch(state, data, branches, { undoable: true, passedOver: true }),
    isAside: true,
  };
}

function startBranch(
  state: ConversationState,
  { branch, previousBranch, after, keptMessages, seq }: Moved,
  branches: readonly Branch[],
  kind: Pick<Branch, 'undoable' | 'passedOver'> = { undoable: true },
): ConversationState {
  const next = { from: seq + 1, after, kept: keptMessages, previous: previousBranch, ...kind };
  return { ...state, branch, branches: [...branches, next] };
}
