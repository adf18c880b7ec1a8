import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { git, gitLine } from '#libs/git/git.js';
import { Hub } from '#libs/git/hub.js';
import { PackRefused } from '#libs/git/packs.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { atCheckpoint, CheckpointFolder, type Taken } from '#libs/testing/checkpoint-folder.js';

const TASKS = '/api/v1/mesh/tasks';

let app: TestApp;
let code: CheckpointFolder;
let elsewhere: string;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  code = await CheckpointFolder.open(await app.key('daemon'));
  elsewhere = await mkdtemp(join(tmpdir(), 'makima-elsewhere-'));
});
afterEach(async () => {
  await code.lose();
  await rm(elsewhere, { recursive: true });
});

const newTask = async (): Promise<string> =>
  (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' })).id;

async function packOf(taskId: string, taken: Taken, have: readonly string[] = []): Promise<Buffer> {
  const query = have.length === 0 ? '' : `?have=${have.join(',')}`;
  const answer = await app.fetch(atCheckpoint(taskId, taken, `pack${query}`));
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'application/x-git-packed-objects',
  ]);
  return Buffer.from(await answer.arrayBuffer());
}

const takenIn = (hub: Hub, { commit }: Taken, pack: Buffer): Promise<void> =>
  hub.receive(Readable.from([pack]), { ref: `refs/makima/checkpoints/${commit}`, commit });

it('brings the code of a checkpoint to a machine that never saw it, and then only what is new', async () => {
  const task = await newTask();
  await code.write('src/file', 'first\n');
  const first = await code.secured(task);
  await code.write('src/file', 'second\n');
  const second = await code.secured(task, [first.commit]);
  await code.lose();
  const hub = await Hub.open(join(elsewhere, 'first'));
  await takenIn(hub, first, await packOf(task, first));
  await takenIn(hub, second, await packOf(task, second, [first.commit]));
  expect((await git(hub.place, ['cat-file', 'blob', `${second.commit}:src/file`])).toString()).toBe(
    'second\n',
  );
  expect(await gitLine(hub.place, ['rev-parse', `${second.commit}^`])).toBe(first.commit);
  const nothing = await Hub.open(join(elsewhere, 'nothing'));
  const thin = takenIn(nothing, second, await packOf(task, second, [first.commit]));
  await expect(thin).rejects.toBeInstanceOf(PackRefused);
});

it('passes over what it is told that is there and it does not know', async () => {
  const task = await newTask();
  await code.write('file', 'first\n');
  const first = await code.secured(task);
  const blob = await gitLine(code.shadow.place, ['rev-parse', `${first.commit}:file`]);
  const hub = await Hub.open(join(elsewhere, 'hub'));
  await takenIn(hub, first, await packOf(task, first, ['a'.repeat(40), blob, 'b'.repeat(64)]));
  expect((await git(hub.place, ['cat-file', 'blob', `${first.commit}:file`])).toString()).toBe('first\n');
});

it('is not there before the code has come, for another owner, or for what is no commit', async () => {
  const task = await newTask();
  await code.write('file', 'first\n');
  const taken = await code.take(task);
  await app.caughtUp();
  const path = atCheckpoint(task, taken, 'pack');
  expect(await app.call('GET', path)).toMatchObject({ status: 409, body: { code: 'CHECKPOINT_NOT_SAFE' } });
  expect((await (await app.secondOwner()).call('GET', path)).status).toBe(404);
  for (const have of ['--all', 'HEAD', `${'a'.repeat(40)}\n`, 'a'.repeat(39)])
    expect((await app.call('GET', `${path}?have=${encodeURIComponent(have)}`)).status).toBe(422);
});
