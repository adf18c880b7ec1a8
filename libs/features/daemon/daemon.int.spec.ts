import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { TestDaemon } from '#libs/testing/daemon.js';
import { DaemonGateway } from './daemon.gateway.js';

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

  it('is told at once when there is something to do, and when there no longer is', async () => {
    daemon.forget();
    const taskId = await started();
    expect(await daemon.next('work')).toEqual({ type: 'work', position: expect.any(String) });
    await daemon.lease(taskId);
    // What comes and goes between two looks is not told.
    const { sessions } = app.server.application.get(DaemonGateway);
    const session = sessions.find(({ daemonId }) => daemonId === daemon.id)!;
    while (!session.told.includes(taskId)) await daemon.next('work');
    daemon.forget();
    const stopped = await app.post(`${TASKS}/${taskId}/stop`, { reason: 'enough', status: 'cancelled' });
    expect(stopped).toMatchObject({ status: 'cancelled' });
    await daemon.next('work');
    daemon.forget();
    daemon.beat([{ taskId, epoch: 1 }]);
    for (;;) {
      const { stale } = await daemon.next('heartbeat');
      if ((stale as string[]).length === 0) continue;
      expect(stale).toEqual([taskId]);
      break;
    }
  });

  it('refuses what is said under a lease that is over, and puts that on record once', async () => {
    const taskId = await started();
    await daemon.lease(taskId);
    const call = {
      id: randomUUID(),
      kind: 'message',
      role: 'assistant',
      content: '',
      toolCalls: [{ id: 'c', name: 'Bash', input: {} }],
    };
    await key.post(`${TASKS}/${taskId}/activity`, { items: [call] }, daemon.under(1));
    await app.post(`${TASKS}/${taskId}/stop`);
    await app.post(`${TASKS}/${taskId}/start`);
    await daemon.lease(taskId);
    const late = said('late');
    for (const under of [
      daemon.under(1),
      daemon.under(3),
      { ...daemon.under(2), 'x-makima-daemon': randomUUID() },
      {},
    ]) {
      const answer = await key.call('POST', `${TASKS}/${taskId}/activity`, late, under);
      expect(answer).toMatchObject({ status: 409, body: { code: 'LEASE_STALE' } });
    }
    await key.call('POST', `${TASKS}/${taskId}/activity`, late, daemon.under(1));
    await app.caughtUp();
    const { messages } = await app.get<{ messages: readonly Json[] }>(`${TASKS}/${taskId}/conversation`);
    expect(messages.map(({ content }) => content)).not.toContain('late');
    expect(messages).toHaveLength(2);
    const refused = { taskId, epoch: 3, items: 1, firstId: (late['items'] as Json[])[0]!['id'] };
    const shown = await app.get(`/api/v1/daemons/${daemon.id}`);
    expect(shown).toMatchObject({ refusedOutputs: 2, lastRefused: refused, tasks: [taskId] });
    const found = await app.get<{ events: readonly { stream: string; body: Json }[] }>(
      '/api/v1/audit/events?type=DaemonOutputRefused',
    );
    expect(found.events.map(({ stream, body }) => [stream, body['epoch']])).toEqual([
      [`daemon-${daemon.id}`, 1],
      [`daemon-${daemon.id}`, 3],
    ]);
    // What is said under the lease that there is goes on.
    await key.post(`${TASKS}/${taskId}/activity`, late, daemon.under(2));
    const release = { daemonId: daemon.id, epoch: 1, status: 'completed' };
    const answer = await key.call('POST', `${TASKS}/${taskId}/lease/release`, release);
    expect(answer).toMatchObject({ status: 409, body: { code: 'LEASE_STALE' } });
  });

  it('may go without a lease in tasks that no daemon holds, and others in all', async () => {
    const taskId = await newTask();
    expect((await key.call('POST', `${TASKS}/${taskId}/activity`, said('embedded'))).status).toBe(200);
    await app.post(`${TASKS}/${taskId}/start`);
    await daemon.lease(taskId);
    expect((await app.call('POST', `${TASKS}/${taskId}/activity`, said('a person'))).status).toBe(200);
    for (const [header, value] of [
      ['x-makima-lease', '1'],
      ['x-makima-lease', '-1'],
      ['x-makima-daemon', daemon.id],
      ['x-makima-daemon', 'x'],
    ] as const) {
      const answer = await key.call('POST', `${TASKS}/${taskId}/activity`, said('half'), { [header]: value });
      expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED' } });
    }
  });

  it('leases a task to one daemon at a time, and only to those that are there', async () => {
    const other = await TestDaemon.connect(app.url, key);
    const taskId = await started();
    const lease = (one: TestDaemon, more = {}) =>
      key.call('POST', `${TASKS}/${taskId}/lease`, { daemonId: one.id }, more);
    const both = await Promise.all([lease(daemon), lease(other)]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(both.find(({ status }) => status === 409)!.body).toMatchObject({ code: 'LEASE_TAKEN' });
    await app.post(`${TASKS}/${taskId}/stop`);
    expect((await lease(daemon)).body).toMatchObject({ code: 'NOTHING_TO_RUN' });
    await app.post(`${TASKS}/${taskId}/start`, { targetDaemonId: other.id });
    expect((await workOf()).offers).not.toContainEqual({ taskId });
    expect((await workOf(other)).offers).toContainEqual({ taskId });
    expect((await lease(daemon)).body).toMatchObject({ code: 'NOTHING_TO_RUN' });
    const once = { 'idempotency-key': randomUUID() };
    const [first, again] = [await lease(other, once), await lease(other, once)];
    expect([first.status, first.body['epoch']]).toEqual([201, 2]);
    expect({ ...again.body, code: null }).toEqual({ ...first.body, code: null });
    await other.close();
    const next = await started();
    const gone = await key.call('POST', `${TASKS}/${next}/lease`, { daemonId: other.id });
    expect(gone).toMatchObject({ status: 409, body: { code: 'DAEMON_LOST' } });
    const nobody = await key.call('POST', `${TASKS}/${next}/lease`, { daemonId: randomUUID() });
    expect(nobody.status).toBe(404);
  });

  it('is told which code to bring its folder to', async () => {
    const other = await TestDaemon.connect(app.url, key);
    const taskId = await started();
    await daemon.lease(taskId);
    const checkpointId = randomUUID();
    const commitSha = 'a'.repeat(40);
    const checkpoint = { commitSha, message: 'work', filesChanged: [], linesAdded: 0, linesRemoved: 0 };
    const items = [{ id: checkpointId, kind: 'checkpoint', checkpoint }];
    await key.post(`${TASKS}/${taskId}/activity`, { items }, daemon.under(1));
    const paused = { daemonId: daemon.id, epoch: 1, status: 'paused' };
    await key.post(`${TASKS}/${taskId}/lease/release`, paused);
    await app.post(`${TASKS}/${taskId}/start`);
    // Only the first one's disk has the code: another one is told so, and the task stays to be taken.
    const answer = await key.call('POST', `${TASKS}/${taskId}/lease`, { daemonId: other.id });
    expect(answer).toMatchObject({ status: 409, body: { code: 'CHECKPOINT_NOT_SAFE' } });
    const point = { taskId, checkpointId, commitSha, headSha: null, branchName: null };
    expect((await daemon.lease(taskId))['code']).toEqual({
      checkpoint: point,
      restore: false,
      deferredRewindId: null,
      branchName: null,
      copyFiles: null,
    });
    await other.close();
  });

  it('takes a checkpoint that somebody asks for', async () => {
    const taskId = await started();
    const ask = (body = {}) => app.call('POST', `${TASKS}/${taskId}/checkpoint-requests`, body);
    expect((await ask()).body).toMatchObject({ code: 'NO_FOLDER' });
    await daemon.lease(taskId);
    daemon.forget();
    const asked = ask({ message: 'look' });
    await daemon.next('work');
    const { orders } = await workOf();
    const { requestId, message } = (orders[0] as { checkpoint: { requestId: string; message: string } })
      .checkpoint;
    expect([orders[0]!['taskId'], orders[0]!['epoch'], message]).toEqual([taskId, 1, 'look']);
    const checkpointId = randomUUID();
    const answerWith = (id: string, as = daemon.id) =>
      key.call('POST', `${TASKS}/${taskId}/checkpoint-requests/${requestId}/answer`, {
        daemonId: as,
        checkpointId: id,
      });
    expect((await answerWith(checkpointId)).body).toMatchObject({ code: 'CHECKPOINT_UNKNOWN' });
    const checkpoint = {
      commitSha: 'b'.repeat(40),
      message,
      filesChanged: [],
      linesAdded: 0,
      linesRemoved: 0,
    };
    const items = [{ id: checkpointId, kind: 'checkpoint', checkpoint }];
    await key.post(`${TASKS}/${taskId}/activity`, { items }, daemon.under(1));
    expect((await answerWith(checkpointId, randomUUID())).body).toMatchObject({ code: 'LEASE_STALE' });
    const answered = await answerWith(checkpointId);
    expect(answered).toMatchObject({ status: 200, body: { requestId } });
    expect((await answerWith(checkpointId)).body).toEqual(answered.body);
    expect(await asked).toMatchObject({
      status: 201,
      body: { requestId, checkpoint: { id: checkpointId, message } },
    });
    expect((await workOf()).orders).toEqual([]);
  });

  it('records the request for a checkpoint whose daemon is away', async () => {
    const other = await TestDaemon.connect(app.url, key);
    const taskId = await started({ targetDaemonId: other.id });
    await other.lease(taskId);
    await other.close();
    const asked = await app.call('POST', `${TASKS}/${taskId}/checkpoint-requests`, {});
    expect(asked).toMatchObject({
      status: 202,
      body: { checkpoint: null, detail: expect.stringContaining('not connected') },
    });
    expect((await workOf(other)).orders).toMatchObject([{ taskId, checkpoint: { message: null } }]);
  });

  it.each([
    [{ name: 'command' }, 'runner.command'],
    [{ name: 'command', command: [] }, 'runner.command'],
    [{ name: 'command', command: ['a\0b'] }, 'runner.command'],
    [{ name: 'claude', command: ['rm'] }, 'runner.command'],
    [{ name: 'codex', model: '--dangerously' }, 'runner.model'],
    [{ name: 'replay' }, 'runner.recording'],
    [{ name: 'sh' }, 'runner.name'],
    [{ name: 'claude', program: '/bin/sh' }, 'runner.program'],
  ])('starts no %j', async (runner, field) => {
    const answer = await app.call<{ errors: readonly Json[] }>('POST', `${TASKS}/${await newTask()}/start`, {
      runner,
    });
    expect([answer.status, answer.body.errors[0]!['field']]).toEqual([422, field]);
  });

  it('says truthfully whether anybody is there to go on with a task', async () => {
    const taskId = await newTask();
    const detail = async (verb: string, body = {}) =>
      (await app.post<{ detail: string }>(`${TASKS}/${taskId}/${verb}`, body)).detail;
    expect(await detail('continue')).toContain('one is connected');
    expect(await detail('reassign', { targetDaemonId: randomUUID() })).toContain('it is not connected');
    expect(await detail('reassign', { targetDaemonId: daemon.id })).toContain('it is connected');
    await daemon.lease(taskId);
    expect(await app.call('POST', `${TASKS}/${taskId}/continue`, {})).toMatchObject({
      status: 409,
      body: { code: 'TASK_RUNNING', detail: expect.stringContaining(daemon.id) },
    });
    const elsewhere = await app.secondOwner('without daemons');
    const theirs = await elsewhere.post<{ id: string }>(TASKS, { name: 'theirs' });
    expect(await elsewhere.post(`${TASKS}/${theirs.id}/start`)).toMatchObject({
      waitsFor: 'daemon',
      detail: expect.stringContaining('none is connected'),
    });
  });
});
