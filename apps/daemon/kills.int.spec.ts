import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FAILPOINTS, type Failpoint } from './failpoint.js';
import { DaemonWorld, shell } from './testing/daemon-world.js';
import type { FakeTask } from './testing/fake-task.js';

let world: DaemonWorld;

beforeEach(async () => (world = await DaemonWorld.create()));
afterEach(() => world.end());

const IN_REWINDS = FAILPOINTS.filter((name) => name.startsWith('rewind-'));
const IN_RUNS = FAILPOINTS.filter((name) => !name.startsWith('rewind-'));

/** Files that a rewind changes: many, so that a kill can come in the middle. */
const MANY = 400;
const write = (what: string): string => `for i in $(seq ${MANY}); do echo ${what} $i > f$i; done`;

/** Starts a daemon that dies at a step, and waits until it has. */
async function dies(at: Failpoint): Promise<void> {
  const child = world.spawn(at);
  await world.until(() => child.signalCode === 'SIGKILL', `it has died at ${at}`);
}

async function nothingIsLeft(task: FakeTask): Promise<void> {
  await world.until(() => task.checkpoints.every(({ id }) => task.packs.has(id)), 'all code is in the hub');
  await world.until(async () => (await world.journal(task)).unsafe.length === 0, 'it knows that');
  expect(await world.journal(task)).toMatchObject({ lease: null, untold: [], rewind: null });
  expect(await readdir(world.place(task, 'spool'))).toEqual([]);
  expect(existsSync(world.place(task, 'shadow.git/index.lock'))).toBe(false);
  expect(await processesOf(task)).toEqual([]);
  // Every checkpoint can be read back, and is what the server was told.
  for (const { id, checkpoint } of task.checkpoints)
    expect(world.shadow(task, 'rev-parse', `refs/makima/checkpoints/${id}`)).toBe(checkpoint.commitSha);
}

/** Of the agent, or of git in the task's repository. */
async function processesOf(task: FakeTask): Promise<readonly string[]> {
  const marks = [`MAKIMA_TASK_ID=${task.id}`, `GIT_DIR=${world.place(task, 'shadow.git')}`];
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').some((one) => marks.includes(one))) found.push(pid);
  }
  return found;
}

describe.each(IN_RUNS)('killed in a run at %s', (at) => {
  it('gives the lease back at its next start, and another run goes on from what was there', async () => {
    const task = world.server.add(shell(`echo more >> log; cat log; ${write('one')}; sleep 0.2`));
    await dies(at);
    // Code is sent to the hub in the background: the run may be over by then, or not.
    const isInBackground = at === 'checkpoint-packed';
    if (!isInBackground) expect(task.ends).toEqual([]);
    const last = world.spawn();
    await world.ended(task);
    // Only what had ended before the kill has an end of its own.
    const status = at === 'run-ended' ? 'completed' : isInBackground ? /./ : 'interrupted';
    expect(task.ends).toEqual([expect.objectContaining({ epoch: 1, status: expect.stringMatching(status) })]);
    const logged = (await world.read(task, 'log')) ?? '';
    task.isWanted = true;
    world.server.wake();
    await world.ended(task, 2);
    expect(task.ends[1]).toEqual({ epoch: 2, status: 'completed' });
    expect(await world.read(task, 'log')).toBe(`${logged}more\n`);
    await nothingIsLeft(task);
    const trees = task.checkpoints.map(({ checkpoint }) => world.treeOf(task, checkpoint.commitSha));
    expect(new Set(trees).size).toBe(trees.length);
    expect(task.items.filter(({ kind }) => kind === 'output')).toHaveLength(task.outputs.length);
    await world.kill(last, 'SIGTERM');
    expect(last.exitCode).toBe(0);
  });
});

describe.each(IN_REWINDS)('killed in a rewind at %s', (at) => {
  it('has changed nothing, or goes on to where the server says; what was there is kept', async () => {
    const task = world.server.add(shell(`${write('one')}; mkdir only; echo one > only/then`));
    const first = world.spawn();
    await world.ended(task);
    await world.until(() => task.packs.size === 1, 'its code is in the hub');
    const target = task.point(task.checkpoints[0]!.id)!;
    await world.kill(first, 'SIGTERM');
    for (let each = 1; each <= MANY; each += 1) await world.write(task, `f${each}`, `two ${each}\n`);
    await world.write(task, 'only/now', 'never in a checkpoint\n');
    task.rewind(target);
    await dies(at);
    // Again, in what follows the kill.
    if (at !== 'rewind-half-restored' && task.order?.phase === 'committed') await dies('rewind-restored');
    world.spawn();
    await world.until(() => task.order === null, 'the rewind is over');
    expect(task.rewinds).toEqual(['prepared', `completed ${world.treeOf(task, target.commitSha)}`]);
    expect([await world.read(task, 'f1'), await world.read(task, `f${MANY}`)]).toEqual([
      'one 1\n',
      `one ${MANY}\n`,
    ]);
    expect([await world.read(task, 'only/now'), await world.read(task, 'only/then')]).toEqual([
      null,
      'one\n',
    ]);
    const before = task.point(task.befores[0]!)!;
    expect(world.shadow(task, 'show', `${before.commitSha}:only/now`)).toBe('never in a checkpoint');
    expect(world.shadow(task, 'show', `${before.commitSha}:f1`)).toBe('two 1');
    await world.until(async () => (await world.journal(task)).rewind === null, 'it has written that down');
    await nothingIsLeft(task);
  });
});

it('ends the agent that a killed daemon has left, with what that has started', async () => {
  const script = "trap '' TERM; setsid sleep 600 & echo up; sleep 600";
  const task = world.server.add(shell(script));
  const child = world.spawn();
  await world.until(() => task.outputs.includes('up'), 'it runs');
  await world.kill(child);
  // The negative control: without the next daemon they would run on.
  expect((await processesOf(task)).length).toBeGreaterThanOrEqual(2);
  world.spawn();
  await world.ended(task);
  expect(task.ends).toEqual([{ epoch: 1, status: 'interrupted', reason: 'Its daemon was ended.' }]);
  expect(await processesOf(task)).toEqual([]);
});

it('goes at once when it is told twice, and the next one takes up what it left', async () => {
  const task = world.server.add(shell("trap '' TERM; echo up; while :; do sleep 0.05; done"));
  const child = world.spawn();
  await world.until(() => task.outputs.includes('up'), 'it runs');
  child.kill('SIGTERM');
  await world.until(() => world.said.some((line) => line.includes('stopping the agents')), 'it has heard');
  await world.kill(child, 'SIGTERM');
  expect(child.exitCode).toBe(1);
  expect(task.ends).toEqual([]);
  world.spawn();
  await world.ended(task);
  expect(await processesOf(task)).toEqual([]);
  expect(await readdir(join(world.base, 'home/daemon'))).toContain('daemon.json');
});
