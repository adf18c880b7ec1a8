import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import type { ChatMessage, ChatResponse } from './chat.answers.dto.js';

type Chat = ChatResponse & { readonly position: string; readonly dryRun?: boolean };
interface Chats {
  readonly chats: readonly Chat[];
  readonly cursor?: string;
}
interface Messages {
  readonly messages: readonly ChatMessage[];
  readonly totalCount: number;
  readonly cursor?: string;
}

const MESH = '/api/v1/mesh/chats';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const refused = async (caller: TestCaller, path: string, body: unknown = {}): Promise<unknown[]> => {
  const { status, body: problem } = await caller.call('POST', path, body);
  return [status, problem['code']];
};
const newContract = async (): Promise<string> =>
  (await app.post<{ id: string }>('/api/v1/contracts', { name: 'work' })).id;
const chatsOf = (contractId: string): string => `/api/v1/contracts/${contractId}/chats`;
const open = (path: string, name = 'a chat'): Promise<Chat> => app.post<Chat>(path, { name });
const activeIn = async (path: string): Promise<string[]> =>
  (await app.get<Chats>(`${path}?active=true`)).chats.map(({ id }) => id);

describe('a chat', () => {
  it('is opened, read, renamed, closed and reopened', async () => {
    const path = chatsOf(await newContract());
    const chat = await open(path, 'plans');
    expect(chat).toMatchObject({
      kind: 'contract',
      name: 'plans',
      status: 'open',
      isActive: true,
      messageCount: 0,
      openQuestions: 0,
    });
    const one = `${path}/${chat.id}`;
    expect(await app.post(`${one}/rename`, { name: 'better plans' })).toMatchObject({
      name: 'better plans',
      isActive: true,
    });
    expect(await app.post(`${one}/close`)).toMatchObject({ status: 'closed', isActive: false });
    expect(await refused(app, `${one}/messages`, { role: 'user', content: 'hello' })).toEqual([
      409,
      'CHAT_CLOSED',
    ]);
    expect(await app.post(`${one}/reopen`)).toMatchObject({ status: 'open', isActive: true });
    expect(await app.get<Chat>(one)).toMatchObject({ name: 'better plans', status: 'open', isActive: true });
  });

  it('has a name of its own accord', async () => {
    expect(await app.post<Chat>(MESH)).toMatchObject({ kind: 'mesh', contractId: null, name: 'New chat' });
  });

  it('is opened once, however often the request arrives', async () => {
    const key = { 'idempotency-key': 'open-once' };
    const first = await app.post<Chat>(MESH, { name: 'once' }, key);
    const again = await app.post<Chat>(MESH, { name: 'once' }, key);
    expect(again.id).toBe(first.id);
    expect((await app.get<Chats>(MESH)).chats.filter(({ name }) => name === 'once')).toHaveLength(1);
  });

  it('is listed in pages, newest first, which no other list continues', async () => {
    const [path, elsewhere] = [chatsOf(await newContract()), chatsOf(await newContract())];
    const names = ['one', 'two', 'three', 'four', 'five'];
    for (const name of names) await open(path, name);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page: Chats = await app.get<Chats>(`${path}?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      expect(page.chats.length).toBeLessThanOrEqual(2);
      seen.push(...page.chats.map(({ name }) => name));
      if (page.cursor)
        expect((await app.call('GET', `${elsewhere}?limit=2&cursor=${page.cursor}`)).status).toBe(400);
      cursor = page.cursor;
    } while (cursor);
    expect(seen).toEqual(names.toReversed());
  });
});

describe('the active chat', () => {
  it('is one in each contract and one in the mesh: opening another makes the former inactive', async () => {
    const [path, elsewhere] = [chatsOf(await newContract()), chatsOf(await newContract())];
    const [first, second, there, mesh] = [
      await open(path),
      await open(path),
      await open(elsewhere),
      await open(MESH),
    ];
    expect(await activeIn(path)).toEqual([second.id]);
    expect(await activeIn(elsewhere)).toEqual([there.id]);
    expect(await activeIn(MESH)).toEqual([mesh.id]);
    expect(await app.post(`${path}/${first.id}/reopen`)).toMatchObject({ isActive: true });
    expect(await activeIn(path)).toEqual([first.id]);
    expect((await app.get<Chats>(`${path}?active=false`)).chats.map(({ id }) => id)).toEqual([second.id]);
  });

  it('is reopened without an event when it is active already', async () => {
    const path = chatsOf(await newContract());
    const { id } = await open(path);
    expect(await app.post(`${path}/${id}/reopen`)).toMatchObject({ isActive: true, position: '0' });
  });

  it('is never more than one, also when many are opened at once', async () => {
    const path = chatsOf(await newContract());
    await Promise.all(Array.from({ length: 10 }, (_, n) => open(path, `chat ${n}`)));
    expect(await activeIn(path)).toHaveLength(1);
  });
});

describe('a dry run', () => {
  it('answers what would be, and changes nothing', async () => {
    const path = chatsOf(await newContract());
    expect(await app.post(path, { name: 'dry', dryRun: true })).toMatchObject({
      name: 'dry',
      isActive: true,
      dryRun: true,
    });
    expect((await app.get<Chats>(path)).chats).toEqual([]);
    const { id } = await open(path, 'wet');
    const one = `${path}/${id}`;
    expect(await app.post(`${one}/rename`, { name: 'dry', dryRun: true })).toMatchObject({
      name: 'dry',
      dryRun: true,
    });
    expect(await app.post(`${one}/close`, { dryRun: true })).toMatchObject({
      status: 'closed',
      isActive: false,
      dryRun: true,
    });
    expect(await app.post(`${one}/messages`, { role: 'user', content: 'x', dryRun: true })).toMatchObject({
      content: 'x',
      dryRun: true,
    });
    expect(await app.get(one)).toMatchObject({
      name: 'wet',
      status: 'open',
      isActive: true,
      messageCount: 0,
    });
    const before = await app.call('GET', '/health');
    await app.post(`${one}/close`, { dryRun: true });
    expect((await app.call('GET', '/health')).body['head']).toBe(before.body['head']);
  });

  it('refuses what would be refused', async () => {
    const { id } = await open(MESH);
    expect(await refused(app, `${MESH}/${id}/questions/x/answer`, { answer: 'y', dryRun: true })).toEqual([
      404,
      'QUESTION_UNKNOWN',
    ]);
  });
});

it('shows everything as it stood at a position', async () => {
  const path = chatsOf(await newContract());
  const first = await open(path, 'first');
  await app.post(`${path}/${first.id}/messages`, {
    role: 'assistant',
    content: 'one',
    pendingQuestions: [{ id: 'q', question: '?' }],
  });
  const { position } = await open(path, 'second');
  await app.post(`${path}/${first.id}/messages`, { role: 'user', content: 'two' });
  await app.post(`${path}/${first.id}/questions/q/answer`, { answer: 'yes' });
  await app.post(`${path}/${first.id}/rename`, { name: 'renamed' });
  const then = await app.get<Chats>(`${path}?asOf=${position}`);
  expect(then.chats).toMatchObject([
    { name: 'second', isActive: true },
    { name: 'first', isActive: false, messageCount: 1, openQuestions: 1 },
  ]);
  const { messages } = await app.get<Messages>(`${path}/${first.id}/messages?asOf=${position}`);
  expect(messages).toMatchObject([{ content: 'one', pendingQuestions: [{ answer: null }] }]);
  const before = await app.get<Chats>(`${path}?asOf=${first.position}`);
  expect(before.chats).toMatchObject([{ name: 'first', isActive: true, messageCount: 0 }]);
});
