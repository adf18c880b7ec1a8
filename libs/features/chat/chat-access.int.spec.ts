import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import type { ChatResponse } from './chat.answers.dto.js';

type Chat = ChatResponse & { readonly position: string; readonly dryRun?: boolean };
interface Chats {
  readonly chats: readonly Chat[];
  readonly cursor?: string;
}

const MESH = '/api/v1/mesh/chats';
const NOBODY = '00000000-0000-7000-8000-0000000000ff';

let app: TestApp;
let other: TestCaller;

beforeAll(async () => {
  app = await startTestApp();
  other = await app.secondOwner();
});
afterAll(() => app.close());

const newContract = async (caller: TestCaller = app): Promise<string> =>
  (await caller.post<{ id: string }>('/api/v1/contracts', { name: 'work' })).id;
const chatsOf = (contractId: string): string => `/api/v1/contracts/${contractId}/chats`;
const open = (path: string, name = 'a chat', caller: TestCaller = app): Promise<Chat> =>
  caller.post<Chat>(path, { name });
describe('who may see a chat', () => {
  const message = { role: 'user', content: 'mine' };
  const routes = (chat: string): readonly (readonly [string, string, unknown?])[] => [
    ['GET', chat],
    ['GET', `${chat}/messages`],
    ['POST', `${chat}/messages`, message],
    ['POST', `${chat}/rename`, { name: 'x' }],
    ['POST', `${chat}/close`, {}],
    ['POST', `${chat}/reopen`, {}],
    ['POST', `${chat}/questions/q/answer`, { answer: 'x' }],
  ];

  it('is not another owner, on any route', async () => {
    const contractId = await newContract();
    const [mesh, inContract] = [await open(MESH), await open(chatsOf(contractId))];
    for (const chat of [`${MESH}/${mesh.id}`, `${chatsOf(contractId)}/${inContract.id}`]) {
      await app.post(`${chat}/messages`, { ...message, pendingQuestions: [{ id: 'q', question: '?' }] });
      for (const [method, path, body] of routes(chat)) {
        expect([method, path, (await other.call(method, path, body)).status]).toEqual([method, path, 404]);
      }
    }
    expect((await other.call('GET', chatsOf(contractId))).status).toBe(404);
    expect((await other.call('POST', chatsOf(contractId), {})).status).toBe(404);
    expect((await other.get<Chats>(MESH)).chats).toEqual([]);
    const theirs = await newContract(other);
    for (const [method, path, body] of routes(`${chatsOf(theirs)}/${inContract.id}`)) {
      expect([method, path, (await other.call(method, path, body)).status]).toEqual([method, path, 404]);
    }
    expect(await app.get(`${MESH}/${mesh.id}`)).toMatchObject({
      name: 'a chat',
      status: 'open',
      messageCount: 1,
      openQuestions: 1,
    });
  });

  it("is a tool key for its own contract's chats only", async () => {
    const [mine, elsewhere] = [await newContract(), await newContract()];
    const tool = await app.key('tool', { contractId: mine });
    const chat = await open(chatsOf(mine), 'by a tool', tool);
    const own = `${chatsOf(mine)}/${chat.id}`;
    await tool.post(`${own}/messages`, { ...message, pendingQuestions: [{ id: 'q', question: '?' }] });
    for (const [method, path, body] of routes(own)) {
      expect([method, path, (await tool.call(method, path, body)).status < 300]).toEqual([
        method,
        path,
        true,
      ]);
    }
    const there = await open(chatsOf(elsewhere));
    const mesh = await open(MESH);
    for (const chatPath of [
      `${chatsOf(elsewhere)}/${there.id}`,
      `${MESH}/${mesh.id}`,
      `${chatsOf(mine)}/${there.id}`,
    ]) {
      await app
        .post(`${chatPath.replace(mine, elsewhere)}/messages`, {
          ...message,
          pendingQuestions: [{ id: 'q', question: '?' }],
        })
        .catch(() => undefined);
      for (const [method, path, body] of routes(chatPath)) {
        expect([method, path, (await tool.call(method, path, body)).status]).toEqual([method, path, 404]);
      }
    }
    for (const list of [chatsOf(elsewhere), MESH]) {
      expect((await tool.call('GET', list)).status).toBe(404);
      expect((await tool.call('POST', list, {})).status).toBe(404);
    }
  });

  it('needs a scope to write', async () => {
    const reader = await app.key('auditor');
    const { id } = await open(MESH);
    expect((await reader.call('GET', `${MESH}/${id}`)).status).toBe(200);
    expect((await reader.call('POST', `${MESH}/${id}/messages`, message)).status).toBe(403);
  });

  it('does not find what never was', async () => {
    for (const [method, path, body] of routes(`${MESH}/${NOBODY}`))
      expect((await app.call(method, path, body)).status).toBe(404);
    expect((await app.call('GET', `${MESH}/not-an-id`)).status).toBe(422);
    const answer = await app.call('POST', `${MESH}/${NOBODY}/messages`, {
      role: 'king',
      content: 1,
      more: true,
    });
    const errors = answer.body['errors'] as { field: string }[];
    expect([answer.status, errors.map(({ field }) => field).sort()]).toEqual([
      422,
      ['content', 'more', 'role'],
    ]);
  });
});
