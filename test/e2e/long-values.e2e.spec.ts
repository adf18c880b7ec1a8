import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';

interface Truncated {
  readonly field: string;
  readonly bytes: number;
  readonly items?: number;
  readonly url: string;
}
type Entry = Readonly<Record<string, unknown>> & { readonly truncated?: readonly Truncated[] };

const TEXT = 'žluť\0 \ud800 "quoted" \\ '.repeat(30_000);
const FILES = Array.from({ length: 20_000 }, (_, n) => ({
  path: `packages/a-rather-long-name-${n % 40}/src/components/file-${n}.ts`,
  action: 'M',
  linesAdded: n,
}));

/** What is too long for an event: reading the thing itself gives it whole, lists say that they don't. */
describe('long values', () => {
  let app: TestApp;
  let other: TestCaller;
  let task: string;

  beforeAll(async () => {
    app = await startTestApp();
    other = await app.secondOwner();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    task = `/api/v1/mesh/tasks/${(await app.post('/api/v1/mesh/tasks', { name: 'long' }))['id'] as string}`;
  });

  const record = async (item: Readonly<Record<string, unknown>>): Promise<string> => {
    const id = randomUUID();
    await app.post(`${task}/activity`, { items: [{ id, ...item }] });
    await app.caughtUp();
    return id;
  };
  const history = async (path: string): Promise<readonly Entry[]> => {
    const { entries, events } = await app.get<{ entries?: Entry[]; events?: Entry[] }>(path);
    return entries ?? events!;
  };
  const wholeOf = async ({ truncated }: Entry): Promise<unknown> => {
    expect(truncated).toHaveLength(1);
    expect((await other.call('GET', truncated![0]!.url)).status).toBe(404);
    return (await app.fetch(truncated![0]!.url)).json();
  };
  const bytes = Buffer.byteLength(TEXT);

  it.each([
    ['output', { kind: 'output', content: TEXT }, 'output', 'text'],
    ['a kept line', { kind: 'line', lineType: 'odd', content: TEXT }, 'events', 'raw'],
  ])('%s is a preview in lists, with the way to all of it', async (_, item, path, field) => {
    const id = await record(item);
    for (const list of [`${task}/${path}`, `/api/v1/timeline?task_id=${task.split('/').at(-1)}`]) {
      const entry = (await history(list)).find((one) => one['id'] === id)!;
      expect((entry['eventData'] as Record<string, unknown>)[field]).toBe(TEXT.slice(0, 1_000));
      expect(entry.truncated).toMatchObject([{ field: `eventData.${field}`, bytes }]);
      expect((await wholeOf(entry)) === TEXT).toBe(true);
    }
  });

  it('a message is whole in its conversation, a preview in the history', async () => {
    const id = await record({ kind: 'message', role: 'assistant', content: TEXT, thinking: TEXT });
    const { messages } = await app.get<{ messages: Entry[] }>(`${task}/conversation`);
    expect([messages[0]!['content'] === TEXT, messages[0]!['thinking'] === TEXT]).toEqual([true, true]);
    const entries = await history(`/api/v1/timeline?task_id=${task.split('/').at(-1)}`);
    expect(entries.find((one) => one['id'] === id)).toMatchObject({
      content: TEXT.slice(0, 1_000),
      contentTruncated: true,
      truncated: [{ field: 'content', bytes }],
    });
  });

  it('a tool’s input is what the agent wrote, whatever its size and form', async () => {
    const blob = 'a'.repeat(64);
    const inputs = [
      { numbers: Array.from({ length: 300_000 }, (_, n) => n) },
      { text: TEXT, $blob: { sha256: blob, bytes: 1, preview: '' } },
      { $blob: { sha256: blob, bytes: 1, preview: '' } },
      { $blob: null, $$blob: { $blob: 1 } },
    ];
    for (const input of inputs) {
      const toolCalls = [{ id: 'c', name: 'Read', input }];
      await record({ kind: 'tool_call', toolCalls });
      const { messages } = await app.get<{ messages: { toolCalls: { input: unknown }[] }[] }>(
        `${task}/conversation?order=newest&limit=1`,
      );
      expect(messages[0]!.toolCalls[0]!.input).toEqual(input);
      const chats = '/api/v1/mesh/chats';
      const chat = `${chats}/${(await app.post(chats, {}))['id'] as string}/messages`;
      const said = await app.post(chat, { role: 'assistant', content: '', toolCalls });
      expect(said['toolCalls']).toEqual(toolCalls);
      const listed = await app.get<{ messages: { toolCalls: unknown }[] }>(chat);
      expect(listed.messages[0]!.toolCalls).toEqual(toolCalls);
    }
  });

  it('a checkpoint of 20,000 files has all of them; lists have the first', async () => {
    const checkpoint = { commitSha: 'a'.repeat(40), message: 'big', linesAdded: 1, linesRemoved: 0 };
    const id = await record({ kind: 'checkpoint', checkpoint: { ...checkpoint, filesChanged: FILES } });
    expect((await app.get(`${task}/checkpoints/${id}`))['filesChanged']).toEqual(FILES);
    const { checkpoints } = await app.get<{ checkpoints: Entry[] }>(`${task}/checkpoints`);
    const entries = await history(`/api/v1/timeline?task_id=${task.split('/').at(-1)}`);
    const kinds = ['checkpoint', 'file_change'];
    for (const one of [...checkpoints, ...kinds.map((k) => entries.find((e) => e['entryType'] === k)!)]) {
      expect(one['filesChanged']).toEqual(FILES.slice(0, 20));
      expect(one.truncated).toMatchObject([{ field: 'filesChanged', items: FILES.length }]);
      expect(await wholeOf(one)).toEqual(FILES);
    }
  });

  it('files of a tool result are all in the conversation', async () => {
    await record({ kind: 'tool_result', toolCallId: 'c', content: 'done', files: FILES });
    const { messages } = await app.get<{ messages: Entry[] }>(`${task}/conversation`);
    expect(messages[0]!['filesChanged']).toEqual(FILES);
  });

  it('a task has all files that it copies; lists have the first', async () => {
    const copyFiles = FILES.slice(0, 10_000).map(({ path }) => path);
    const created = await app.post('/api/v1/mesh/tasks', { name: 'copies', copyFiles });
    expect(created['copyFiles']).toEqual(copyFiles);
    const id = created['id'] as string;
    expect((await app.get(`/api/v1/mesh/tasks/${id}`))['copyFiles']).toEqual(copyFiles);
    const { tasks } = await app.get<{ tasks: Entry[] }>('/api/v1/mesh/tasks');
    const listed = tasks.find((one) => one['id'] === id)!;
    expect(listed['copyFiles']).toEqual(copyFiles.slice(0, 20));
    expect(await wholeOf(listed)).toEqual(copyFiles);
  });

  it('comes live as in lists', async () => {
    const leave = new AbortController();
    const response = await app.fetch(`${task}/stream`, { signal: leave.signal });
    await record({ kind: 'output', content: TEXT });
    let seen = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      seen += decoder.decode(chunk as Uint8Array, { stream: true });
      if (seen.includes('"truncated"')) break;
    }
    leave.abort();
    expect(seen).toContain('"field":"eventData.text"');
    expect(seen.length).toBeLessThan(20_000);
  });

  it('is previewed in a replay too', async () => {
    const id = await record({ kind: 'output', content: TEXT });
    const { events } = await app.get<{ events: Entry[] }>(
      `/api/v1/admin/streams/task-${task.split('/').at(-1)}/replay`,
    );
    expect(events.find((one) => one['id'] === id)).toMatchObject({
      data: { text: TEXT.slice(0, 1_000) },
      truncated: [{ field: 'data.text', bytes }],
    });
  });
});
