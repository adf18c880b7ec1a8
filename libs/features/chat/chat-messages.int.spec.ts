import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import type { ChatMessage, ChatResponse } from './chat.answers.dto.js';

type Chat = ChatResponse & { readonly position: string };
interface Messages {
  readonly messages: readonly ChatMessage[];
  readonly totalCount: number;
  readonly cursor?: string;
}

const MESH = '/api/v1/mesh/chats';

let app: TestApp;
let other: TestCaller;

beforeAll(async () => {
  app = await startTestApp();
  other = await app.secondOwner();
});
afterAll(() => app.close());

const refused = async (caller: TestCaller, path: string, body: unknown = {}): Promise<unknown[]> => {
  const { status, body: problem } = await caller.call('POST', path, body);
  return [status, problem['code']];
};
const newContract = async (): Promise<string> =>
  (await app.post<{ id: string }>('/api/v1/contracts', { name: 'work' })).id;
const chatsOf = (contractId: string): string => `/api/v1/contracts/${contractId}/chats`;
const open = (path: string): Promise<Chat> => app.post<Chat>(path);

describe('messages', () => {
  const call = { id: 'c1', name: 'list_tasks', input: { all: true }, result: [{ id: 1 }], isError: false };

  it('carry context, tool calls and questions, and come back as they were', async () => {
    const contractId = await newContract();
    const path = chatsOf(contractId);
    const { id } = await open(path);
    const task = await app.post<{ id: string }>('/api/v1/mesh/tasks', {
      name: 'a task',
      plan: '',
      contractId,
    });
    const question = { id: 'q1', question: 'Which one?', options: ['this', 'that'] };
    const sent = {
      role: 'assistant',
      content: 'a\0b\ud800 ü',
      contextTaskId: task.id,
      toolCalls: [call],
      pendingQuestions: [question],
    };
    const recorded = await app.post<ChatMessage>(`${path}/${id}/messages`, sent);
    const asked = { ...question, answer: null, answeredAt: null, answeredBy: null };
    expect(recorded).toMatchObject({
      role: 'assistant',
      content: 'a\0b\ud800 ü',
      contextType: 'task',
      contextTaskId: task.id,
      toolCalls: [call],
      pendingQuestions: [asked],
    });
    expect((await app.get<Messages>(`${path}/${id}/messages`)).messages).toMatchObject([
      { id: recorded.id, content: 'a\0b\ud800 ü', pendingQuestions: [asked] },
    ]);
    expect(await app.get(`${path}/${id}`)).toMatchObject({ messageCount: 1, openQuestions: 1 });
  });

  it('are about their chat unless they say otherwise', async () => {
    const path = chatsOf(await newContract());
    const [inContract, inMesh] = [await open(path), await open(MESH)];
    expect(await app.post(`${path}/${inContract.id}/messages`, { role: 'user', content: '' })).toMatchObject({
      contextType: 'contract',
      contextTaskId: null,
    });
    expect(await app.post(`${MESH}/${inMesh.id}/messages`, { role: 'user', content: '' })).toMatchObject({
      contextType: 'mesh',
    });
  });

  it('are read in pages from either end', async () => {
    const { id } = await open(MESH);
    for (let n = 1; n <= 5; n += 1)
      await app.post(`${MESH}/${id}/messages`, { role: 'user', content: `${n}` });
    for (const [order, expected] of [
      ['oldest', '12345'],
      ['newest', '54321'],
    ] as const) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page: Messages = await app.get<Messages>(
          `${MESH}/${id}/messages?order=${order}&limit=2${cursor ? `&cursor=${cursor}` : ''}`,
        );
        expect(page.totalCount).toBe(5);
        seen.push(...page.messages.map(({ content }) => content));
        cursor = page.cursor;
      } while (cursor);
      expect(seen.join('')).toBe(expected);
    }
  });

  it('of 3 MB come back whole', async () => {
    const { id } = await open(MESH);
    const content = 'ü\0'.repeat(1_000_000);
    const recorded = await app.post<ChatMessage>(`${MESH}/${id}/messages`, { role: 'tool', content });
    expect(recorded.content).toBe(content);
    const { messages } = await app.get<Messages>(`${MESH}/${id}/messages`);
    expect(messages[0]!.content).toBe(content);
  });

  it('name a task of their own contract only', async () => {
    const path = chatsOf(await newContract());
    const { id } = await open(path);
    const task = await app.post<{ id: string }>('/api/v1/mesh/tasks', { name: 'elsewhere', plan: '' });
    const foreign = await other.post<{ id: string }>('/api/v1/mesh/tasks', { name: 'foreign', plan: '' });
    const message = { role: 'user', content: '' };
    expect(await refused(app, `${path}/${id}/messages`, { ...message, contextTaskId: task.id })).toEqual([
      409,
      'TASK_ELSEWHERE',
    ]);
    expect(await refused(app, `${path}/${id}/messages`, { ...message, contextTaskId: foreign.id })).toEqual([
      404,
      'NOT_FOUND',
    ]);
    expect(await refused(app, `${path}/${id}/messages`, { ...message, contextType: 'task' })).toEqual([
      422,
      'VALIDATION_FAILED',
    ]);
    expect(
      await refused(app, `${path}/${id}/messages`, {
        ...message,
        contextType: 'contract',
        contextTaskId: task.id,
      }),
    ).toEqual([422, 'VALIDATION_FAILED']);
    const mesh = await open(MESH);
    expect(
      await app.post(`${MESH}/${mesh.id}/messages`, { ...message, contextTaskId: task.id }),
    ).toMatchObject({ contextTaskId: task.id });
    expect(
      await refused(app, `${MESH}/${mesh.id}/messages`, { ...message, contextType: 'contract' }),
    ).toEqual([422, 'VALIDATION_FAILED']);
  });

  it('stand in the timeline of their contract', async () => {
    const contractId = await newContract();
    const { id } = await open(chatsOf(contractId));
    await app.post(`${chatsOf(contractId)}/${id}/messages`, { role: 'user', content: 'find me' });
    const { entries } = await app.get<{ entries: object[] }>(
      `/api/v1/contracts/${contractId}/history?event_types=chat`,
    );
    expect(entries).toMatchObject([
      { entryType: 'chat_message', conversationId: id, role: 'user', content: 'find me' },
    ]);
  });
});

describe('a pending question', () => {
  it('is answered once, by somebody, at some time', async () => {
    const { id } = await open(MESH);
    const chat = `${MESH}/${id}`;
    await app.post(`${chat}/messages`, {
      role: 'assistant',
      content: '',
      pendingQuestions: [
        { id: 'a', question: '?' },
        { id: 'b', question: '?' },
      ],
    });
    expect(await app.post(`${chat}/questions/a/answer`, { answer: 'yes\0' })).toMatchObject({
      questionId: 'a',
      answer: 'yes\0',
    });
    expect(await refused(app, `${chat}/questions/a/answer`, { answer: 'no' })).toEqual([
      409,
      'QUESTION_ANSWERED',
    ]);
    expect(await refused(app, `${chat}/questions/c/answer`, { answer: 'no' })).toEqual([
      404,
      'QUESTION_UNKNOWN',
    ]);
    const { messages } = await app.get<Messages>(`${chat}/messages`);
    const [a, b] = messages[0]!.pendingQuestions;
    expect(a).toMatchObject({ id: 'a', answer: 'yes\0', answeredBy: { kind: 'admin' } });
    expect(Date.parse(a!.answeredAt!)).toBeGreaterThan(0);
    expect(b).toMatchObject({ id: 'b', answer: null, answeredAt: null, answeredBy: null });
    expect(await app.get(chat)).toMatchObject({ openQuestions: 1 });
  });
});
