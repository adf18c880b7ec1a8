import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';

const API = '/api/v1';
/** Long enough for a blob; another one for each word. */
const long = (word: string): string => `${word} `.repeat(60_000);
const id = (): string => crypto.randomUUID();

interface Listed {
  readonly truncated?: readonly { readonly url: string }[];
}

describe('a tool key', () => {
  let app: TestApp;
  let own: string;
  let other: string;
  let tool: TestCaller;
  let stranger: TestCaller;
  let foreigner: TestCaller;

  const created = async (path: string, body: object): Promise<string> =>
    (await app.post<{ id: string }>(`${API}${path}`, body)).id;
  const taskIn = (contractId: string): Promise<string> =>
    created('/mesh/tasks', { name: 'a task', contractId });
  const record = async (task: string, item: object): Promise<void> => {
    await app.post(`${API}/mesh/tasks/${task}/activity`, { items: [{ id: id(), ...item }] });
    await app.caughtUp();
  };
  const urlsIn = async (caller: TestCaller, contract: string): Promise<readonly string[]> => {
    const { status, body } = await caller.call<{ entries: Listed[] }>(
      'GET',
      `${API}/contracts/${contract}/history`,
    );
    expect(status).toBe(200);
    return body.entries.flatMap(({ truncated }) => truncated ?? []).map(({ url }) => url);
  };
  const statusOf = async (caller: TestCaller, url: string) => (await caller.fetch(url)).status;

  beforeAll(async () => {
    app = await startTestApp();
    own = await created('/contracts', { name: 'own' });
    other = await created('/contracts', { name: 'other' });
    tool = await app.key('tool', { contractId: own });
    stranger = await app.key('tool', { contractId: other });
    foreigner = await app.secondOwner();
  });
  afterAll(() => app.close());

  it('fetches what an answer to it has cut, and nobody else’s key does', async () => {
    await record(await taskIn(own), { kind: 'message', role: 'assistant', content: long('said') });
    await record(await taskIn(own), { kind: 'output', content: long('put out') });
    const urls = await urlsIn(tool, own);
    expect(urls).toHaveLength(2);
    const answers = await Promise.all(urls.map(async (url) => (await tool.fetch(url)).json()));
    expect(answers.toSorted()).toEqual([long('put out'), long('said')]);
    for (const url of urls) {
      expect([await statusOf(stranger, url), await statusOf(foreigner, url)]).toEqual([404, 404]);
      expect(await statusOf(app, url)).toBe(200);
    }
  });

  it('fetches nothing of another contract, whatever it writes itself', async () => {
    await record(await taskIn(other), { kind: 'message', role: 'user', content: long('secret') });
    const [url] = await urlsIn(stranger, other);
    const $blob = { sha256: url!.split('/').at(-1), bytes: 1, preview: 'made up' };
    const toolCalls = [{ id: 'c', name: 'Read', input: { $blob } }];
    await record(await taskIn(own), { kind: 'tool_call', toolCalls });
    expect([await statusOf(tool, url!), await statusOf(stranger, url!)]).toEqual([404, 200]);
    await record(await taskIn(own), { kind: 'message', role: 'user', content: long('secret') });
    expect(await statusOf(tool, url!)).toBe(200);
  });

  it('fetches what the contract’s chats say, and nothing of mesh chats and tasks without a contract', async () => {
    const chat = await created(`/contracts/${own}/chats`, {});
    const mesh = await created('/mesh/chats', {});
    await app.post(`${API}/contracts/${own}/chats/${chat}/messages`, { role: 'user', content: long('chat') });
    await app.post(`${API}/mesh/chats/${mesh}/messages`, { role: 'user', content: long('mesh') });
    await record(await created('/mesh/tasks', { name: 'alone' }), { kind: 'output', content: long('alone') });
    const hashes = await app.get<{ events: { body: object }[] }>(`${API}/audit/events?limit=20&order=newest`);
    const found = [
      ...JSON.stringify(hashes).matchAll(/"sha256":"([0-9a-f]{64})","bytes":\d+,"preview":"(\w+)/g),
    ];
    const urlOf = (word: string): string =>
      `${API}/blobs/${found.find(([, , first]) => first === word)![1]!}`;
    expect(await statusOf(tool, urlOf('chat'))).toBe(200);
    expect(await statusOf(stranger, urlOf('chat'))).toBe(404);
    for (const word of ['mesh', 'alone']) {
      expect([await statusOf(tool, urlOf(word)), await statusOf(app, urlOf(word))]).toEqual([404, 200]);
    }
  });
});
