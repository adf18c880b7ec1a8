import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon, type RunningDaemon } from '#apps/daemon/daemon.js';
import { until } from '#apps/daemon/testing/until.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { TASKS } from '#libs/testing/tool-calls.js';

interface Checkpoint {
  readonly checkpointNumber: number;
  readonly isSafe: boolean;
  readonly trigger: string;
}

let app: TestApp;
let key: TestCaller;
let base: string;
const daemons: RunningDaemon[] = [];

beforeAll(async () => {
  app = await startTestApp();
  key = await app.key('daemon');
});
afterAll(() => app.close());
beforeEach(async () => (base = await mkdtemp(join(tmpdir(), 'makima-daemons-'))));
afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.stop();
  await rm(base, { recursive: true });
});

/** A daemon on a machine of its own. */
async function daemonIn(home: string): Promise<RunningDaemon> {
  const options = { url: app.url, token: key.token, home: join(base, home), name: home, graceMs: 500 };
  const daemon = await startDaemon({ ...options, lookMs: 100 });
  daemons.push(daemon);
  await daemon.connected;
  return daemon;
}

async function started(script: string): Promise<string> {
  const { id } = await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' });
  const runner = { name: 'command', command: ['sh', '-c', script] };
  await app.post(`${TASKS}/${id}/start`, { runner, prompt: 'Do it.' });
  return id;
}

const statusOf = async (id: string): Promise<unknown> => (await app.get(`${TASKS}/${id}`))['status'];
const hasStatus = (id: string, status: string): Promise<void> =>
  until(async () => (await statusOf(id)) === status, `the task is ${status}`);
const checkpoints = async (id: string): Promise<readonly Checkpoint[]> =>
  (await app.get<{ checkpoints: Checkpoint[] }>(`${TASKS}/${id}/checkpoints`)).checkpoints;
const areSafe = (id: string, count: number): Promise<void> =>
  until(async () => {
    const all = await checkpoints(id);
    return all.length === count && all.every(({ isSafe }) => isSafe);
  }, `${count} checkpoints are safe`);
const fileOf = (home: string, id: string, path: string): string =>
  join(base, home, 'daemon/tasks', id, 'folder', path);
const outputOf = async (id: string): Promise<readonly unknown[]> =>
  (
    await app.get<{ events: { eventData: { text: string } }[] }>(`${TASKS}/${id}/output?limit=1000`)
  ).events.map(({ eventData }) => eventData.text);

it('runs a task, takes its code back while the agent writes, and forward again', async () => {
  await daemonIn('here');
  const id = await started('cat; echo x > n; while :; do echo x >> n; sleep 0.02; done');
  await until(async () => (await outputOf(id)).includes('Do it.'), 'it has printed what it was asked');
  await app.post(`${TASKS}/${id}/checkpoint-requests`, { message: 'here' });
  await areSafe(id, 1);
  const then = await (await app.fetch(`${TASKS}/${id}/checkpoints/1/file?path=n`)).text();
  const rewound = await app.post(`${TASKS}/${id}/rewind`, { toCheckpoint: 1, reason: 'too fast' });
  expect(rewound).toMatchObject({ phase: 'completed', rewindedTo: { checkpointNumber: 1 } });
  expect(await statusOf(id)).toBe('paused');
  expect(await readFile(fileOf('here', id, 'n'), 'utf8')).toBe(then);
  await writeFile(fileOf('here', id, 'by a person'), 'kept\n');
  expect(await app.post(`${TASKS}/${id}/rewind/undo`, {})).toMatchObject({ phase: 'completed' });
  expect((await readFile(fileOf('here', id, 'n'), 'utf8')).length).toBeGreaterThan(then.length);
  await areSafe(id, 3);
  expect((await checkpoints(id)).map(({ trigger }) => trigger).sort()).toEqual(['end', 'request', 'safety']);
  const kept = await app.fetch(`${TASKS}/${id}/checkpoints/3/file?path=${encodeURIComponent('by a person')}`);
  expect(await kept.text()).toBe('kept\n');
});

it('goes on with a task on a machine whose disk never saw it', async () => {
  const first = await daemonIn('here');
  const id = await started('[ -e log ] && cat log; echo more >> log; [ $(wc -l < log) = 2 ] || sleep 600');
  await until(() => readFile(fileOf('here', id, 'log')).catch(() => null), 'it has written');
  await first.stop();
  await hasStatus(id, 'interrupted');
  await areSafe(id, 1);
  await daemonIn('elsewhere');
  await app.post(`${TASKS}/${id}/start`, {});
  await hasStatus(id, 'completed');
  expect(await outputOf(id)).toContain('more');
  expect(await readFile(fileOf('elsewhere', id, 'log'), 'utf8')).toBe('more\nmore\n');
});

it('is told that a task was stopped, and lets nothing of it be recorded any more', async () => {
  await daemonIn('here');
  const id = await started('echo up; while :; do echo more; sleep 0.01; done');
  await until(async () => (await outputOf(id)).includes('up'), 'it runs');
  await app.post(`${TASKS}/${id}/stop`, { reason: 'enough' });
  await app.caughtUp();
  const had = (await outputOf(id)).length;
  await until(async () => {
    const { daemons: all } = await app.get<{ daemons: { name: string; tasks: string[] }[] }>(
      '/api/v1/daemons',
    );
    return all.every(({ tasks }) => !tasks.includes(id));
  }, 'no daemon has it');
  expect(await statusOf(id)).toBe('paused');
  await app.caughtUp();
  expect((await outputOf(id)).length).toBe(had);
});
