import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { calling, forkAt, prompt, result, TASKS, taskWith } from '#libs/testing/tool-calls.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

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
    const source = await taskWith(app, prompt(), message, result('two'), prompt());
    const fork = await forkAt(app, source, message.id);
    expect(await answered(fork, 'one')).toMatchObject({ toolName: 'Edit one', toolInput: { callId: 'one' } });
    expect(await toolName(fork, 'two')).toBe('unknown');
    const again = await forkAt(app, fork, message.id);
    expect(await toolName(again, 'three')).toBe('Edit three');
  });

  it('is known in a fork that is made where its result had not come yet', async () => {
    const [message, spoken] = [calling('call'), prompt()];
    const source = await taskWith(app, message, spoken, result('call'), prompt());
    expect(await toolName(await forkAt(app, source, spoken.id), 'call')).toBe('Edit call');
  });

  it('is known however long ago it was made', async () => {
    const last = prompt();
    const source = await taskWith(app, calling('old'), ...Array.from({ length: 499 }, prompt));
    await app.post(`${TASKS}/${source}/activity`, { items: [last] });
    expect(await toolName(await forkAt(app, source, last.id), 'old')).toBe('Edit old');
  });

  it('is none where an undo has brought its result back, however long ago it was made', async () => {
    const [call, answer] = [calling('call'), result('call')];
    const last = prompt();
    const task = await taskWith(app, call, answer, ...Array.from({ length: 250 }, prompt), last);
    await app.post(`${TASKS}/${task}/conversation/rewind`, { toMessageId: answer.id, inclusive: false });
    await app.post(`${TASKS}/${task}/conversation/undo`, {});
    expect(await toolName(await forkAt(app, task, last.id), 'call')).toBe('unknown');
  });

  it('is not taken over without the conversation', async () => {
    const message = calling('call');
    const source = await taskWith(app, message);
    const body = {
      forkFrom: { type: 'message_id', value: message.id },
      newTask: { name: 'a fork', plan: '', includeConversation: false },
    };
    const { newTaskId } = await app.post<{ newTaskId: string }>(`${TASKS}/${source}/fork`, body);
    expect(await toolName(newTaskId, 'call')).toBe('unknown');
  });

  it('is known again where a rewind or a restored snapshot hides its result', async () => {
    const [message, answer] = [calling('call'), result('call')];
    const task = await taskWith(app, message);
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
