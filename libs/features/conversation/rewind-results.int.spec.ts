import { startTestApp, type TestApp } from '#libs/testing/app.js';

const TASKS = '/api/v1/mesh/tasks';
const CALLS = 450;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const id = (): string => crypto.randomUUID();
const calling = (ids: readonly string[]) => ({
  id: id(),
  kind: 'message',
  role: 'assistant',
  content: 'working',
  toolCalls: ids.map((callId) => ({ id: callId, name: 'Edit', input: {} })),
});
const result = (toolCallId: string) => ({ id: id(), kind: 'tool_result', toolCallId, content: 'done' });
const prompt = () => ({ id: id(), kind: 'message', role: 'user', content: 'go on' });

async function taskWith(...items: readonly object[]): Promise<string> {
  const task = await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' });
  await app.post(`${TASKS}/${task.id}/activity`, { items });
  return task.id;
}
async function kept(taskId: string, toMessageId: string): Promise<unknown> {
  const body = { toMessageId, dryRun: true };
  return (await app.post(`${TASKS}/${taskId}/conversation/rewind`, body))['messageCount'];
}

describe('a rewind to a message with tool calls', () => {
  it('keeps all its results, however many', async () => {
    const ids = Array.from({ length: CALLS }, (_, n) => `call-${n}`);
    const message = calling(ids);
    const task = await taskWith(message, ...ids.map(result), prompt());
    expect(await kept(task, message.id)).toBe(CALLS + 1);
  });

  it('keeps the result that took the place of one that was rewound', async () => {
    const [message, first] = [calling(['call']), result('call')];
    const task = await taskWith(message, first);
    await app.post(`${TASKS}/${task}/conversation/rewind`, { toMessageId: first.id, inclusive: false });
    await app.post(`${TASKS}/${task}/activity`, { items: [result('call'), prompt()] });
    expect(await kept(task, message.id)).toBe(2);
  });

  it('keeps the result that came in a fork', async () => {
    const message = calling(['call']);
    const source = await taskWith(message);
    const forkFrom = { type: 'message_id', value: message.id };
    const { newTaskId } = await app.post<{ newTaskId: string }>(`${TASKS}/${source}/fork`, {
      forkFrom,
      newTask: { name: 'a fork', plan: '' },
    });
    await app.post(`${TASKS}/${newTaskId}/activity`, { items: [result('call'), prompt()] });
    expect(await kept(newTaskId, message.id)).toBe(2);
  });
});
