import { writeCommit } from '#libs/git/commits.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { atCheckpoint, CheckpointFolder, type Taken } from '#libs/testing/checkpoint-folder.js';
import type { BlameResponse } from './blame.dto.js';

const TASKS = '/api/v1/mesh/tasks';
const HEAD_AT = '2026-01-01T00:00:00Z';

let app: TestApp;
let code: CheckpointFolder;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  code = await CheckpointFolder.open(await app.key('daemon'));
});
afterEach(() => code.lose());

const newTask = async (): Promise<string> =>
  (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' })).id;

/** A tool call and its result, which names files. */
async function edit(task: string, ...paths: readonly string[]): Promise<string> {
  const [id, call] = [crypto.randomUUID(), crypto.randomUUID()];
  const files = paths.map((path) => ({ path, action: 'M' }));
  await app.post(`${TASKS}/${task}/activity`, {
    items: [
      { id: crypto.randomUUID(), kind: 'message', role: 'user', content: 'go on' },
      { id: crypto.randomUUID(), kind: 'tool_call', toolCalls: [{ id: call, name: 'Edit', input: {} }] },
      { id, kind: 'tool_result', toolCallId: call, content: 'ok', files },
    ],
  });
  return id;
}

async function blame(task: string, taken: Taken, query: string): Promise<BlameResponse> {
  await app.caughtUp();
  return app.get(atCheckpoint(task, taken, `blame?${query}`));
}

/** Of each line: its text, the number of the checkpoint, and the message. */
const told = ({ lines, origins }: BlameResponse): readonly (readonly unknown[])[] =>
  lines.map(({ text, origin }) => {
    const { checkpoint, madeBy } = origins[origin]!;
    return [text, checkpoint?.checkpointNumber ?? null, madeBy?.messageId ?? null];
  });

it('goes from each line to the checkpoint that brought it, and to the message that made it', async () => {
  const task = await newTask();
  await code.write('src/file', 'committed\n');
  const { tree } = await code.shadow.capture();
  const head = await writeCommit(code.shadow.place, { tree, parents: [], message: 'first', at: HEAD_AT });
  await edit(task, 'src/file', 'other');
  const one = await edit(task, '/somewhere/src/file');
  await edit(task, 'file', 'my-src/file');
  await code.write('src/file', 'committed\none\n');
  const first = await code.take(task, [head], { headSha: head });
  await code.send(task, first);
  const two = await edit(task, 'src/file');
  await code.write('src/file', 'committed\none\ntwo\n');
  const second = await code.secured(task, [first.commit]);
  await code.write('src/file', 'committed\none\ntwo\nby a shell\n');
  const third = await code.secured(task, [second.commit]);
  const found = await blame(task, third, 'path=src/file');
  expect(told(found)).toEqual([
    ['committed', null, null],
    ['one', 1, one],
    ['two', 2, two],
    ['by a shell', 3, null],
  ]);
  const { origins, lines } = await blame(task, third, 'path=src/file&line=3');
  expect(lines).toEqual([{ line: 3, text: 'two', origin: 0 }]);
  expect(origins).toMatchObject([
    {
      commitSha: second.commit,
      checkpoint: { id: second.id, taskId: task },
      messages: { from: 10, to: 12 },
      madeBy: { messageId: two, seq: 12, toolName: 'Edit', branch: 0, isShown: true },
    },
  ]);
});

it('finds messages that a rewind has hidden, and of a fork’s lines its source’s', async () => {
  const task = await newTask();
  await edit(task, 'file');
  await code.write('file', 'one\n');
  const first = await code.secured(task);
  const hidden = await edit(task, 'file');
  await code.write('file', 'one\ntwo\n');
  const second = await code.secured(task, [first.commit]);
  const fork = await app.post<{ newTaskId: string }>(`${TASKS}/${task}/fork`, {
    forkFrom: { type: 'checkpoint', value: '2' },
    newTask: { name: 'fork', plan: '' },
  });
  await app.post(`${TASKS}/${task}/conversation/rewind`, { byMessageCount: 2 });
  const { origins } = await blame(task, second, 'path=file&line=2');
  expect(origins[0]!.madeBy).toMatchObject({ messageId: hidden, branch: 0, isShown: false });
  const three = await edit(fork.newTaskId, 'file');
  await code.write('file', 'one\ntwo\nthree\n');
  const third = await code.secured(fork.newTaskId, [second.commit]);
  const found = await blame(fork.newTaskId, third, 'path=file');
  expect(told(found).slice(1)).toEqual([
    ['two', 2, hidden],
    ['three', 3, three],
  ]);
  expect(found.origins.map(({ checkpoint }) => checkpoint!.taskId)).toEqual([task, task, fork.newTaskId]);
});

it('knows no line, no file and no folder that is not there, and nothing of another owner', async () => {
  const task = await newTask();
  await code.write('src/file', 'one\n');
  await code.write('empty', '');
  const taken = await code.take(task);
  const statusOf = async (query: string, as: Pick<TestApp, 'call'> = app): Promise<number> =>
    (await as.call('GET', atCheckpoint(task, taken, `blame?${query}`))).status;
  await app.caughtUp();
  expect(await statusOf('path=src/file')).toBe(409);
  await code.send(task, taken);
  for (const query of ['path=none', 'path=src', 'path=src/file&line=2', 'path=../x', 'path=empty&line=1'])
    expect([query, await statusOf(query)]).toEqual([query, 404]);
  expect([await statusOf('path=src/file&line=0'), await statusOf('')]).toEqual([422, 422]);
  expect(await statusOf('path=src/file', await app.secondOwner())).toBe(404);
  expect((await blame(task, taken, 'path=empty')).lines).toEqual([]);
});
