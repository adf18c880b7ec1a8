import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { TestDaemon } from '#libs/testing/daemon.js';

type Json = Readonly<Record<string, unknown>>;

const TASKS = '/api/v1/mesh/tasks';

describe('a daemon', () => {
  let app: TestApp;
  let key: TestCaller;
  let daemon: TestDaemon;

  beforeAll(async () => {
    app = await startTestApp();
    key = await app.key('daemon');
    daemon = await TestDaemon.connect(app.url, key, { beatsMs: 500 });
  });
  afterAll(async () => {
    await daemon.close();
    await app.close();
  });

  const newTask = async (body: Json = {}): Promise<string> =>
    (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: 'what to do', ...body })).id;

  async function started(body: Json = {}): Promise<string> {
    const taskId = await newTask();
    await app.post(`${TASKS}/${taskId}/start`, body);
    return taskId;
  }

  const workOf = (one = daemon) =>
    key.get<{ offers: readonly Json[]; orders: readonly Json[]; held: readonly Json[] }>(
      `/api/v1/daemons/${one.id}/work`,
    );

  const said = (content: string, id = randomUUID()): Json => ({
    items: [{ id, kind: 'message', role: 'assistant', content }],
  });

  it('takes a task that was started, works in it under its lease, and gives it back', async () => {
    const taskId = await started({ runner: { name: 'command', command: ['make', 'all'] }, prompt: 'go' });
    expect((await workOf()).offers).toContainEqual({ taskId });
    const lease = await daemon.lease(taskId);
    expect(lease).toMatchObject({
      taskId,
      epoch: 1,
      name: 'a task',
      plan: 'what to do',
      contractId: null,
      repository: null,
      runner: { name: 'command', command: ['make', 'all'] },
      prompt: 'go',
      conversation: [],
      code: { checkpoint: null, branchName: null, copyFiles: null },
    });
    const work = await workOf();
    expect(work.offers).not.toContainEqual({ taskId });
    expect(work.held).toEqual([{ taskId, epoch: 1 }]);
    await key.post(`${TASKS}/${taskId}/activity`, said('done'), daemon.under(1));
    const release = { daemonId: daemon.id, epoch: 1, status: 'completed' };
    const ended = await key.post(`${TASKS}/${taskId}/lease/release`, release);
    expect(ended).toMatchObject({ taskId, status: 'completed' });
    expect(await key.post(`${TASKS}/${taskId}/lease/release`, release)).toEqual(ended);
    expect((await workOf()).held).toEqual([]);
  });
});
