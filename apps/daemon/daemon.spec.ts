import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claudeRecording } from '#libs/agents/runners/spec-recordings.js';
import { startDaemon, type DaemonOptions, type RunningDaemon } from './daemon.js';
import { FakeServer, KEY } from './testing/fake-server.js';
import type { FakeTask } from './testing/fake-task.js';
import { until } from './testing/until.js';

let base: string;
let server: FakeServer;
const daemons: RunningDaemon[] = [];
const said: string[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-daemon-'));
  server = await FakeServer.start(join(base, 'hub'));
});
afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.stop();
  await server.stop();
  await rm(base, { recursive: true });
  said.splice(0);
});

async function start(options: Partial<DaemonOptions> = {}): Promise<RunningDaemon> {
  const daemon = await startDaemon({
    url: server.url,
    token: KEY,
    home: join(base, 'home'),
    name: 'here',
    lookMs: 50,
    graceMs: 500,
    backoff: { firstMs: 10, mostMs: 50 },
    log: (line) => said.push(line),
    ...options,
  });
  daemons.push(daemon);
  return daemon;
}

const shell = (script: string) => ({ runner: { name: 'command', command: ['sh', '-c', script] } }) as const;
const folderOf = ({ id }: FakeTask): string => join(base, 'home/daemon/tasks', id, 'folder');
const ended = (task: FakeTask): Promise<void> =>
  until(() => task.ends.length > 0, `task ended; daemon said: ${said.join(' | ')}`);

it('leases a task, runs its command in a folder, sends what it prints, and gives the lease back', async () => {
  const task = server.add(shell('cat; echo "$MAKIMA_TASK_ID"; echo made > file; echo oops >&2'));
  const daemon = await start();
  await daemon.connected;
  await ended(task);
  expect(task.ends).toEqual([{ epoch: 1, status: 'completed' }]);
  expect(task.outputs).toEqual(expect.arrayContaining(['Do it.', task.id, 'oops']));
  expect(await readFile(join(folderOf(task), 'file'), 'utf8')).toBe('made\n');
  const [checkpoint] = task.checkpoints;
  expect(checkpoint!.checkpoint).toMatchObject({
    trigger: 'end',
    filesChanged: [{ path: 'file', action: 'A', linesAdded: 1, linesRemoved: 0 }],
    linesAdded: 1,
    linesRemoved: 0,
  });
  await until(() => task.packs.has(checkpoint!.id), 'its code is in the hub');
  expect(server.hellos[0]).toMatchObject({ daemonId: daemon.daemonId, name: 'here', protocol: 1 });
});

it('replays a recording, whose edits are made in the folder', async () => {
  const recording = claudeRecording([['Write', { file_path: '/w/src/new.txt', content: 'written\n' }]]);
  const path = join(base, 'recording.jsonl');
  await writeFile(path, recording.bytes);
  const task = server.add({ runner: { name: 'replay', recording: { path } } });
  await start();
  await ended(task);
  expect(task.ends).toEqual([{ epoch: 1, status: 'completed' }]);
  expect(await readFile(join(folderOf(task), 'src/new.txt'), 'utf8')).toBe('written\n');
  expect(task.items.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['status', 'message', 'tool_result', 'checkpoint', 'line']),
  );
});

it('ends a task whose runner is not installed with the sentence of the runner', async () => {
  const task = server.add({ runner: { name: 'command', command: ['no-such-program-here'] } });
  await start();
  await ended(task);
  expect(task.ends[0]).toMatchObject({ status: 'failed' });
  expect(task.ends[0]!.reason).toContain('"no-such-program-here" is not installed here');
});
