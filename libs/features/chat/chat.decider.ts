import { refuse, type Decider, type Decision } from '#libs/kernel/decider.js';
import type { ChatEvent, ChatKind } from './chat.events.js';

export type ChatState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'open' | 'closed';
      readonly scope: ChatScope;
      readonly name: string;
      /** The questions ever asked, by their id. */
      readonly questions: Readonly<Record<string, 'pending' | 'answered'>>;
    };

/** Whose chat it is: a contract's, or the mesh's. */
export interface ChatScope {
  readonly kind: ChatKind;
  /** Null for a mesh chat. */
  readonly contractId: string | null;
}

type Known = Exclude<ChatState, { kind: 'none' }>;
type Data<Type extends ChatEvent['type']> = Extract<ChatEvent, { type: Type }>['data'];

export type ChatCommand =
  | { readonly type: 'OpenChat'; readonly data: Data<'ChatOpened'> }
  | (ChatChange & {
      /** Where the caller looks for the chat: elsewhere there is none. */
      readonly scope: ChatScope;
    });

export type ChatChange =
  | { readonly type: 'RecordChatMessage'; readonly data: Data<'ChatMessageRecorded'> }
  | { readonly type: 'AnswerQuestion'; readonly questionId: string; readonly answer: string }
  | { readonly type: 'RenameChat'; readonly name: string }
  | { readonly type: 'CloseChat' }
  | {
      readonly type: 'ReopenChat';
      /** Whether it was the active chat when the command was given, so that nothing is left to do. */
      readonly active: boolean;
    };

export type ChatRefusal =
  | 'CHAT_UNKNOWN'
  | 'CHAT_EXISTS'
  | 'CHAT_CLOSED'
  | 'QUESTION_UNKNOWN'
  | 'QUESTION_EXISTS'
  | 'QUESTION_ANSWERED';

type ChatDecision = Decision<ChatEvent, ChatRefusal>;

export const chatDecider: Decider<ChatState, ChatCommand, ChatEvent, ChatRefusal> = {
  initial: { kind: 'none' },
  decide(command, state) {
    if (command.type === 'OpenChat') {
      return state.kind === 'none'
        ? [{ type: 'ChatOpened', data: command.data }]
        : refuse('CHAT_EXISTS', `There is a chat ${command.data.chatId} already.`);
    }
    if (state.kind === 'none' || !sameScope(state.scope, command.scope)) {
      return refuse(
        'CHAT_UNKNOWN',
        'There is no such chat. Check its id, and whether it is a mesh chat or one of a contract.',
      );
    }
    return change(command, state);
  },
  evolve,
};

const sameScope = (one: ChatScope, other: ChatScope): boolean =>
  one.kind === other.kind && one.contractId === other.contractId;

function change(command: ChatChange, state: Known): ChatDecision {
  switch (command.type) {
    case 'RecordChatMessage':
      return recordMessage(command.data, state);
    case 'AnswerQuestion':
      return answer(command, state);
    case 'RenameChat':
      return command.name === state.name ? [] : [{ type: 'ChatRenamed', data: { name: command.name } }];
    case 'CloseChat':
      return state.kind === 'closed' ? [] : [{ type: 'ChatClosed', data: {} }];
    case 'ReopenChat':
      return state.kind === 'open' && command.active ? [] : [{ type: 'ChatReopened', data: {} }];
  }
}

function recordMessage(data: Data<'ChatMessageRecorded'>, state: Known): ChatDecision {
  if (state.kind === 'closed') {
    return refuse('CHAT_CLOSED', 'The chat is closed. Reopen it to go on with it, or open another one.');
  }
  const asked = new Set(Object.keys(state.questions));
  for (const { id } of data.pendingQuestions) {
    if (asked.has(id)) {
      return refuse(
        'QUESTION_EXISTS',
        `The chat holds a question ${id} already. Give each question an id of its own.`,
        { questionId: id },
      );
    }
    asked.add(id);
  }
  return [{ type: 'ChatMessageRecorded', data }];
}

/** A question can be answered after its chat was closed too: whoever asked may still wait for it. */
function answer(command: Extract<ChatChange, { type: 'AnswerQuestion' }>, state: Known): ChatDecision {
  const { questionId, answer: text } = command;
  const status = Object.hasOwn(state.questions, questionId) ? state.questions[questionId] : undefined;
  if (status === undefined)
    return refuse(
      'QUESTION_UNKNOWN',
      `The chat has no question ${questionId}. Its messages name those that it has.`,
    );
  if (status === 'answered')
    return refuse(
      'QUESTION_ANSWERED',
      `Question ${questionId} was answered before; an answer cannot be changed.`,
    );
  return [{ type: 'ChatQuestionAnswered', data: { questionId, answer: text } }];
}

function evolve(state: ChatState, event: ChatEvent): ChatState {
  if (event.type === 'ChatOpened') {
    const { kind, contractId, name } = event.data;
    return { kind: 'open', scope: { kind, contractId }, name, questions: {} };
  }
  if (state.kind === 'none') return state;
  switch (event.type) {
    case 'ChatMessageRecorded': {
      const { pendingQuestions } = event.data;
      if (pendingQuestions.length === 0) return state;
      const added = pendingQuestions.map(({ id }) => [id, 'pending'] as const);
      return { ...state, questions: Object.fromEntries([...Object.entries(state.questions), ...added]) };
    }
    case 'ChatQuestionAnswered': {
      const answered = [event.data.questionId, 'answered'] as const;
      return { ...state, questions: Object.fromEntries([...Object.entries(state.questions), answered]) };
    }
    case 'ChatRenamed':
      return { ...state, name: event.data.name };
    case 'ChatReopened':
      return { ...state, kind: 'open' };
    case 'ChatClosed':
      return { ...state, kind: 'closed' };
    default:
      return unknown(event, state);
  }
}

/** An event of a later version of makima changes nothing that this one decides. */
const unknown = (_event: never, state: ChatState): ChatState => state;
