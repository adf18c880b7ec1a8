import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';

interface Snapshot {
  readonly id: string;
  readonly controlVersion: number;
  readonly messages: readonly { readonly content: string }[];
}
interface Moved {
  readonly branch: number;
  readonly hiddenMessages: number;
  readonly messageCount: number;
  readonly controlVersion: number;
}

const TASKS = '/api/v1/mesh/tasks';
const NOBODY = '00000000-0000-7000-8000-0000000000ff';
let app: TestApp;
let other: TestCaller;

beforeAll(async () => {
  app = await startTestApp();
  other = await app.secondOwner();
});
afterAll(() => app.close());

const refused = async (path: string, body: unknown = {}, headers = {}): Promise<unknown[]> => {
  const answer = await app.call('POST', path, body, headers);
  return [answer.status, answer.body['code']];
};
async function newTask(more = {}): Promise<string> {
  return (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '', ...more })).id;
}
const say = (taskId: string, contents: readonly string[]): Promise<unknown> =>
  app.post(`${TASKS}/${taskId}/activity`, {
    items: contents.map((content) => ({ id: crypto.randomUUID(), kind: 'message', role: 'user', content })),
  });
const shown = async (taskId: string): Promise<string> => {
  await app.caughtUp();
  const { messages } = await app.get<{ messages: { content: string }[] }>(`${TASKS}/${taskId}/conversation`);
  return messages.map(({ content }) => content).join('');
};
const take = (taskId: string, body = {}): Promise<Snapshot> =>
  app.post<Snapshot>(`${TASKS}/${taskId}/snapshots`, body);

describe('restoring a snapshot', () => {
  it('answers like a rewind, shows what it held, and is undone', async () => {
    const taskId = await newTask();
    await say(taskId, ['a', 'b']);
    const { id } = await take(taskId);
    await say(taskId, ['c', 'd']);
    const restore = `${TASKS}/${taskId}/snapshots/${id}/restore`;
    expect(await app.post(restore, { dryRun: true })).toMatchObject({
      dryRun: true,
      hiddenMessages: 2,
      messageCount: 2,
    });
    expect(await shown(taskId)).toBe('abcd');
    const moved = await app.post<Moved>(restore, { reason: 'wrong way' });
    expect(moved).toMatchObject({
      taskId,
      snapshotId: id,
      dryRun: false,
      branch: 1,
      previousBranch: 0,
      hiddenMessages: 2,
      messageCount: 2,
    });
    expect(await shown(taskId)).toBe('ab');
    await say(taskId, ['e']);
    expect(await shown(taskId)).toBe('abe');
    const { branches } = await app.get<{ branches: object[] }>(`${TASKS}/${taskId}/branches`);
    expect(branches[1]).toMatchObject({
      kind: 'restore',
      point: { kind: 'snapshot', value: id },
      reason: 'wrong way',
      messageCount: 3,
    });
    await app.post(`${TASKS}/${taskId}/conversation/undo`);
    expect(await shown(taskId)).toBe('abcd');
  });

  it('brings back what a rewind has hidden', async () => {
    const taskId = await newTask();
    await say(taskId, ['a', 'b', 'c']);
    const { id } = await take(taskId);
    await app.post(`${TASKS}/${taskId}/conversation/rewind`, { byMessageCount: 2 });
    await say(taskId, ['x']);
    expect(await shown(taskId)).toBe('ax');
    expect(await app.post(`${TASKS}/${taskId}/snapshots/${id}/restore`)).toMatchObject({
      hiddenMessages: 1,
      messageCount: 3,
    });
    expect(await shown(taskId)).toBe('abc');
  });

  it('is refused when there is nothing to restore, and when somebody was faster', async () => {
    const taskId = await newTask();
    await say(taskId, ['a', 'b']);
    const { id, controlVersion } = await take(taskId);
    const restore = `${TASKS}/${taskId}/snapshots/${id}/restore`;
    expect(await refused(restore)).toEqual([409, 'NOTHING_TO_RESTORE']);
    await say(taskId, ['c']);
    const match = { 'if-match': `"cv-${controlVersion}"` };
    expect(await refused(restore, {}, { 'if-match': `"cv-${controlVersion + 1}"` })).toEqual([
      412,
      'PRECONDITION_FAILED',
    ]);
    expect(await app.post(restore, {}, match)).toMatchObject({ controlVersion: controlVersion + 1 });
    expect(await refused(restore, {}, match)).toEqual([412, 'PRECONDITION_FAILED']);
  });

  it('works in a fork, whose snapshot holds messages of its source', async () => {
    const taskId = await newTask();
    await say(taskId, ['a', 'b']);
    const { newTaskId } = await app.post<{ newTaskId: string }>(`${TASKS}/${taskId}/fork`, {
      forkFrom: { type: 'timestamp', value: '2027-01-01T00:00:00Z' },
      newTask: { name: 'fork', plan: '' },
    });
    await say(newTaskId, ['c']);
    const { id } = await take(newTaskId);
    await say(newTaskId, ['d']);
    expect(
      (await app.get<Snapshot>(`${TASKS}/${newTaskId}/snapshots/${id}`)).messages
        .map(({ content }) => content)
        .join(''),
    ).toBe('abc');
    await app.post(`${TASKS}/${newTaskId}/snapshots/${id}/restore`);
    expect(await shown(newTaskId)).toBe('abc');
  });
});

describe('who may see a snapshot', () => {
  const routes = (snapshot: string): readonly (readonly [string, string, unknown?])[] => [
    ['GET', snapshot.slice(0, snapshot.lastIndexOf('/'))],
    ['POST', snapshot.slice(0, snapshot.lastIndexOf('/')), {}],
    ['GET', snapshot],
    ['POST', `${snapshot}/restore`, { dryRun: true }],
  ];

  it('is not another owner, nor a tool key of another contract', async () => {
    const contract = await app.post<{ id: string }>('/api/v1/contracts', { name: 'mine' });
    const elsewhere = await app.post<{ id: string }>('/api/v1/contracts', { name: 'not mine' });
    const taskId = await newTask({ contractId: contract.id });
    await say(taskId, ['a']);
    const { id } = await take(taskId);
    await say(taskId, ['b']);
    const [mine, theirs] = [
      await app.key('tool', { contractId: contract.id }),
      await app.key('tool', { contractId: elsewhere.id }),
    ];
    for (const [method, path, body] of routes(`${TASKS}/${taskId}/snapshots/${id}`)) {
      expect([method, path, (await other.call(method, path, body)).status]).toEqual([method, path, 404]);
      expect([method, path, (await theirs.call(method, path, body)).status]).toEqual([method, path, 404]);
      expect([method, path, (await mine.call(method, path, body)).status < 300]).toEqual([
        method,
        path,
        true,
      ]);
    }
  });

  it('finds it under its own task only', async () => {
    const [taskId, elsewhere] = [await newTask(), await newTask()];
    await say(taskId, ['a']);
    const { id } = await take(taskId);
    expect((await app.call('GET', `${TASKS}/${elsewhere}/snapshots/${id}`)).status).toBe(404);
    expect(await refused(`${TASKS}/${elsewhere}/snapshots/${id}/restore`)).toEqual([404, 'NOT_FOUND']);
    expect((await app.call('GET', `${TASKS}/${taskId}/snapshots/${NOBODY}`)).status).toBe(404);
    expect((await app.call('GET', `${TASKS}/${taskId}/snapshots?type=weekly`)).status).toBe(422);
  });
});
