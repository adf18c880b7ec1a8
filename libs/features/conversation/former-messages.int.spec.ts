import { readFileSync } from 'node:fs';
import { claudeCode, SESSION } from '#libs/agents/transcripts/spec-lines.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';

const SAMPLES = 'libs/agents/transcripts/samples/claude-code-growing';

let app: TestApp;
beforeEach(async () => {
  app = await startTestApp();
});
afterEach(() => app.close());

const importPart = (name: string): Promise<Imported> => imported(name, readFileSync(`${SAMPLES}/${name}`));

interface Imported {
  readonly taskId: string;
  readonly position: string;
}

async function imported(name: string, body: Buffer | string): Promise<Imported> {
  const response = await app.fetch(`/api/v1/import?name=${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body,
  });
  const report = (await response.json()) as {
    readonly position: string;
    readonly transcripts: readonly { readonly sessions: readonly { readonly taskId: string }[] }[];
  };
  return { taskId: report.transcripts[0]!.sessions[0]!.taskId, position: report.position };
}

it('shows a message that was amended later as it stood', async () => {
  const { taskId, position } = await importPart('1of2.jsonl');
  const conversation = (query: string): Promise<{ readonly messages: readonly unknown[] }> =>
    app.get(`/api/v1/mesh/tasks/${taskId}/conversation?${query}`);
  const before = await conversation(`minPosition=${position}`);
  const { position: later } = await importPart('2of2.jsonl');
  const after = await conversation(`minPosition=${later}`);
  const then = await conversation(`asOf=${position}`);
  expect(then.messages).toEqual(before.messages);
  // The amendment is no message more: the same message says more than it did.
  const amended = before.messages.findIndex(
    (message, index) => JSON.stringify(message) !== JSON.stringify(after.messages[index]),
  );
  expect(amended).toBeGreaterThanOrEqual(0);
  expect(after.messages[amended]).toMatchObject({ id: (before.messages[amended] as { id: string }).id });
});

it.each(['oldest', 'newest'])('shows it as it stood in timelines too, the %s first', async (order) => {
  const lines = claudeCode().user('u1', 'go on').says('a1', 'm1', 'the beginning');
  const { taskId, position } = await imported(`${SESSION}.jsonl`, lines.lines.join('\n'));
  const history = (query: string): Promise<{ readonly entries: readonly { readonly content?: string }[] }> =>
    app.get(`/api/v1/mesh/tasks/${taskId}/history?order=${order}&limit=1000&${query}`);
  const before = await history(`minPosition=${position}`);
  lines.says('a2', 'm1', 'and the end');
  const { position: later } = await imported(`${SESSION}.jsonl`, lines.lines.join('\n'));
  const after = await history(`minPosition=${later}`);
  expect(after.entries.find(({ content }) => content?.includes('and the end'))).toBeDefined();
  expect((await history(`asOf=${position}`)).entries).toEqual(before.entries);
});
