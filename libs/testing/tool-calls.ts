/** For specs: what is said in a task that calls tools. */
import type { TestCaller } from './app.js';

export const TASKS = '/api/v1/mesh/tasks';

const id = (): string => crypto.randomUUID();

/** A message that calls a tool under each of these ids. */
export const calling = (...ids: readonly string[]) => ({
  id: id(),
  kind: 'message',
  role: 'assistant',
  content: 'working',
  toolCalls: ids.map((callId) => ({ id: callId, name: `Edit ${callId}`, input: { callId } })),
});

export const result = (toolCallId: string) => ({
  id: id(),
  kind: 'tool_result',
  toolCallId,
  content: 'done',
});

export const prompt = () => ({ id: id(), kind: 'message', role: 'user', content: 'go on' });

/** A task in which all this happened. */
export async function taskWith(app: TestCaller, ...items: readonly object[]): Promise<string> {
  const task = await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' });
  await app.post(`${TASKS}/${task.id}/activity`, { items });
  return task.id;
}

/** A fork of a task where it ends with a message. */
export async function forkAt(app: TestCaller, taskId: string, messageId: string): Promise<string> {
  const forkFrom = { type: 'message_id', value: messageId };
  const body = { forkFrom, newTask: { name: 'a fork', plan: '' } };
  return (await app.post<{ newTaskId: string }>(`${TASKS}/${taskId}/fork`, body)).newTaskId;
}
