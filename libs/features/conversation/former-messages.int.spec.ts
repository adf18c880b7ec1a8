import { readFileSync } from 'node:fs';
import { startTestApp, type TestApp } from '#libs/testing/app.js';

const SAMPLES = 'libs/agents/transcripts/samples/claude-code-growing';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function importPart(name: string): Promise<{ readonly taskId: string; readonly position: string }> {
  const response = await app.fetch(`/api/v1/import?name=${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: readFileSync(`${SAMPLES}/${name}`),
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
