import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { writeCommit } from '#libs/git/commits.js';
import { packOf } from '#libs/git/packs.js';
import { ShadowRepository } from '#libs/git/shadow-repository.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';

const TASKS = '/api/v1/mesh/tasks';
const AT = '2026-01-05T10:00:00Z';

let app: TestApp;
let daemon: TestCaller;
let base: string;
let shadow: ShadowRepository;
beforeAll(async () => {
  app = await startTestApp();
  daemon = await app.key('daemon');
});
afterAll(() => app.close());
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-code-'));
  await mkdir(join(base, 'work'));
  shadow = await ShadowRepository.open(join(base, 'shadow'), join(base, 'work'));
});
afterEach(() => rm(base, { recursive: true }));

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(base, 'work', path)), { recursive: true });
  await writeFile(join(base, 'work', path), content);
}

const newTask = async (contractId?: string): Promise<string> =>
  (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '', ...(contractId && { contractId }) })).id;

interface Taken {
  readonly id: string;
  readonly commit: string;
}

/** Records what the folder holds as a checkpoint, as a daemon does, without its code. */
async function take(taskId: string, parents: readonly string[] = [], more: object = {}): Promise<Taken> {
  const { tree } = await shadow.capture();
  const commit = await writeCommit(shadow.place, { tree, parents, message: 'checkpoint', at: AT });
  const id = crypto.randomUUID();
  const checkpoint = {
    commitSha: commit,
    message: 'a checkpoint',
    filesChanged: [],
    linesAdded: 0,
    linesRemoved: 0,
    ...more,
  };
  await daemon.post(`${TASKS}/${taskId}/activity`, { items: [{ id, kind: 'checkpoint', checkpoint }] });
  return { id, commit };
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function send(
  taskId: string,
  { id, commit }: Taken,
  have: readonly string[] = [],
  as = daemon,
): Promise<Answer> {
  const response = await as.fetch(`${TASKS}/${taskId}/checkpoints/${id}/pack`, {
    method: 'PUT',
    headers: { 'content-type': 'application/x-git-packed-objects' },
    body: Readable.toWeb(packOf(shadow.place, commit, have)) as ReadableStream,
    duplex: 'half',
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const at = (taskId: string, { id }: Taken, rest: string): string =>
  `${TASKS}/${taskId}/checkpoints/${id}/${rest}`;

it('shows what each checkpoint changed, without a daemon', async () => {
  const task = await newTask();
  await write('kept', 'same\n');
  await write('src/changed.ts', 'one\ntwo\n');
  const first = await take(task);
  expect(await send(task, first)).toMatchObject({ status: 200, body: { id: first.id, isSafe: true } });
  await write('src/changed.ts', 'one\n2\n');
  await write('new', 'new\n');
  const second = await take(task, [first.commit]);
  await send(task, second, [first.commit]);
  await rm(join(base, 'shadow'), { recursive: true });
  expect(await app.get(at(task, second, 'diff'))).toMatchObject({
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
    at(task, first, 'diff'),
  );
  expect(whole).toMatchObject({ diff: { stats: { filesChanged: 2, insertions: 3 } } });
  expect(whole.previousCheckpoint).toBeUndefined();
});

it('shows the files of a checkpoint, and the bytes of each', async () => {
  const task = await newTask();
  await write('src/deep/file', 'content\0');
  await write('-rf', 'x');
  await symlink('/etc/passwd', join(base, 'work/link'));
  const taken = await take(task);
  await send(task, taken);
  const tree = async (path: string): Promise<unknown> =>
    (
      await app.get<{ entries: { path: string; kind: string; size: number | null }[] }>(
        at(task, taken, `tree?path=${path}`),
      )
    ).entries.map(({ path: found, kind, size }) => [found, kind, size]);
  expect(await tree('')).toEqual([
    ['-rf', 'file', 1],
    ['link', 'symlink', 11],
    ['src', 'folder', null],
  ]);
  expect(await tree('src/deep')).toEqual([['src/deep/file', 'file', 8]]);
  const file = async (path: string): Promise<string> =>
    (await app.fetch(at(task, taken, `file?path=${encodeURIComponent(path)}`))).text();
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
      (await app.fetch(at(task, taken, `file?path=${encodeURIComponent(path)}`))).status,
    ]).toEqual([path, 404]);
});

it('compares checkpoints of any two tasks of a contract, and of no two others', async () => {
  const contract = (await app.post<{ id: string }>('/api/v1/contracts', { name: 'c' })).id;
  const [one, two, elsewhere] = [await newTask(contract), await newTask(contract), await newTask()];
  await write('file', 'mine\n');
  const mine = await take(one);
  await send(one, mine);
  const outside = await take(elsewhere);
  await send(elsewhere, outside);
  await write('file', 'yours\n');
  const yours = await take(two);
  await send(two, yours);
  expect(await app.get(at(two, yours, `diff?against=${mine.id}`))).toMatchObject({
    previousCheckpoint: { taskId: one },
    diff: { stats: { filesChanged: 1, insertions: 1, deletions: 1 } },
  });
  expect((await app.call('GET', at(two, yours, `diff?against=${outside.id}`))).status).toBe(422);
  expect((await app.call('GET', at(two, yours, `diff?against=${crypto.randomUUID()}`))).status).toBe(404);
});

it('says that code has not come yet, and what the checkpoint does not hold', async () => {
  const task = await newTask();
  await write('file', '1');
  const leftOut = [{ path: 'large', reason: 'too_large' }];
  const taken = await take(task, [], { leftOut, headSha: 'a'.repeat(40) });
  await app.caughtUp();
  const shown = await app.get(`${TASKS}/${task}/checkpoints/${taken.id}`);
  expect(shown).toMatchObject({ isSafe: false, leftOut, headSha: 'a'.repeat(40) });
  for (const rest of ['diff', 'tree', 'file?path=file']) {
    const { status, body } = await app.call('GET', at(task, taken, rest));
    expect([rest, status, body['code']]).toEqual([rest, 409, 'CHECKPOINT_NOT_SAFE']);
  }
});

it('takes nothing that is damaged, incomplete, or from a key that is no daemon’s', async () => {
  const task = await newTask();
  await write('file', '1');
  const first = await take(task);
  await write('file', '2');
  const second = await take(task, [first.commit]);
  expect(await send(task, second, [first.commit])).toMatchObject({
    status: 422,
    body: { code: 'PACK_INVALID' },
  });
  const long = await daemon.fetch(at(task, first, 'pack'), {
    method: 'PUT',
    headers: { 'content-type': 'application/x-git-packed-objects' },
    body: Buffer.alloc(30_000_000, 1),
  });
  expect([long.status, long.headers.get('content-type')]).toEqual([422, 'application/problem+json']);
  expect((await send(task, first, [], await app.key('user'))).status).toBe(403);
  const other = await app.secondOwner();
  for (const path of ['diff', 'tree', 'file?path=file'])
    expect((await other.call('GET', at(task, first, path))).status).toBe(404);
  expect((await app.call('GET', at(task, second, 'diff'))).status).toBe(409);
});

it('may be sent again', async () => {
  const task = await newTask();
  await write('file', '1');
  const taken = await take(task);
  const answers = [await send(task, taken), await send(task, taken), await send(task, taken)];
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
