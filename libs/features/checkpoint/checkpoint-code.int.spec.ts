import { symlink } from 'node:fs/promises';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { atCheckpoint, CheckpointFolder } from '#libs/testing/checkpoint-folder.js';

const TASKS = '/api/v1/mesh/tasks';

let app: TestApp;
let daemon: TestCaller;
let code: CheckpointFolder;
beforeAll(async () => {
  app = await startTestApp();
  daemon = await app.key('daemon');
});
afterAll(() => app.close());
beforeEach(async () => {
  code = await CheckpointFolder.open(daemon);
});
afterEach(() => code.lose());

const newTask = async (contractId?: string): Promise<string> =>
  (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '', ...(contractId && { contractId }) })).id;

it('shows what each checkpoint changed, without a daemon', async () => {
  const task = await newTask();
  await code.write('kept', 'same\n');
  await code.write('src/changed.ts', 'one\ntwo\n');
  const first = await code.take(task);
  expect(await code.send(task, first)).toMatchObject({ status: 200, body: { id: first.id, isSafe: true } });
  await code.write('src/changed.ts', 'one\n2\n');
  await code.write('new', 'new\n');
  const second = await code.take(task, [first.commit]);
  await code.send(task, second, [first.commit]);
  await code.lose();
  expect(await app.get(atCheckpoint(task, second, 'diff'))).toMatchObject({
    checkpoint: { id: second.id, checkpointNumber: 2 },
    previousCheckpoint: { id: first.id },
    diff: {
      stats: { filesChanged: 2, insertions: 2, deletions: 1 },
      files: [
        { path: 'new', action: 'added', additions: 1, deletions: 0 },
        {
          path: 'src/changed.ts',
          action: 'modified',
          hunks: [
            {
              oldStart: 1,
              lines: [
                { kind: 'context', text: 'one' },
                { kind: 'deleted', text: 'two' },
                { kind: 'added', text: '2' },
              ],
            },
          ],
        },
      ],
    },
  });
  const whole = await app.get<{ diff: { stats: object }; previousCheckpoint?: object }>(
    atCheckpoint(task, first, 'diff'),
  );
  expect(whole).toMatchObject({ diff: { stats: { filesChanged: 2, insertions: 3 } } });
  expect(whole.previousCheckpoint).toBeUndefined();
});

it('shows the files of a checkpoint, and the bytes of each', async () => {
  const task = await newTask();
  await code.write('src/deep/file', 'content\0');
  await code.write('-rf', 'x');
  await symlink('/etc/passwd', code.at('link'));
  const taken = await code.take(task);
  await code.send(task, taken);
  const tree = async (path: string): Promise<unknown> =>
    (
      await app.get<{ entries: { path: string; kind: string; size: number | null }[] }>(
        atCheckpoint(task, taken, `tree?path=${path}`),
      )
    ).entries.map(({ path: found, kind, size }) => [found, kind, size]);
  expect(await tree('')).toEqual([
    ['-rf', 'file', 1],
    ['link', 'symlink', 11],
    ['src', 'folder', null],
  ]);
  expect(await tree('src/deep')).toEqual([['src/deep/file', 'file', 8]]);
  const file = async (path: string): Promise<string> =>
    (await app.fetch(atCheckpoint(task, taken, `file?path=${encodeURIComponent(path)}`))).text();
  expect([await file('src/deep/file'), await file('-rf'), await file('link')]).toEqual([
    'content\0',
    'x',
    '/etc/passwd',
  ]);
  for (const path of [
    'src',
    'none',
    'a\0b',
    '\0',
    '../../etc/passwd',
    '/etc/passwd',
    ':(top)src',
    'src/deep/',
  ])
    expect([
      path,
      (await app.fetch(atCheckpoint(task, taken, `file?path=${encodeURIComponent(path)}`))).status,
    ]).toEqual([path, 404]);
});

it('compares checkpoints of any two tasks of a contract, and of no two others', async () => {
  const contract = (await app.post<{ id: string }>('/api/v1/contracts', { name: 'c' })).id;
  const [one, two, elsewhere] = [await newTask(contract), await newTask(contract), await newTask()];
  await code.write('file', 'mine\n');
  const mine = await code.take(one);
  await code.send(one, mine);
  const outside = await code.take(elsewhere);
  await code.send(elsewhere, outside);
  await code.write('file', 'yours\n');
  const yours = await code.take(two);
  await code.send(two, yours);
  expect(await app.get(atCheckpoint(two, yours, `diff?against=${mine.id}`))).toMatchObject({
    previousCheckpoint: { taskId: one },
    diff: { stats: { filesChanged: 1, insertions: 1, deletions: 1 } },
  });
  expect((await app.call('GET', atCheckpoint(two, yours, `diff?against=${outside.id}`))).status).toBe(422);
  expect(
    (await app.call('GET', atCheckpoint(two, yours, `diff?against=${crypto.randomUUID()}`))).status,
  ).toBe(404);
});

it('says that code has not come yet, and what the checkpoint does not hold', async () => {
  const task = await newTask();
  await code.write('file', '1');
  const leftOut = [{ path: 'large', reason: 'too_large' }];
  const taken = await code.take(task, [], { leftOut, headSha: 'a'.repeat(40) });
  await app.caughtUp();
  const shown = await app.get(`${TASKS}/${task}/checkpoints/${taken.id}`);
  expect(shown).toMatchObject({ isSafe: false, leftOut, headSha: 'a'.repeat(40) });
  for (const rest of ['diff', 'tree', 'file?path=file']) {
    const { status, body } = await app.call('GET', atCheckpoint(task, taken, rest));
    expect([rest, status, body['code']]).toEqual([rest, 409, 'CHECKPOINT_NOT_SAFE']);
  }
});

it('takes nothing that is damaged, incomplete, or from a key that is no daemon’s', async () => {
  const task = await newTask();
  await code.write('file', '1');
  const first = await code.take(task);
  await code.write('file', '2');
  const second = await code.take(task, [first.commit]);
  expect(await code.send(task, second, [first.commit])).toMatchObject({
    status: 422,
    body: { code: 'PACK_INVALID' },
  });
  const long = await daemon.fetch(atCheckpoint(task, first, 'pack'), {
    method: 'PUT',
    headers: { 'content-type': 'application/x-git-packed-objects' },
    body: Buffer.alloc(30_000_000, 1),
  });
  expect([long.status, long.headers.get('content-type')]).toEqual([422, 'application/problem+json']);
  expect((await code.send(task, first, [], await app.key('user'))).status).toBe(403);
  const other = await app.secondOwner();
  for (const path of ['diff', 'tree', 'file?path=file'])
    expect((await other.call('GET', atCheckpoint(task, first, path))).status).toBe(404);
  expect((await app.call('GET', atCheckpoint(task, second, 'diff'))).status).toBe(409);
});

it('may be sent again', async () => {
  const task = await newTask();
  await code.write('file', '1');
  const taken = await code.take(task);
  const answers = [await code.send(task, taken), await code.send(task, taken), await code.send(task, taken)];
  expect(answers.map(({ status, body }) => [status, body['isSafe']])).toEqual([
    [200, true],
    [200, true],
    [200, true],
  ]);
  const events = await app.get<{ events: { type: string }[] }>(`/api/v1/audit/streams/task-${task}`);
  expect(events.events.map(({ type }) => type)).toEqual([
    'TaskCreated',
    'CheckpointRecorded',
    'ConversationSnapshotTaken',
    'CheckpointSecured',
  ]);
});
