import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { CheckpointFolder } from '#libs/testing/checkpoint-folder.js';
import type { ComparisonResponse } from './compare.dto.js';

const TASKS = '/api/v1/mesh/tasks';

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

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 5, 10, minute)).toISOString();
const compare = (one: string, other: string, query = ''): Promise<ComparisonResponse> =>
  app.get(`${TASKS}/${one}/compare?with=${other}${query}`);

async function newTask(name: string, contractId?: string): Promise<string> {
  const { id } = await app.post<{ id: string }>(TASKS, { name, plan: '', ...(contractId && { contractId }) });
  return id;
}

const record = (task: string, ...items: readonly object[]) =>
  app.post(`${TASKS}/${task}/activity`, { items });

async function say(task: string, minute: number): Promise<string> {
  const id = crypto.randomUUID();
  await record(task, { id, kind: 'message', role: 'user', content: 'said', occurredAt: at(minute) });
  return id;
}

/** A turn of an agent: a call and its result, 100 + 20 tokens, half a dollar. */
async function work(task: string, minute: number, name: string, isError = false): Promise<void> {
  const call = crypto.randomUUID();
  await record(
    task,
    {
      id: crypto.randomUUID(),
      kind: 'message',
      role: 'assistant',
      content: '',
      toolCalls: [{ id: call, name, input: {} }],
      usage: { input: 100, output: 20, cacheRead: 3, cacheWrite: 4 },
      costUsd: 0.5,
      occurredAt: at(minute),
    },
    {
      id: crypto.randomUUID(),
      kind: 'tool_result',
      toolCallId: call,
      content: 'x',
      isError,
      occurredAt: at(minute + 1),
    },
  );
}

async function fork(task: string, message: string): Promise<string> {
  const { newTaskId } = await app.post<{ newTaskId: string }>(`${TASKS}/${task}/fork`, {
    forkFrom: { type: 'message_id', value: message },
    newTask: { name: 'fork', plan: '' },
  });
  return newTaskId;
}

describe('two forks', () => {
  let source: string;
  let other: string;
  let common: string;
  let mine: string;
  beforeEach(async () => {
    source = await newTask('source');
    common = await say(source, 0);
    await code.write('kept', 'same\n');
    await code.write('moved/from', 'a line\nand another one\nand a third\n');
    const first = await code.secured(source);
    other = await fork(source, common);
    await work(source, 1, 'Bash');
    await work(source, 3, 'Edit', true);
    await code.write('new', 'mine\n');
    mine = (await code.secured(source, [first.commit])).id;
    await work(other, 1, 'Bash');
    await code.write('new', 'theirs\nand more\n');
    await code.write('to', 'a line\nand another one\nand a third\n');
    await code.remove('moved/from');
    await code.secured(other, [first.commit]);
    await app.caughtUp();
  });

  it('part where they did, and what each did since is counted', async () => {
    const { ancestor, task, with: theirs } = await compare(source, other);
    expect(ancestor).toEqual({ taskId: source, messageId: common, messageCount: 1 });
    expect(task).toMatchObject({ taskId: source, name: 'source', point: 'now', messageCount: 5 });
    expect(task.since).toEqual({
      messages: 4,
      toolCalls: 2,
      failedCalls: 1,
      tools: [
        { name: 'Bash', calls: 1, failed: 0 },
        { name: 'Edit', calls: 1, failed: 1 },
      ],
      tokens: { input: 200, output: 40, cacheRead: 6, cacheWrite: 8 },
      costUsd: 1,
      checkpoints: 1,
      firstAt: at(1),
      lastAt: at(4),
    });
    expect(theirs.since).toMatchObject({
      messages: 2,
      toolCalls: 1,
      failedCalls: 0,
      costUsd: 0.5,
      checkpoints: 1,
    });
  });

  it('differ in their code, as their newest checkpoints in the hub say', async () => {
    const { code: differs } = await compare(source, other);
    expect(differs).toMatchObject({
      from: { id: mine, taskId: source },
      to: { taskId: other },
      filesChanged: 2,
      insertions: 2,
      deletions: 1,
      files: [
        { path: 'new', action: 'modified', additions: 2, deletions: 1, binary: false },
        { path: 'to', action: 'modified', renamedFrom: 'moved/from', additions: 0, deletions: 0 },
      ],
    });
    const { diff } = await app.get<{ diff: { stats: object } }>(differs!.diffUrl);
    expect(diff.stats).toEqual({ filesChanged: 2, insertions: 2, deletions: 1 });
  });

  it('are compared at the points that are named, and as things stood', async () => {
    const start = await compare(source, other, `&at=1&withAt=${common}`);
    expect(start).toMatchObject({
      ancestor: { messageId: common },
      task: { point: 'checkpoint', messageCount: 1, since: { messages: 0, checkpoints: 0, costUsd: null } },
      with: { point: 'message', messageCount: 1, since: { messages: 0, firstAt: null } },
    });
    const one = await compare(source, source, `&at=${mine}&withAt=1`);
    expect(one.task.since).toMatchObject({ messages: 4, checkpoints: 1 });
    expect(one.code).toMatchObject({ filesChanged: 1, insertions: 0, deletions: 1 });
    const { messages } = await app.get<{ messages: { position: string }[] }>(
      `${TASKS}/${source}/conversation`,
    );
    const { position } = messages[0]!;
    const before = await compare(source, source, `&asOf=${position}`);
    expect(before).toMatchObject({ task: { messageCount: 1, checkpoint: null }, code: null });
  });

  it('is measured without what a rewind has hidden', async () => {
    await app.post(`${TASKS}/${source}/conversation/rewind`, { byMessageCount: 1 });
    await app.caughtUp();
    const { task } = await compare(source, other);
    expect(task).toMatchObject({ messageCount: 3, since: { messages: 2, tools: [{ name: 'Bash' }] } });
  });
});

it('finds nothing in common of tasks that have nothing, and no code where there is none', async () => {
  const [one, other] = [await newTask('one'), await newTask('other')];
  await say(one, 0);
  await app.caughtUp();
  const found = await compare(one, other);
  expect(found).toMatchObject({
    ancestor: null,
    code: null,
    task: { since: { messages: 1 }, checkpoint: null },
  });
});

it('is refused for another contract, unknown points, and what a key does not reach', async () => {
  const contract = (await app.post<{ id: string }>('/api/v1/contracts', { name: 'c' })).id;
  const [inside, outside] = [await newTask('inside', contract), await newTask('outside')];
  const said = await say(outside, 0);
  await app.caughtUp();
  const statusOf = async (as: Pick<TestApp, 'call'>, query: string): Promise<number> =>
    (await as.call('GET', `${TASKS}/${inside}/compare?with=${query}`)).status;
  expect(await statusOf(app, outside)).toBe(422);
  for (const point of ['7', said, crypto.randomUUID()])
    expect(await statusOf(app, `${inside}&at=${point}`)).toBe(404);
  expect(await statusOf(app, `${inside}&at=latest`)).toBe(422);
  expect(await statusOf(await app.secondOwner(), inside)).toBe(404);
  const tool = await app.key('tool', { contractId: contract });
  expect([await statusOf(tool, inside), await statusOf(tool, outside)]).toEqual([200, 404]);
});
