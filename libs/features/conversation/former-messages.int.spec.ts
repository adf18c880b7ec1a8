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

async function imported(name: string, body: Buffer | string, contractId?: string): Promise<Imported> {
  const contract = contractId === undefined ? '' : `&contract_id=${contractId}`;
  const response = await app.fetch(`/api/v1/import?name=${name}${contract}`, {
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

const RESULTS = ['tests ran', 'tests ran, one broke', 'tests ran once more and passed'];

/** A session whose title changes, whose message grows, and whose result turns out otherwise, twice. */
function version(number: number): string {
  const lines = claudeCode()
    .add('custom-title', 't1', { customTitle: `Title ${number}` })
    .user('u1', 'go on');
  lines.calls('a1', 'm1', 'call-1', 'Bash', { command: 'test' });
  lines.result('r1', 'call-1', RESULTS[number - 1], {}, number === 2);
  ['beginning', 'middle', 'end'].slice(0, number).forEach((text, part) => lines.says(`b${part}`, 'm2', text));
  return lines.lines.join('\n');
}

const QUESTIONS = [
  'mesh/tasks/{id}/conversation?',
  'mesh/tasks/{id}/conversation?limit=1&order=newest',
  'mesh/tasks/{id}/history?order=oldest',
  'mesh/tasks/{id}/history?order=newest',
  'contracts/{id}/history?failed=true',
  'contracts/{id}/history?failed=false',
  'contracts/{id}/history?text=beginning',
  'contracts/{id}/history?text=middle',
  'contracts/{id}/history?text=broke',
  'mesh/tasks/{id}/history?text=END',
  'contracts/{id}/history/overview?buckets=1',
  'contracts/{id}/history/overview?buckets=1&failed=true',
];

async function answers(
  ids: { readonly tasks: string; readonly contracts: string },
  query: string,
): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (const question of QUESTIONS) {
    const path = question.replace(
      /(\w+)\/\{id\}/,
      (_, kind: 'tasks' | 'contracts') => `${kind}/${ids[kind]}`,
    );
    const answer = await app.get<Readonly<Record<string, unknown>>>(`/api/v1/${path}&${query}`);
    // Where it goes on says what it goes on with.
    found.push({ ...answer, cursor: null, asOf: null, position: null });
  }
  return found;
}

async function rebuilt(): Promise<void> {
  for (const name of ['conversation', 'timeline']) {
    let job = await app.post<Readonly<Record<string, unknown>>>(
      `/api/v1/admin/projections/${name}/rebuild`,
      {},
    );
    while (job['status'] === 'running') job = await app.get(`/api/v1/admin/jobs/${String(job['id'])}`);
    expect(job).toMatchObject({ status: 'done' });
  }
}

it('answers everything as it stood, however often messages were amended, and after a rebuild', async () => {
  const then: { readonly position: string; readonly answers: readonly unknown[] }[] = [];
  const ids = {
    tasks: '',
    contracts: (await app.post('/api/v1/contracts', { name: 'Growing' }))['id'] as string,
  };
  for (const number of [1, 2, 3]) {
    const { position, ...task } = await imported(`${SESSION}.jsonl`, version(number), ids.contracts);
    ids.tasks = task.taskId;
    then.push({ position, answers: await answers(ids, `minPosition=${position}`) });
  }
  const failed = QUESTIONS.indexOf('contracts/{id}/history?failed=true');
  const counts = then.map(({ answers: [...all] }) => (all[failed] as { totalCount: number }).totalCount);
  expect(counts).toEqual([0, 1, 0]);
  expect(JSON.stringify(then[2])).toContain('Title 3');
  for (const { position, answers: before } of then)
    expect(await answers(ids, `asOf=${position}`)).toEqual(before);
  await rebuilt();
  for (const { position, answers: before } of then)
    expect(await answers(ids, `asOf=${position}`)).toEqual(before);
  expect(await answers(ids, '')).toEqual(then[2]!.answers);
});
