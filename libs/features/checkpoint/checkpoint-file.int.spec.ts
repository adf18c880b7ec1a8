import { writeFile } from 'node:fs/promises';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { atCheckpoint, CheckpointFolder, type Taken } from '#libs/testing/checkpoint-folder.js';

const TASKS = '/api/v1/mesh/tasks';
/** More than git and Node move at once. */
const LONG = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));

let app: TestApp;
let code: CheckpointFolder;
let task: string;
let taken: Taken;
beforeAll(async () => {
  app = await startTestApp();
  code = await CheckpointFolder.open(await app.key('daemon'));
  task = (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' })).id;
  await code.write('long', LONG);
  await code.write('empty', '');
  await code.write('deep/file', 'x');
  await writeFile(Buffer.concat([Buffer.from(`${code.at('deep')}/`), Buffer.from([0xff])]), 'no UTF-8');
  taken = await code.secured(task);
});
afterAll(async () => {
  await code.lose();
  await app.close();
});

const file = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  app.fetch(atCheckpoint(task, taken, `file?path=${encodeURIComponent(path)}`), { headers, method });

const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer());

it('is answered once, and then by its ETag alone', async () => {
  const whole = await file('long');
  const tag = whole.headers.get('etag')!;
  expect([whole.status, tag, whole.headers.get('content-length')]).toEqual([
    200,
    expect.stringMatching(/^"[0-9a-f]{40}"$/),
    `${LONG.length}`,
  ]);
  expect((await bytesOf(whole)).equals(LONG)).toBe(true);
  const again = await file('long', { 'if-none-match': tag });
  expect([again.status, (await bytesOf(again)).length]).toEqual([304, 0]);
  expect((await file('long', { 'if-none-match': '"x"' })).status).toBe(200);
});

it.each<readonly [string, number, number]>([
  ['bytes=0-0', 0, 1],
  ['bytes=100000-200000', 100_000, 200_001],
  ['bytes=299990-', 299_990, 300_000],
  ['bytes=-5', 299_995, 300_000],
  ['bytes=299999-400000', 299_999, 300_000],
])('gives the part that %s asks for', async (range, from, to) => {
  const answer = await file('long', { range });
  expect([answer.status, answer.headers.get('content-range')]).toEqual([
    206,
    `bytes ${from}-${to - 1}/300000`,
  ]);
  expect((await bytesOf(answer)).equals(LONG.subarray(from, to))).toBe(true);
});

it('gives all of it where one part cannot be given, or another content is meant', async () => {
  for (const range of ['bytes=0-1,5-6', 'bytes=', 'lines=1-2', 'bytes=5-1,x'])
    expect([range, (await file('long', { range })).status]).toEqual([range, 200]);
  const stale = await file('long', { range: 'bytes=0-1', 'if-range': '"x"' });
  expect([stale.status, (await bytesOf(stale)).length]).toEqual([200, 300_000]);
  const head = await file('long', {}, 'HEAD');
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '300000']);
  expect((await bytesOf(await file('empty'))).length).toBe(0);
});

it('says where it ends to who asks beyond that', async () => {
  for (const [path, size] of [['long', 300_000] as const, ['empty', 0] as const]) {
    const beyond = await file(path, { range: 'bytes=300000-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    expect(await beyond.json()).toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' });
  }
});

it('has any name, and is asked for by the one that is shown', async () => {
  const { entries } = await app.get<{ entries: { path: string }[] }>(
    atCheckpoint(task, taken, 'tree?path=deep'),
  );
  const names = entries.map(({ path }) => path);
  expect(names).toEqual(['deep/file', 'deep/\\xff']);
  const contents = await Promise.all(names.map(async (name) => (await file(name)).text()));
  expect(contents).toEqual(['x', 'no UTF-8']);
  const { diff } = await app.get<{ diff: { files: { path: string }[] } }>(atCheckpoint(task, taken, 'diff'));
  expect(diff.files.map(({ path }) => path)).toEqual(expect.arrayContaining(names));
  const one = encodeURIComponent(names[1]!);
  expect(await app.get(atCheckpoint(task, taken, `tree?path=${one}`))).toMatchObject({
    entries: [{ path: names[1], kind: 'file', size: 8 }],
  });
});
