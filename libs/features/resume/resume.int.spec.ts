import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { asCaller, dispatch, runOn, stop } from '#libs/testing/running-tasks.js';
import { CheckpointFolder, type Taken } from '#libs/testing/checkpoint-folder.js';
import { calling, prompt, result, TASKS } from '#libs/testing/tool-calls.js';
import { ResumeContexts } from './resume-context.process.js';

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

const DAEMON = crypto.randomUUID();
const says = (content: string) => ({ id: crypto.randomUUID(), kind: 'message', role: 'assistant', content });

/** A task that ran: a prompt, a call with its result, a safe checkpoint, and a message after it. */
async function story(body: object = {}): Promise<{ readonly task: string; readonly checkpoint: Taken }> {
  const { id: task } = await app.post<{ id: string }>(TASKS, {
    name: 'a task',
    plan: 'Build a bridge.',
    ...body,
  });
  await app.post(`${TASKS}/${task}/activity`, { items: [prompt(), calling('one'), result('one')] });
  await code.write('file', 'one\n');
  const checkpoint = await code.next(task);
  await app.post(`${TASKS}/${task}/activity`, { items: [says('after the checkpoint')] });
  return { task, checkpoint };
}

const shown = (task: string): Promise<{ totalCount: number; controlVersion: number }> =>
  app.get(`${TASKS}/${task}/conversation`);
const stream = async (task: string): Promise<readonly string[]> =>
  (await app.get<{ events: { type: string }[] }>(`/api/v1/audit/streams/task-${task}`)).events.map(
    ({ type }) => type,
  );
const given = async (task: string) =>
  app.server.application.get(ResumeContexts).of(task, { caller: asCaller(app) });

describe('a task that is to go on', () => {
  it('says before what its agent would be given, and changes nothing', async () => {
    const { task, checkpoint } = await story();
    const before = await stream(task);
    const body = { prompt: 'Mind the gap.', contextOptions: { maxMessages: 2 }, dryRun: true };
    expect(await app.call('POST', `${TASKS}/${task}/continue`, body)).toMatchObject({
      status: 202,
      body: {
        taskId: task,
        resumeMode: 'with_context',
        told: {
          shown: { messages: 3, toolCalls: 1, toolResults: 1 },
          given: { messages: 2, toolCalls: 1, toolResults: 1 },
          leftOut: [{ reason: 'limit', messages: 1 }],
          tokens: expect.any(Number),
        },
        prompt: expect.stringContaining('Mind the gap.'),
        checkpoint: { checkpointId: checkpoint.id, sha: checkpoint.commit, isSafe: true, taskId: task },
        daemon: null,
        dryRun: true,
        position: '0',
      },
    });
    expect(await stream(task)).toEqual(before);
  });

  it('gives its agent the same when a daemon takes it', async () => {
    const { task } = await story();
    const body = { prompt: 'Mind the gap.', maxTokens: 5_000, contextOptions: { includeToolCalls: false } };
    const answer = await app.post<{ prompt: string; told: object }>(`${TASKS}/${task}/continue`, body);
    const { prompt: asked, told } = await given(task);
    expect({ asked, told }).toEqual({ asked: answer.prompt, told: answer.told });
    expect(await stream(task)).toContain('TaskContinueRequested');
  });

  it('does not while a daemon works in it, not even in a dry run', async () => {
    const { task, checkpoint } = await story();
    await runOn(app, task, DAEMON);
    for (const body of [
      {},
      { dryRun: true },
      { resumeMode: 'from_checkpoint', checkpointSha: checkpoint.commit },
    ]) {
      const answer = await app.call('POST', `${TASKS}/${task}/continue`, body);
      expect(answer).toMatchObject({ status: 409, body: { code: 'TASK_RUNNING' } });
    }
    expect(await stream(task)).not.toContain('RewindRequested');
    await stop(app, task);
    await app.post(`${TASKS}/${task}/continue`);
  });

  it('goes back to a checkpoint with code and conversation first, and once for one key', async () => {
    const { task, checkpoint } = await story();
    await code.write('file', 'two\n');
    await code.next(task);
    const body = { resumeMode: 'from_checkpoint', checkpointSha: checkpoint.commit };
    const preview = await app.post(`${TASKS}/${task}/continue`, { ...body, dryRun: true });
    expect(preview).toMatchObject({
      told: { given: { messages: 2 }, leftOut: [{ reason: 'after_checkpoint', messages: 1 }] },
      rewind: { dryRun: true, changes: { filesChanged: 1 } },
      checkpoint: { sha: checkpoint.commit },
    });
    expect((await shown(task)).totalCount).toBe(4);
    const key = { 'idempotency-key': crypto.randomUUID() };
    const done = await app.post<{ position: string }>(`${TASKS}/${task}/continue`, body, key);
    expect(done).toMatchObject({
      told: { given: { messages: 2 }, leftOut: [] },
      rewind: { phase: 'deferred', rewindedTo: { sha: checkpoint.commit } },
      prompt: expect.stringContaining('taken back to a checkpoint'),
    });
    expect((await shown(task)).totalCount).toBe(3);
    const after = await stream(task);
    const again = await app.post(`${TASKS}/${task}/continue`, body, key);
    expect(again).toMatchObject({ position: done.position, told: { given: { messages: 2 } } });
    expect(await stream(task)).toEqual(after);
    expect(after.filter((type) => type === 'RewindRequested')).toHaveLength(1);
  });

  it.each([
    [{ resumeMode: 'from_checkpoint' }, 422, 'VALIDATION_FAILED'],
    [{ resumeMode: 'from_checkpoint', checkpointSha: 'a'.repeat(40) }, 404, 'CHECKPOINT_UNKNOWN'],
    [{ maxTokens: 10 }, 422, 'VALIDATION_FAILED'],
  ])('refuses %j', async (body, status, refusal) => {
    const { task } = await story();
    expect(await app.call('POST', `${TASKS}/${task}/continue`, body)).toMatchObject({
      status,
      body: { code: refusal },
    });
  });

  it('does not on a daemon that cannot have its code', async () => {
    const { task, checkpoint } = await story();
    await runOn(app, task, DAEMON);
    const taken = await code.take(
      task,
      [checkpoint.commit],
      {},
      { 'x-makima-lease': '1', 'x-makima-daemon': DAEMON },
    );
    await stop(app, task);
    const other = crypto.randomUUID();
    for (const body of [{}, { resumeMode: 'from_checkpoint', checkpointSha: taken.commit }]) {
      const answer = await app.call('POST', `${TASKS}/${task}/continue`, { ...body, targetDaemonId: other });
      expect(answer).toMatchObject({ status: 409, body: { code: 'CHECKPOINT_NOT_SAFE' } });
    }
    const answer = await app.post(`${TASKS}/${task}/continue`, { targetDaemonId: DAEMON });
    expect(answer).toMatchObject({ daemon: { daemonId: DAEMON, isConnected: false } });
  });
});

describe('a supervisor that is to go on', () => {
  async function supervised() {
    const { id: contractId } = await app.post<{ id: string }>('/api/v1/contracts', {
      name: 'c',
      phase: 'research',
    });
    const { task, checkpoint } = await story({ contractId, isSupervisor: true });
    await app.post(`/api/v1/contracts/${contractId}/phase`, { phase: 'execute' });
    const done = await app.post<{ id: string }>(TASKS, { name: 'lay the stones', plan: '', contractId });
    await app.post(`${TASKS}/${done.id}/activity`, {
      items: [says('The stones are laid.'), { id: crypto.randomUUID(), kind: 'status', status: 'completed' }],
    });
    return { task, checkpoint, path: `/api/v1/contracts/${contractId}/supervisor/resume` };
  }

  it('has its whole conversation, and what it is told besides', async () => {
    const { task, path } = await supervised();
    const answer = await app.call('POST', path, { additionalContext: 'Hurry.' });
    expect(answer).toMatchObject({
      status: 202,
      body: {
        supervisorTaskId: task,
        daemonId: null,
        resumedFrom: { phase: 'execute', lastActivity: expect.any(String), messageCount: 3 },
        status: 'starting',
        prompt: expect.stringContaining('Hurry.'),
        told: { leftOut: [] },
      },
    });
  });

  it('starts its phase afresh with what is finished, and without the conversation', async () => {
    const { task, path } = await supervised();
    const answer = await app.post(path, { resumeMode: 'restart_phase' });
    expect(answer).toMatchObject({
      resumedFrom: { messageCount: 0 },
      told: { given: { messages: 0 }, leftOut: [{ reason: 'restart_phase', messages: 3 }] },
    });
    const { conversation } = await given(task);
    expect(conversation).toHaveLength(1);
    expect(conversation[0]!.content).toContain('research, then execute');
    expect(conversation[0]!.content).toContain('- lay the stones (completed): The stones are laid.');
    expect(conversation[0]!.content).not.toContain('after the checkpoint');
  });

  it('goes back to a checkpoint', async () => {
    const { task, checkpoint, path } = await supervised();
    const body = { resumeMode: 'from_checkpoint', checkpointId: checkpoint.id };
    expect(await app.post(path, { ...body, dryRun: true })).toMatchObject({ dryRun: true });
    expect((await shown(task)).totalCount).toBe(4);
    expect(await app.post(path, body)).toMatchObject({ resumedFrom: { messageCount: 2 } });
    expect((await shown(task)).totalCount).toBe(3);
    expect(await app.call('POST', path, { resumeMode: 'from_checkpoint' })).toMatchObject({ status: 422 });
  });
});

describe('a new task from a checkpoint', () => {
  const from = ({ id }: Taken, task: string): string => `${TASKS}/${task}/checkpoints/${id}/resume`;

  it('is a fork there without the conversation, and waits for a daemon', async () => {
    const { task, checkpoint } = await story();
    const key = { 'idempotency-key': crypto.randomUUID() };
    const body = { plan: 'Build it of steel.' };
    const answer = await app.call<{ newTaskId: string }>('POST', from(checkpoint, task), body, key);
    expect(answer).toMatchObject({
      status: 201,
      body: {
        sourceTaskId: task,
        checkpointUsed: { number: 1, sha: checkpoint.commit, message: 'a checkpoint' },
        status: 'starting',
        told: { given: { messages: 0 }, leftOut: [{ reason: 'after_checkpoint', messages: 3 }] },
        prompt: 'Build it of steel.',
      },
    });
    const { newTaskId } = answer.body;
    expect(await given(newTaskId)).toMatchObject({ prompt: 'Build it of steel.', conversation: [] });
    expect(await stream(newTaskId)).toEqual(['TaskForked', 'TaskStartRequested']);
    await dispatch(app, newTaskId, { type: 'LeaseTask', daemonId: DAEMON });
    const again = await app.post<{ newTaskId: string }>(from(checkpoint, task), body, key);
    expect(again.newTaskId).toBe(newTaskId);
    expect((await stream(newTaskId)).filter((type) => type === 'TaskStartRequested')).toHaveLength(1);
  });

  it('has the conversation up to there if that is wanted, and only starts when it is to', async () => {
    const { task, checkpoint } = await story();
    const body = { plan: 'Go on.', includeConversation: true, start: false, taskName: 'steel' };
    const preview = await app.post<{ newTaskId: string; told: object }>(from(checkpoint, task), {
      ...body,
      dryRun: true,
    });
    expect((await app.call('GET', `${TASKS}/${preview.newTaskId}`)).status).toBe(404);
    const { newTaskId, told } = await app.post<{ newTaskId: string; told: object }>(
      from(checkpoint, task),
      body,
    );
    expect(told).toEqual(preview.told);
    expect(await stream(newTaskId)).toEqual(['TaskForked']);
    expect((await given(newTaskId)).conversation.map((each) => each.content)).toEqual([
      'go on',
      'working',
      'done',
    ]);
    expect(await app.get(`${TASKS}/${newTaskId}`)).toMatchObject({ name: 'steel', status: 'pending' });
  });

  it('runs what its source ran', async () => {
    const { task, checkpoint } = await story();
    const runner = { name: 'command', command: ['true'] } as const;
    await dispatch(app, task, { type: 'RequestStart', data: { runner, prompt: null, targetDaemonId: null } });
    const { newTaskId } = await app.post<{ newTaskId: string }>(from(checkpoint, task), { plan: 'x' });
    const { events } = await app.get<{ events: { body: object }[] }>(
      `/api/v1/audit/streams/task-${newTaskId}`,
    );
    expect(events[1]).toMatchObject({ body: { runner } });
  });

  it('is not started where no daemon could have the code', async () => {
    const { task } = await story();
    const taken = await code.take(task);
    expect(await app.call('POST', from(taken, task), { plan: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'CHECKPOINT_NOT_SAFE' },
    });
    expect(await app.post(from(taken, task), { plan: 'x', start: false })).toMatchObject({
      status: 'pending',
    });
    const unknown = { id: crypto.randomUUID(), commit: '' };
    expect((await app.call('POST', from(unknown, task), { plan: 'x' })).status).toBe(404);
  });
});
