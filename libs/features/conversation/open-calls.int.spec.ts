import { startTestApp, type TestApp } from '#libs/testing/app.js';

const TASKS = '/api/v1/mesh/tasks';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const id = (): string => crypto.randomUUID();
const calling = (...ids: readonly string[]) => ({
  id: id(),
  kind: 'message',
  role: 'assistant',
  content: 'working',
  toolCalls: ids.map((callId) => ({ id: callId, name: `Edit ${callId}`, input: { callId } })),
});
const result = (toolCallId: string) => ({ id: id(), kind: 'tool_result', toolCallId, content: 'done' });
const prompt = () => ({ id: id(), kind: 'message', role: 'user', content: 'go on' });

async function taskWith(...items: readonly object[]): Promise<string> {
  const task = await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' });
  await app.post(`${TASKS}/${task.id}/activity`, { items });
  return task.id;
}
async function forkAt(taskId: string, messageId: string): Promise<string> {
  const forkFrom = { type: 'message_id', value: messageId };
  const body = { forkFrom, newTask: { name: 'a fork', plan: '' } };
  return (await app.post<{ newTaskId: string }>(`${TASKS}/${taskId}/fork`, body)).newTaskId;
}
/** A result that is recorded now, as the conversation shows it. */
async function answered(taskId: string, callId: string): Promise<Record<string, unknown>> {
  const answer = result(callId);
  const { position } = await app.post(`${TASKS}/${taskId}/activity`, { items: [answer] });
  const path = `${TASKS}/${taskId}/conversation?order=newest&limit=1&minPosition=${String(position)}`;
  const { body } = await app.call<{ messages: Record<string, unknown>[] }>('GET', path);
  expect(body.messages).toMatchObject([{ id: answer.id, toolCallId: callId }]);
  return body.messages[0]!;
}
const toolName = async (taskId: string, callId: string): Promise<unknown> =>
  (await answered(taskId, callId))['toolName'];

describe('a call without a result', () => {
  it('is known in a fork, and in a fork of that', async () => {
    const message = calling('one', 'two', 'three');
    const source = await taskWith(prompt(), message, result('two'), prompt());
    const fork = await forkAt(source, message.id);
    expect(await answered(fork, 'one')).toMatchObject({ toolName: 'Edit one', toolInput: { callId: 'one' } });
    expect(await toolName(fork, 'two')).toBe('unknown');
    const again = await forkAt(fork, message.id);
    expect(await toolName(again, 'three')).toBe('Edit three');
  });

  it('is known in a fork that is made where its result had not come yet', async () => {
    const [message, spoken] = [calling('call'), prompt()];
    const source = await taskWith(message, spoken, result('call'), prompt());
    expect(await toolName(await forkAt(source, spoken.id), 'call')).toBe('Edit call');
  });

  it('is known however long ago it was made', async () => {
    const last = prompt();
    const source = await taskWith(calling('old'), ...Array.from({ length: 499 }, prompt));
    await app.post(`${TASKS}/${source}/activity`, { items: [last] });
    expect(await toolName(await forkAt(source, last.id), 'old')).toBe('Edit old');
  });

  it('is none where an undo has brought its result back, however long ago it was made', async () => {
    const [call, answer] = [calling('call'), result('call')];
    const last = prompt();
    const task = await taskWith(call, answer, ...Array.from({ length: 250 }, prompt), last);
    await app.post(`${TASKS}/${task}/conversation/rewind`, { toMessageId: answer.id, inclusive: false });
    await app.post(`${TASKS}/${task}/conversation/undo`, {});
    expect(await toolName(await forkAt(task, last.id), 'call')).toBe('unknown');
  });

  it('is not taken over without the conversation', async () => {
    const message = calling('call');
    const source = await taskWith(message);
    const body = {
      forkFrom: { type: 'message_id', value: message.id },
      newTask: { name: 'a fork', plan: '', includeConversation: false },
    };
    const { newTaskId } = await app.post<{ newTaskId: string }>(`${TASKS}/${source}/fork`, body);
    expect(await toolName(newTaskId, 'call')).toBe('unknown');
  });

  it('is known again where a rewind or a restored snapshot hides its result', async () => {
    const [message, answer] = [calling('call'), result('call')];
    const task = await taskWith(message);
    const snapshot = await app.post<{ id: string }>(`${TASKS}/${task}/snapshots`, {});
    await app.post(`${TASKS}/${task}/activity`, { items: [answer] });
    await app.post(`${TASKS}/${task}/conversation/rewind`, { toMessageId: answer.id, inclusive: false });
    expect(await answered(task, 'call')).toMatchObject({
      toolName: 'Edit call',
      toolInput: { callId: 'call' },
    });
    await app.post(`${TASKS}/${task}/snapshots/${snapshot.id}/restore`, {});
    expect(await toolName(task, 'call')).toBe('Edit call');
  });
});
