import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { CheckpointFolder, type Taken } from '#libs/testing/checkpoint-folder.js';
import { prompt, TASKS } from '#libs/testing/tool-calls.js';

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

interface Story {
  readonly task: string;
  readonly messages: readonly string[];
  readonly checkpoints: readonly Taken[];
}

/** A task with three messages, and a safe checkpoint after each. */
async function story(): Promise<Story> {
  const { id: task } = await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' });
  const messages: string[] = [];
  const checkpoints: Taken[] = [];
  for (const text of ['one\n', 'one\ntwo\n', 'one\ntwo\nthree\n']) {
    const message = prompt();
    await app.post(`${TASKS}/${task}/activity`, { items: [message] });
    await code.write('file', text);
    messages.push(message.id);
    checkpoints.push(await code.next(task));
  }
  return { task, messages, checkpoints };
}

const shown = async (task: string): Promise<number> =>
  (await app.get<{ totalCount: number }>(`${TASKS}/${task}/conversation`)).totalCount;

it('says what it would do, and does nothing', async () => {
  const { task, checkpoints } = await story();
  const body = { toCheckpoint: 1, scope: 'both', dryRun: true };
  expect(await app.post(`${TASKS}/${task}/rewind`, body)).toMatchObject({
    dryRun: true,
    hiddenMessages: 2,
    rewindedTo: { checkpointNumber: 1, sha: checkpoints[0]!.commit },
    changes: {
      filesChanged: 1,
      insertions: 0,
      deletions: 2,
      isFolder: false,
      files: [{ path: 'file', action: 'modified', additions: 0, deletions: 2 }],
    },
    position: '0',
  });
  expect(await shown(task)).toBe(3);
  expect(await app.get(`${TASKS}/${task}/rewinds`)).toEqual({ taskId: task, rewinds: [] });
});

it('counts at once where no daemon has a folder, and waits for the next lease with the files', async () => {
  const { task } = await story();
  const answer = await app.post(`${TASKS}/${task}/rewind`, {
    toCheckpoint: 2,
    scope: 'both',
    reason: 'wrong way',
  });
  expect(answer).toMatchObject({ phase: 'deferred', hiddenMessages: 1, branch: 1, reason: 'wrong way' });
  expect(await shown(task)).toBe(2);
});

it('is undone, also after new work', async () => {
  const { task, checkpoints } = await story();
  await app.post(`${TASKS}/${task}/rewind`, { toCheckpoint: 1, scope: 'both' });
  await app.post(`${TASKS}/${task}/activity`, { items: [prompt()] });
  const undone = await app.post(`${TASKS}/${task}/rewind/undo`);
  expect(undone).toMatchObject({ scope: 'both', rewindedTo: { sha: checkpoints[2]!.commit }, branch: 2 });
  expect(await shown(task)).toBe(3);
  expect(await app.call('POST', `${TASKS}/${task}/rewind/undo`, {})).toMatchObject({
    status: 409,
    body: { code: 'NOTHING_TO_UNDO' },
  });
});

it.each([
  ['a message', (s: Story) => ({ toMessageId: s.messages[1] }), 2, 1],
  ['before a message', (s: Story) => ({ toMessageId: s.messages[1], inclusive: false }), 1, 2],
  ['a commit', (s: Story) => ({ checkpointSha: s.checkpoints[1]!.commit }), 2, 1],
  ['some messages', () => ({ byMessageCount: 2 }), 1, 2],
])(
  'goes back to %s, with the code that belongs to it',
  async (_, point, checkpointNumber, hiddenMessages) => {
    const told = await story();
    const answer = await app.post(`${TASKS}/${told.task}/rewind`, { ...point(told), scope: 'both' });
    expect(answer).toMatchObject({ rewindedTo: { checkpointNumber }, hiddenMessages });
  },
);

it('leaves the conversation alone, or the code, where only one is wanted', async () => {
  const { task } = await story();
  await app.post(`${TASKS}/${task}/rewind`, { toCheckpoint: 1 });
  expect(await shown(task)).toBe(3);
  const answer = await app.post(`${TASKS}/${task}/rewind`, { byMessageCount: 1, scope: 'conversation' });
  expect(answer).toMatchObject({ phase: 'completed', branch: 1 });
  expect(answer).not.toHaveProperty('rewindedTo');
  expect(await shown(task)).toBe(2);
});

it('does once what is asked for twice', async () => {
  const { task } = await story();
  const key = { 'idempotency-key': crypto.randomUUID() };
  const body = { toCheckpoint: 1, scope: 'both' };
  const first = await app.post(`${TASKS}/${task}/rewind`, body, key);
  const second = await app.post(`${TASKS}/${task}/rewind`, body, key);
  expect(second).toMatchObject({ rewindId: first['rewindId'], phase: 'deferred' });
  expect((await app.get<{ rewinds: unknown[] }>(`${TASKS}/${task}/rewinds`)).rewinds).toHaveLength(1);
});

it('names what is missing: one point, a checkpoint that there is, code that is in the hub', async () => {
  const { task } = await story();
  const refusals = [
    [{}, 422, 'VALIDATION_FAILED'],
    [{ toCheckpoint: 1, byMessageCount: 1 }, 422, 'VALIDATION_FAILED'],
    [{ toCheckpoint: 9 }, 404, 'CHECKPOINT_UNKNOWN'],
    [{ toCheckpoint: 1, branchName: '--force' }, 422, 'VALIDATION_FAILED'],
    [{ withoutCheckpoint: 2 }, 409, 'NO_DAEMON'],
  ] as const;
  for (const [body, status, problem] of refusals)
    expect(await app.call('POST', `${TASKS}/${task}/rewind`, body)).toMatchObject({
      status,
      body: { code: problem },
    });
  await code.write('file', 'unsafe\n');
  await code.take(task);
  expect(await app.call('POST', `${TASKS}/${task}/rewind`, { toCheckpoint: 4 })).toMatchObject({
    status: 409,
    body: { code: 'CHECKPOINT_NOT_SAFE' },
  });
});

it('hears of no daemon that does not have the folder', async () => {
  const { task, checkpoints } = await story();
  const { rewindId } = await app.post<{ rewindId: string }>(`${TASKS}/${task}/rewind`, { toCheckpoint: 1 });
  const path = `${TASKS}/${task}/rewinds/${rewindId}/prepared`;
  const body = { daemonId: crypto.randomUUID(), before: checkpoints[2]!.id };
  expect(await daemon.call('POST', path, body)).toMatchObject({ status: 409, body: { code: 'LEASE_STALE' } });
  const user = await app.key('user');
  expect((await user.call('POST', path, body)).status).toBe(403);
});
