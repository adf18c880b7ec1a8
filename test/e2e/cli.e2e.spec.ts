import { spawn } from 'node:child_process';
import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';

/** The command as people run it, against a real server. */
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function makima(...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, ['apps/cli/makima.mjs', ...args], {
    env: { ...process.env, MAKIMA_URL: app.url, MAKIMA_TOKEN: app.token, TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

const json = async <T>(...args: string[]): Promise<T> => {
  const { code, out, err } = await makima(...args, '--format', 'json');
  if (code !== 0) throw new Error(`${args.join(' ')}: exit ${code}: ${err}`);
  return JSON.parse(out) as T;
};

const SAMPLE = 'libs/agents/transcripts/samples/claude-code';

it('tells the story of the README: import, read, go back, undo, fork', async () => {
  const imported = await makima('import', SAMPLE);
  expect(imported).toMatchObject({ code: 0 });
  const { contracts } = await json<{ contracts: { id: string; supervisorTaskId: string }[] }>(
    'contract',
    'list',
  );
  const [{ id: contract, supervisorTaskId: task }] = contracts as [{ id: string; supervisorTaskId: string }];
  const history = await makima('task', 'history', task.slice(0, 8));
  expect(history.code).toBe(0);
  const messages = async (): Promise<number> =>
    (await json<{ messages: unknown[] }>('task', 'history', task)).messages.length;
  const before = await messages();

  const rewind = ['supervisor', 'rewind-conversation', '--contract', contract, '--by-messages', '2'];
  expect(await makima(...rewind, '--dry-run')).toMatchObject({ code: 0 });
  expect(await messages()).toBe(before);
  expect(await makima(...rewind, '--yes')).toMatchObject({ code: 0 });
  expect(await messages()).toBeLessThan(before);
  expect((await makima('branches', task)).out).toContain('rewind');
  expect(await makima('undo', task, '--yes')).toMatchObject({ code: 0 });
  expect(await messages()).toBe(before);

  expect(await makima('undo', task, '--branch', '99', '--yes')).toMatchObject({ code: 3 });

  const again = await makima('import', SAMPLE);
  expect(again.code).toBe(0);
  expect(await messages()).toBe(before);
});

it('answers mistakes with an exit code and a line that helps', async () => {
  expect(await makima('task', 'history')).toMatchObject({ code: 2 });
  expect(await makima('tasks')).toMatchObject({ code: 2, err: expect.stringContaining('task') as string });
  expect(await makima('contract', 'history')).toMatchObject({ code: 2 });
  expect(await makima('task', 'history', '00000000-0000-4000-8000-000000000000')).toMatchObject({ code: 3 });
  expect(await makima('import', 'README.md')).toMatchObject({ code: 7 });
});

it('verifies, and says by its exit code when something is not what the log says', async () => {
  expect(await makima('admin', 'verify')).toMatchObject({ code: 0 });
  expect(await makima('audit', 'verify')).toMatchObject({ code: 0 });
  const database = new Database({ url: app.databaseUrl, max: 1 });
  try {
    await database.query(sql`UPDATE conversation_v3.messages SET content = 'another text' WHERE seq = 1`);
    expect(await makima('admin', 'verify')).toMatchObject({ code: 8 });
    await database.query(sql`UPDATE events SET body = body || ' '::bytea WHERE type = 'MessageRecorded'`);
    const broken = await makima('audit', 'verify');
    expect(broken.code).toBe(8);
    expect(broken.out + broken.err).toContain('task-');
  } finally {
    await database.close();
  }
});
