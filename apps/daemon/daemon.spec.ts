import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claudeRecording } from '#libs/agents/runners/spec-recordings.js';
import { HomeInUse } from '#libs/processes/home-lock.js';
import { DaemonRefused } from './connection.js';
import { DaemonWorld, shell } from './testing/daemon-world.js';
import type { FakeTask } from './testing/fake-task.js';

let world: DaemonWorld;

beforeEach(async () => (world = await DaemonWorld.create()));
afterEach(() => world.end());

const printed = (task: FakeTask, what: string): Promise<void> =>
  world.until(() => task.outputs.includes(what), `it has printed ${what}`);

it('leases a task, runs its command in a folder, sends what it prints, and gives the lease back', async () => {
  const { server } = world;
  const task = server.add(shell('cat; env | grep ^MAKIMA | sort; echo made > file; echo oops >&2'));
  const daemon = await world.start();
  await daemon.connected;
  await world.ended(task);
  expect(task.ends).toEqual([{ epoch: 1, status: 'completed' }]);
  const environment = task.outputs.filter((line) => line.startsWith('MAKIMA'));
  expect(environment.map((line) => line.split('=')[0])).toEqual([
    'MAKIMA_RUN_ID',
    'MAKIMA_TASK_ID',
    'MAKIMA_URL',
  ]);
  expect(task.outputs).toEqual(expect.arrayContaining(['Do it.', `MAKIMA_TASK_ID=${task.id}`, 'oops']));
  expect(await world.read(task, 'file')).toBe('made\n');
  const [checkpoint] = task.checkpoints;
  expect(checkpoint!.checkpoint).toMatchObject({
    trigger: 'end',
    filesChanged: [{ path: 'file', action: 'A', linesAdded: 1, linesRemoved: 0 }],
    linesAdded: 1,
    linesRemoved: 0,
  });
  await world.until(() => task.packs.has(checkpoint!.id), 'its code is in the hub');
  expect(server.hellos[0]).toMatchObject({ daemonId: daemon.daemonId, name: 'here', protocol: 1 });
  expect((await stat(join(world.base, 'home/daemon'))).mode & 0o777).toBe(0o700);
});

it('replays a recording, whose edits are made in the folder', async () => {
  const recording = claudeRecording([['Write', { file_path: '/w/src/new.txt', content: 'written\n' }]]);
  const path = join(world.base, 'recording.jsonl');
  await writeFile(path, recording.bytes);
  const task = world.server.add({ runner: { name: 'replay', recording: path } });
  await world.start();
  await world.ended(task);
  expect(task.ends).toEqual([{ epoch: 1, status: 'completed' }]);
  expect(await world.read(task, 'src/new.txt')).toBe('written\n');
  expect(task.items.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['status', 'message', 'tool_result', 'checkpoint', 'line']),
  );
});

it('ends a task whose runner is not installed with the sentence of the runner', async () => {
  const task = world.server.add({ runner: { name: 'command', command: ['no-such-program-here'] } });
  await world.start();
  await world.ended(task);
  expect(task.ends[0]).toMatchObject({ status: 'failed' });
  expect(task.ends[0]!.reason).toContain('"no-such-program-here" is not installed here');
});

it('runs as many tasks at once as it may, and the others after them', async () => {
  const tasks = [1, 2, 3].map(() =>
    world.server.add(shell('echo up; while [ ! -e go ]; do sleep 0.02; done')),
  );
  await world.start({ capacity: 2 });
  await world.until(() => tasks.filter(({ outputs }) => outputs.includes('up')).length === 2, 'two run');
  expect(tasks.filter(({ holder }) => holder !== null)).toHaveLength(2);
  for (const task of tasks) {
    await printed(task, 'up');
    await world.write(task, 'go', '');
    await world.ended(task);
  }
  expect(tasks.map(({ ends }) => ends[0]!.status)).toEqual(['completed', 'completed', 'completed']);
});

it('takes a checkpoint on request, of a folder in which an agent works and of one in which none does', async () => {
  const task = world.server.add(shell('echo 1 > file; echo up; while [ ! -e go ]; do sleep 0.02; done'));
  await world.start();
  await printed(task, 'up');
  task.request = { requestId: '9d0f6f6e-1111-4222-8333-000000000002', message: 'now' };
  world.server.wake();
  await world.until(() => task.answers.length === 1, 'it is answered');
  expect(task.checkpoints.map(({ id, checkpoint }) => [id, checkpoint.trigger, checkpoint.message])).toEqual([
    [task.answers[0], 'request', 'now'],
  ]);
  await world.write(task, 'go', '');
  await world.ended(task);
  await world.write(task, 'by a person', '');
  for (const requestId of ['9d0f6f6e-1111-4222-8333-000000000003', '9d0f6f6e-1111-4222-8333-000000000004']) {
    const before = task.answers.length;
    task.request = { requestId, message: null };
    world.server.wake();
    await world.until(() => task.answers.length > before, 'it is answered');
  }
  // Nothing had changed between the last two.
  expect(task.answers[2]).toBe(task.answers[1]);
  expect(task.checkpoints.at(-1)!.checkpoint.filesChanged.map(({ path }) => path)).toEqual(['by a person']);
});

it('takes checkpoints while an agent works for long', async () => {
  const task = world.server.add(shell('echo 1 > file; while [ ! -e go ]; do sleep 0.02; done'));
  await world.start({ checkpointMs: 30 });
  await world.until(() => task.checkpoints.length === 1, 'a checkpoint');
  expect(task.checkpoints[0]!.checkpoint.trigger).toBe('time');
  await world.write(task, 'go', '');
  await world.ended(task);
});

it('stops the agent of a task whose lease it has lost, and keeps aside what nobody takes', async () => {
  const task = world.server.add(shell('echo up; while :; do echo more; sleep 0.01; done'));
  await world.start();
  await printed(task, 'up');
  task.holder = null;
  await world.until(() => world.said.some((line) => /the lease/i.test(line)), 'it has heard');
  const journaled = async (): Promise<unknown> => (await world.journal(task)).lease;
  await world.until(async () => (await journaled()) === null, 'it has let go');
  expect(task.ends).toEqual([]);
  const spool = await readdir(world.place(task, 'spool'));
  expect(spool.filter((name) => name !== 'refused-1.ndjson')).toEqual([]);
  // Another lease of the same task starts afresh.
  task.isWanted = true;
  world.server.wake();
  await world.until(() => task.epoch === 2, 'it is leased again');
});

it('goes on when the connection breaks, and when the server answers nothing for a while', async () => {
  const task = world.server.add(shell('for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.05; done'));
  await world.start();
  await printed(task, '2');
  world.server.cut();
  let refused = 0;
  world.server.inTheWay = (_, response) => {
    if ((refused += 1) > 20) return false;
    response.destroy();
    return true;
  };
  await world.ended(task);
  expect(task.outputs).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  await world.until(() => world.server.hellos.length > 1, 'it has connected again');
});

it('stops its agents when it is stopped, sends all of it, and gives the leases back for others', async () => {
  const task = world.server.add(shell('echo work > file; echo up; sleep 600'));
  const daemon = await world.start();
  await printed(task, 'up');
  await daemon.stop();
  expect(task.ends).toEqual([{ epoch: 1, status: 'interrupted', reason: 'Its daemon was shut down.' }]);
  expect(task.checkpoints.map(({ checkpoint }) => checkpoint.trigger)).toEqual(['end']);
  task.isWanted = true;
  const { checkpointId, ...point } = task.point(task.checkpoints[0]!.id)!;
  task.code = { checkpoint: { checkpointId, ...point }, restore: true };
  // Another machine, whose disk never saw the task.
  const elsewhere = await world.start({ home: join(world.base, 'elsewhere') });
  await world.until(() => task.holder === elsewhere.daemonId, 'another has it');
  await world.until(
    async () =>
      (await stat(join(world.base, 'elsewhere/daemon/tasks', task.id, 'folder/file')).catch(() => null)) !==
      null,
    'the file is there',
  );
});

it('ends with one line when its key is refused, and lets one daemon work in a home', async () => {
  const first = await world.start();
  await expect(world.start()).rejects.toThrow(HomeInUse);
  await first.stop();
  const refused = await world.start({ token: 'mk_wrong' });
  await expect(refused.connected).rejects.toThrow(DaemonRefused);
  await expect(refused.ended).rejects.toThrow(/^http:\S+ does not take this key[^\n]*$/);
  expect((await world.start()).daemonId).toBe(first.daemonId);
});
