import { randomUUID } from 'node:crypto';
import { claudeCode, type ClaudeCodeLines } from '#libs/agents/transcripts/spec-lines.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';

interface Page {
  readonly entries: readonly { readonly id: string; readonly position: string }[];
  readonly totalCount: number;
  readonly cursor?: string;
}

let app: TestApp;
let contractId: string;
let taskId: string;
/** Entry ids by what they were recorded for. */
const ids = new Map<string, string>();
let clock = Date.UTC(2026, 0, 5);

type Item = Readonly<Record<string, unknown>>;

async function record(items: Readonly<Record<string, Item>>): Promise<void> {
  await app.post(`/api/v1/mesh/tasks/${taskId}/activity`, {
    items: Object.entries(items).map(([name, item]) => {
      const id = randomUUID();
      ids.set(name, id);
      return { id, occurredAt: new Date((clock += 1_000)).toISOString(), ...item };
    }),
  });
  await app.caughtUp();
}

const says = (content: string, more: Item = {}): Item => ({
  kind: 'message',
  role: 'assistant',
  content,
  ...more,
});

const found = (text: string, more: Readonly<Record<string, string>> = {}, as: TestCaller = app) =>
  as.get<Page>(
    `/api/v1/contracts/${contractId}/history?${new URLSearchParams({ text, ...more }).toString()}`,
  );

/** What was recorded that holds a text, by name; the count has to say the same. */
async function holders(text: string): Promise<readonly string[]> {
  const { entries, totalCount } = await found(text);
  const names = new Map([...ids].map(([name, id]) => [id, name]));
  expect([text, totalCount]).toEqual([text, entries.length]);
  return entries.map(({ id }) => names.get(id) ?? id).sort();
}

beforeAll(async () => {
  app = await startTestApp();
  contractId = (await app.post('/api/v1/contracts', { name: 'Searched', phase: 'research' }))['id'] as string;
  taskId = (await app.post('/api/v1/mesh/tasks', { name: 'Task', plan: 'a plan', contractId }))[
    'id'
  ] as string;
  await record({
    plain: says('The quick Brown fox'),
    thinking: says('', { thinking: 'first "pondered"\nthen cut: Größe\tÜBER \\alpha' }),
    call: says('', {
      toolCalls: [
        {
          id: 'call-1',
          name: 'edit_file',
          input: { file_path: 'src\\lib\\a.ts', nested: [{ replacement: 'say "yes"\nor no', é: 'naïve' }] },
        },
      ],
    }),
    result: { kind: 'tool_result', toolCallId: 'call-1', content: 'Replaced 100%_of it in C:\\temp' },
    output: { kind: 'output', channel: 'stdout', content: 'line one\nline "two" ÄÖÜ' },
    cyrillic: says('Привет, МИР'),
    japanese: says('日本語のテキスト'),
    nul: says('before\0after'),
    half: says('cut \ud83d here'),
    emoji: says('party 🎉 time'),
    marked: says('private \ue000 use'),
    long: says(`${'x'.repeat(998)} needle ${'y'.repeat(300_000)} tail`),
  });
});
afterAll(() => app.close());

describe('searching a history', () => {
  it.each([
    ['quick brown', ['plain']],
    ['QUICK', ['plain']],
    ['edit_file', ['call', 'result']],
    ['no such text', []],
  ])('finds %j in what was said, and by the name of a tool', async (text, names) => {
    expect(await holders(text)).toEqual(names);
  });

  it.each([
    ['"pondered"\nthen', ['thinking']],
    ['GRÖSSE', []],
    ['größe\tüber', ['thinking']],
    ['\\ALPHA', ['thinking']],
    ['src\\lib', ['call']],
    ['"YES"\nor', ['call']],
    ['Naïve', ['call']],
    ['one\nline "two" äöü', ['output']],
    ['c:\\temp', ['result']],
  ])('finds %j as it was said, not as JSON writes it', async (text, names) => {
    expect(await holders(text)).toEqual(names);
  });

  it.each([
    // How JSON writes a character, and names of fields.
    ['nthen', []],
    ['nor no', []],
    ['\\n', []],
    ['file_path', []],
    ['replacement', []],
    ['channel', []],
    ['"name"', []],
    ['beforeafter', []],
  ])('does not find %j, which nobody said', async (text, names) => {
    expect(await holders(text)).toEqual(names);
  });

  // Ids are texts too, and may have any hex digits: only messages are asked.
  it.each(['0000', 'd83d', 'e000', 'd8', '3d', 'e0'])(
    'does not find %j in what stands for a character that Postgres has no text for',
    async (text) => {
      expect((await found(text, { event_types: 'chat_message' })).totalCount).toBe(0);
    },
  );

  it.each([
    ['100%_', ['result']],
    ['100%of', []],
    ['1__%', []],
    ['%', ['result']],
    ['\\', ['call', 'result', 'thinking']],
  ])('takes %j for the characters that it consists of', async (text, names) => {
    expect(await holders(text)).toEqual(names);
  });

  it.each([
    ['привет, мир', ['cyrillic']],
    ['本語', ['japanese']],
    ['日本語のテ', ['japanese']],
    ['🎉', ['emoji']],
    ['party 🎉 t', ['emoji']],
    ['äöü', ['output']],
    ['before\0after', ['nul']],
    ['\0', ['nul']],
    ['te \ue000 us', ['marked']],
    ['\ue000', ['marked']],
  ])('finds %j in any script', async (text, names) => {
    expect(await holders(text)).toEqual(names);
  });

  it('searches the first 1,000 characters of a text that is a blob', async () => {
    expect(await holders('x n')).toEqual(['long']);
    expect(await holders('tail')).toEqual([]);
    expect(await holders('needle')).toEqual([]);
  });

  it('searches chats, with their questions', async () => {
    const path = `/api/v1/contracts/${contractId}/chats`;
    const chat = (await app.post(path, { name: 'Chat' }))['id'] as string;
    await app.post(`${path}/${chat}/messages`, {
      role: 'assistant',
      content: 'Which "colour"?',
      toolCalls: [{ id: 't1', name: 'ask_human', input: { hint: 'be\nbrief' } }],
      pendingQuestions: [{ id: 'q1', question: 'Red or blue?', options: ['Crimson'] }],
    });
    await app.caughtUp();
    ids.set('chat', (await found('Which "colour"')).entries[0]!.id);
    for (const text of ['"COLOUR"', 'ask_human', 'be\nbrief', 'red or', 'crimson']) {
      expect(await holders(text)).toEqual(['chat']);
    }
    expect(await holders('options')).toEqual([]);
  });

  it('counts what it finds, page by page, with other filters and as of then', async () => {
    const names = Array.from({ length: 25 }, (_, n) => `many ${n}`);
    await record(Object.fromEntries(names.map((name, n) => [name, says(`Repeated Phrase number ${n}`)])));
    await app.post(`/api/v1/contracts/${contractId}/phase`, { phase: 'execute' });
    await record({ later: says('one more repeated phrase') });
    const whole = await found('repeated phrase');
    expect([whole.totalCount, whole.entries.length]).toEqual([26, 26]);
    const collected: string[] = [];
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await found('repeated phrase', { limit: '10', ...(cursor && { cursor }) });
      expect(page.totalCount).toBe(26);
      collected.push(...page.entries.map(({ id }) => id));
      cursor = page.cursor;
    }
    expect(collected).toEqual(whole.entries.map(({ id }) => id));
    const oldest = await found('repeated phrase', { order: 'oldest', limit: '3' });
    expect(oldest.entries.map(({ id }) => id)).toEqual(collected.toReversed().slice(0, 3));
    expect((await found('repeated phrase', { phase: 'execute' })).totalCount).toBe(1);
    const then = whole.entries[0]!.position;
    expect((await found('repeated phrase', { asOf: String(BigInt(then) - 1n) })).totalCount).toBe(25);
    const overview = await app.get<{ totals: Item }>(
      `/api/v1/contracts/${contractId}/history/overview?text=repeated%20phrase`,
    );
    expect(overview.totals).toEqual({ chat_message: 26 });
  });

  it('pages through a timeline, near and far', async () => {
    const words = (first: number) =>
      Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`far ${first + n}`, says('hay and hay')]));
    await record({ needle: says('Needle in the stack'), second: says('another needle') });
    for (let batch = 0; batch < 5; batch += 1) await record(words(500 * batch));
    const path = `/api/v1/mesh/tasks/${taskId}/history?limit=1&text=`;
    const near = await app.get<Page>(`${path}and%20hay`);
    expect(near.entries[0]!.id).toBe(ids.get('far 2499'));
    const first = await app.get<Page>(`${path}needle`);
    const second = await app.get<Page>(`${path}needle&cursor=${encodeURIComponent(first.cursor!)}`);
    expect([first, second].map(({ entries }) => entries[0]!.id)).toEqual([
      ids.get('second'),
      ids.get('needle'),
    ]);
    expect((await found('needle')).totalCount).toBe(2);
  });

  it('finds an amended message by what it says now', async () => {
    const mine = await app.post('/api/v1/contracts', { name: 'Growing' });
    const query = { contract_id: mine['id'] as string };
    const count = async (text: string): Promise<number> =>
      (await app.get<Page>(`/api/v1/contracts/${query.contract_id}/history?text=${text}`)).totalCount;
    const send = async (lines: ClaudeCodeLines): Promise<void> => {
      const path = `/api/v1/import?contract_id=${query.contract_id}`;
      const body = new Uint8Array(lines.file('growing.jsonl').bytes);
      const headers = { 'content-type': 'application/octet-stream' };
      expect((await app.fetch(path, { method: 'POST', body, headers })).status).toBe(200);
      await app.caughtUp();
    };
    const begun = () => claudeCode().user('u1', 'a prompt').says('a1', 'm1', 'beginning');
    await send(begun());
    expect([await count('beginning'), await count('continuation')]).toEqual([1, 0]);
    await send(begun().says('a2', 'm1', 'continuation'));
    expect([await count('beginning'), await count('continuation')]).toEqual([1, 1]);
  });

  it('answers another owner that there is no such contract, and finds nothing in the own timeline', async () => {
    const other = await app.secondOwner();
    const history = await other.call('GET', `/api/v1/contracts/${contractId}/history?text=quick`);
    expect(history.status).toBe(404);
    expect(await other.get<Page>('/api/v1/timeline?text=quick')).toEqual({ entries: [] });
    expect((await app.get<Page>('/api/v1/timeline?text=quick')).entries).toHaveLength(1);
  });
});
