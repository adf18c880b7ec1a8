import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { asCaller, dispatch, runOn, stop, take, type Taken } from '#libs/testing/running-tasks.js';
import { TASKS } from '#libs/testing/tool-calls.js';
import { LeaseCodes, type LeaseCode } from './lease-codes.process.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const [HERE, THERE] = [crypto.randomUUID(), crypto.randomUUID()];

const newTask = async (body: object = {}): Promise<string> =>
  (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '', ...body })).id;
const newContract = async (): Promise<string> =>
  (await app.post<{ id: string }>('/api/v1/contracts', { name: 'a contract' })).id;
const code = (taskId: string, daemonId = HERE): Promise<LeaseCode> =>
  app.server.application.get(LeaseCodes).of(taskId, daemonId, { caller: asCaller(app) });
const at = (taskId: string, { id, commitSha }: Taken) => ({
  taskId,
  checkpointId: id,
  commitSha,
  headSha: null,
  branchName: null,
});
const forkAt = async (taskId: string, { id }: Taken): Promise<string> => {
  const body = {
    forkFrom: { type: 'checkpoint', value: id },
    newTask: { name: 'a fork', plan: '' },
    branchOptions: { branchName: 'another-way' },
  };
  return (await app.post<{ newTaskId: string }>(`${TASKS}/${taskId}/fork`, body)).newTaskId;
};

describe('the code of a task', () => {
  it('is the repository’s where nobody says another', async () => {
    expect(await code(await newTask())).toEqual({
      checkpoint: null,
      restore: false,
      branchName: null,
      copyFiles: null,
    });
  });

  it('is that of its own newest checkpoint, in the folder of the daemon that took it', async () => {
    const task = await newTask();
    await runOn(app, task, HERE);
    await take(app, task);
    const newest = await take(app, task, { isSafe: false });
    await stop(app, task);
    expect(await code(task)).toEqual({
      checkpoint: at(task, newest),
      restore: false,
      branchName: null,
      copyFiles: null,
    });
    await expect(code(task, THERE)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_SAFE' });
  });

  it('is restored by a daemon whose folder does not show it, also when it asks twice', async () => {
    const task = await newTask();
    await runOn(app, task, HERE);
    const newest = await take(app, task);
    await stop(app, task);
    expect(await code(task, THERE)).toMatchObject({ checkpoint: at(task, newest), restore: true });
    await runOn(app, task, THERE);
    expect(await code(task, THERE)).toMatchObject({ restore: true });
    const next = await take(app, task);
    expect(await code(task, THERE)).toMatchObject({ checkpoint: at(task, next), restore: false });
    expect(await code(task, HERE)).toMatchObject({ restore: true });
  });

  it('is what a rewind went back to, and is restored where nobody has done that yet', async () => {
    const task = await newTask();
    await runOn(app, task, HERE);
    const first = await take(app, task);
    await take(app, task);
    await stop(app, task);
    const rewindId = crypto.randomUUID();
    await dispatch(app, task, {
      type: 'RequestRewind',
      data: {
        rewindId,
        scope: 'code',
        target: at(task, first),
        revert: null,
        head: null,
        preserve: { mode: 'discard', branchName: null },
        undoes: null,
        reason: null,
      },
    });
    await dispatch(app, task, { type: 'CommitRewind', rewindId, daemonId: null, before: null, result: null });
    expect(await code(task)).toMatchObject({ checkpoint: at(task, first), restore: true });
    await dispatch(app, task, { type: 'CompleteRewind', rewindId, daemonId: HERE, tree: null });
    expect(await code(task)).toMatchObject({ checkpoint: at(task, first), restore: false });
  });

  it('of a fork is that of its point, on a branch of its own, and of a fork of a fork too', async () => {
    const source = await newTask();
    const [first] = [await take(app, source), await take(app, source)];
    const fork = await forkAt(source, first);
    expect(await code(fork)).toMatchObject({ checkpoint: at(source, first), branchName: 'another-way' });
    await runOn(app, fork, HERE);
    const own = await take(app, fork);
    expect(await code(fork)).toMatchObject({ checkpoint: at(fork, own), branchName: null });
  });

  it('of a fork where its source had no checkpoint yet is what that began with', async () => {
    const contractId = await newContract();
    const other = await newTask({ contractId });
    const begun = await take(app, other);
    const source = await newTask({ contractId, checkpointSha: begun.commitSha });
    const item = { id: crypto.randomUUID(), kind: 'message', role: 'user', content: 'go' };
    await app.post(`${TASKS}/${source}/activity`, { items: [item] });
    const body = { forkFrom: { type: 'message_id', value: item.id }, newTask: { name: 'a fork', plan: '' } };
    const { newTaskId } = await app.post<{ newTaskId: string }>(`${TASKS}/${source}/fork`, body);
    expect(await code(newTaskId)).toMatchObject({ checkpoint: at(other, begun) });
  });

  it('is the commit that its creation names, of any task of its contract and of no other', async () => {
    const contractId = await newContract();
    const source = await newTask({ contractId });
    const [safe, unsafe] = [await take(app, source), await take(app, source, { isSafe: false })];
    const named = ({ commitSha }: Taken, more: object = {}): Promise<string> =>
      newTask({ contractId, checkpointSha: commitSha, ...more });
    expect(await code(await named(safe))).toMatchObject({ checkpoint: at(source, safe) });
    await expect(code(await named(unsafe))).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_SAFE' });
    const elsewhere = await named(safe, { contractId: await newContract() });
    await expect(code(elsewhere)).rejects.toMatchObject({ code: 'CHECKPOINT_UNKNOWN' });
  });

  it('is where the task stands that it continues, as far as that is safe', async () => {
    const source = await newTask();
    const [safe] = [await take(app, source), await take(app, source, { isSafe: false })];
    const task = await newTask({ continueFromTaskId: source });
    expect(await code(task)).toMatchObject({ checkpoint: at(source, safe) });
    const chain = await newTask({ continueFromTaskId: task });
    expect(await code(chain)).toMatchObject({ checkpoint: at(source, safe) });
    const nothing = await newTask();
    await take(app, nothing, { isSafe: false });
    await expect(code(await newTask({ continueFromTaskId: nothing }))).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_SAFE',
    });
  });

  it('comes with files of the parent’s', async () => {
    const parentTaskId = await newTask();
    const task = await newTask({ parentTaskId, copyFiles: ['notes.md', 'src/a.ts'] });
    await expect(code(task)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_SAFE' });
    const taken = await take(app, parentTaskId);
    expect(await code(task)).toMatchObject({
      checkpoint: null,
      copyFiles: {
        taskId: parentTaskId,
        checkpointId: taken.id,
        commitSha: taken.commitSha,
        paths: ['notes.md', 'src/a.ts'],
      },
    });
  });

  it.each(['../x', '/etc/passwd', '.git/config', 'a/.GIT/hooks/x'])('never comes with %s', async (path) => {
    const { status, body } = await app.call('POST', TASKS, {
      name: 'a task',
      plan: '',
      copyFiles: ['fine', path],
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({ errors: [{ field: 'copyFiles[1]' }] });
  });

  it('is not told of another owner’s task', async () => {
    const other = await app.secondOwner();
    await expect(
      app.server.application.get(LeaseCodes).of(await newTask(), HERE, { caller: asCaller(other) }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
