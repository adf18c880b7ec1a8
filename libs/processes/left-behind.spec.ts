import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { endLeftBehind, knownProcess } from './left-behind.js';

const marks: string[] = [];

/** A program with a child in its group and one in a group of its own. */
async function family(): Promise<{ readonly child: ChildProcess; readonly mark: string }> {
  const id = randomUUID();
  const script = `trap '' TERM; sleep 600 & setsid sleep 600 & echo up; wait; wait`;
  const child = spawn('sh', ['-c', script], {
    detached: true,
    env: { PATH: process.env['PATH'], MAKIMA_RUN_ID: id },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const mark = `MAKIMA_RUN_ID=${id}`;
  marks.push(mark);
  await once(child.stdout, 'data');
  return { child, mark };
}

afterEach(async () => {
  for (const mark of marks.splice(0)) await endLeftBehind([], mark, 0);
});

it('ends a group that ignores SIGTERM, and what has left it', async () => {
  const { child, mark } = await family();
  const exit = once(child, 'exit');
  const known = knownProcess(child.pid!)!;
  expect(await endLeftBehind([known], mark, 100)).toBeGreaterThan(1);
  expect(await exit).toEqual([null, 'SIGKILL']);
  expect(await endLeftBehind([known], mark, 100)).toBe(0);
});

it('leaves alone a process that has the pid of another, and the marks of others', async () => {
  const { child } = await family();
  const another = { pid: child.pid!, startedAt: 'at another time' };
  expect(await endLeftBehind([another], `MAKIMA_RUN_ID=${randomUUID()}`, 100)).toBe(0);
  expect(knownProcess(child.pid!)).not.toBeNull();
});
