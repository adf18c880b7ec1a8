import { fold } from '#libs/kernel/decider.js';
import { given } from '#libs/testing/decider-spec.js';
import { chatDecider, type ChatCommand, type ChatScope } from './chat.decider.js';
import type { ChatEvent } from './chat.events.js';

const mesh: ChatScope = { kind: 'mesh', contractId: null };
const ofContract: ChatScope = { kind: 'contract', contractId: 'contract-1' };
const opened: ChatEvent = { type: 'ChatOpened', data: { chatId: 'chat-1', ...mesh, name: 'a chat' } };
const closed: ChatEvent = { type: 'ChatClosed', data: {} };
const reopened: ChatEvent = { type: 'ChatReopened', data: {} };
const message = (...questionIds: string[]): Extract<ChatEvent, { type: 'ChatMessageRecorded' }> => ({
  type: 'ChatMessageRecorded',
  data: {
    messageId: 'message-1',
    role: 'assistant',
    content: 'hello',
    contextType: 'mesh',
    contextTaskId: null,
    toolCalls: [],
    pendingQuestions: questionIds.map((id) => ({ id, question: 'which?', options: ['one', 'two'] })),
  },
});
const say = (...questionIds: string[]): ChatCommand => ({
  type: 'RecordChatMessage',
  scope: mesh,
  data: message(...questionIds).data,
});
const answer = (questionId: string): ChatCommand => ({
  type: 'AnswerQuestion',
  scope: mesh,
  questionId,
  answer: 'one',
});
const answered = (questionId: string): ChatEvent => ({
  type: 'ChatQuestionAnswered',
  data: { questionId, answer: 'one' },
});

describe('a chat', () => {
  it('is opened once', () => {
    given(chatDecider).when({ type: 'OpenChat', data: opened.data }).then(opened);
    given(chatDecider, opened).when({ type: 'OpenChat', data: opened.data }).refused('CHAT_EXISTS');
  });

  it('does nothing before it exists', () => {
    given(chatDecider).when(say()).refused('CHAT_UNKNOWN');
    given(chatDecider).when({ type: 'CloseChat', scope: mesh }).refused('CHAT_UNKNOWN');
  });

  it('is found only where it belongs: the mesh, or its own contract', () => {
    given(chatDecider, opened)
      .when({ ...say(), scope: ofContract } as ChatCommand)
      .refused('CHAT_UNKNOWN');
    const ofThis: ChatEvent = {
      type: 'ChatOpened',
      data: { chatId: 'chat-1', ...ofContract, name: 'a chat' },
    };
    given(chatDecider, ofThis)
      .when({ type: 'CloseChat', scope: { ...ofContract, contractId: 'contract-2' } })
      .refused('CHAT_UNKNOWN');
    given(chatDecider, ofThis).when(say()).refused('CHAT_UNKNOWN');
    given(chatDecider, ofThis).when({ type: 'CloseChat', scope: ofContract }).then(closed);
  });

  it('takes messages while it is open', () => {
    given(chatDecider, opened).when(say()).then(message());
    given(chatDecider, opened, closed).when(say()).refused('CHAT_CLOSED');
    given(chatDecider, opened, closed, reopened).when(say()).then(message());
  });

  it('is closed and reopened; doing it again is no event', () => {
    given(chatDecider, opened).when({ type: 'CloseChat', scope: mesh }).then(closed);
    given(chatDecider, opened, closed).when({ type: 'CloseChat', scope: mesh }).then();
    given(chatDecider, opened, closed)
      .when({ type: 'ReopenChat', scope: mesh, active: false })
      .then(reopened);
    given(chatDecider, opened).when({ type: 'ReopenChat', scope: mesh, active: true }).then();
  });

  it('becomes the active one again although it was never closed', () => {
    given(chatDecider, opened).when({ type: 'ReopenChat', scope: mesh, active: false }).then(reopened);
  });

  it('is reopened although somebody saw it active just before it was closed', () => {
    given(chatDecider, opened, closed).when({ type: 'ReopenChat', scope: mesh, active: true }).then(reopened);
  });

  it('is renamed', () => {
    given(chatDecider, opened)
      .when({ type: 'RenameChat', scope: mesh, name: 'another' })
      .then({ type: 'ChatRenamed', data: { name: 'another' } });
    given(chatDecider, opened).when({ type: 'RenameChat', scope: mesh, name: 'a chat' }).then();
  });
});

describe('a question', () => {
  it('is answered once', () => {
    given(chatDecider, opened, message('q1')).when(answer('q1')).then(answered('q1'));
    given(chatDecider, opened, message('q1'), answered('q1')).when(answer('q1')).refused('QUESTION_ANSWERED');
  });

  it('that nobody asked has no answer, whatever it is called', () => {
    given(chatDecider, opened, message('q1')).when(answer('q2')).refused('QUESTION_UNKNOWN');
    given(chatDecider, opened).when(answer('toString')).refused('QUESTION_UNKNOWN');
    given(chatDecider, opened).when(answer('__proto__')).refused('QUESTION_UNKNOWN');
  });

  it('is answered also after the chat was closed', () => {
    given(chatDecider, opened, message('q1'), closed).when(answer('q1')).then(answered('q1'));
  });

  it('has an id of its own in the chat', () => {
    given(chatDecider, opened, message('q1')).when(say('q2', 'q1')).refused('QUESTION_EXISTS');
    given(chatDecider, opened, message('q1'), answered('q1')).when(say('q1')).refused('QUESTION_EXISTS');
    given(chatDecider, opened).when(say('q1', 'q1')).refused('QUESTION_EXISTS');
    given(chatDecider, opened, message('q1')).when(say('q2')).then(message('q2'));
  });
});

it('passes over events that it does not know', () => {
  const state = fold(chatDecider, chatDecider.initial, [opened, message('q1')]);
  expect(chatDecider.evolve(state, { type: 'ChatPainted', data: {} } as never)).toBe(state);
});
