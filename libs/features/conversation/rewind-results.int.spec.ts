import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { calling, forkAt, prompt, result, TASKS, taskWith } from '#libs/testing/tool-calls.js';

const CALLS = 450;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function kept(taskId: string, toMessageId: string): Promise<unknown> {
  const body = { toMessageId, dryRun: true };
  return (await app.post(`${TASKS}/${taskId}/conversation/rewind`, body))['messageCount'];
}

describe('a rewind to a message with tool calls', () => {
  it('keeps all its results, however many', async () => {
    const ids = Array.from({ length: CALLS }, (_, n) => `call-${n}`);
    const message = calling(...ids);
    const task = await taskWith(app, message, ...ids.map(result), prompt());
    expect(await kept(task, message.id)).toBe(CALLS + 1);
  });

  it('keeps the result that took the place of one that was rewound', async () => {
    const [message, first] = [calling('call'), result('call')];
    const task = await taskWith(app, message, first);
    await app.post(`${TASKS}/${task}/conversation/rewind`, { toMessageId: first.id, inclusive: false });
    await app.post(`${TASKS}/${task}/activity`, { items: [result('call'), prompt()] });
    expect(await kept(task, message.id)).toBe(2);
  });

  it('keeps the result that came in a fork', async () => {
    const message = calling('call');
    const source = await taskWith(app, message);
    const newTaskId = await forkAt(app, source, message.id);
    await app.post(`${TASKS}/${newTaskId}/activity`, { items: [result('call'), prompt()] });
    expect(await kept(newTaskId, message.id)).toBe(2);
  });
});

describe('a rewind between the results of one message', () => {
  /** What a rewind would leave: how many messages, and which calls without the result that they had. */
  async function left(taskId: string, point: object): Promise<readonly unknown[]> {
    const path = `${TASKS}/${taskId}/conversation/rewind`;
    const { messageCount, openCalls } = await app.post(path, { ...point, dryRun: true });
    return [messageCount, openCalls];
  }
  const message = calling('one', 'two');
  const [first, spoken] = [result('one'), prompt()];

  it('never is where it goes by a count: a message goes with its last result', async () => {
    const task = await taskWith(app, prompt(), message, first, spoken, result('two'), prompt());
    expect(await left(task, { byMessageCount: 1 })).toEqual([5, undefined]);
    expect(await left(task, { byMessageCount: 2 })).toEqual([1, undefined]);
    expect(await left(task, { byMessageCount: 3 })).toEqual([1, undefined]);
  });

  it('takes along whatever that reaches into in turn, in a fork too', async () => {
    const outer = calling('outer');
    const source = await taskWith(app, prompt(), outer);
    const newTaskId = await forkAt(app, source, outer.id);
    const items = [calling('inner'), result('outer'), prompt(), result('inner')];
    await app.post(`${TASKS}/${newTaskId}/activity`, { items });
    expect(await left(newTaskId, { byMessageCount: 1 })).toEqual([1, undefined]);
  });

  it('finds its call, however long ago it was made', async () => {
    const task = await taskWith(app, prompt(), message, first, ...Array.from({ length: 300 }, prompt));
    await app.post(`${TASKS}/${task}/activity`, { items: [prompt(), result('two'), prompt()] });
    expect(await left(task, { byMessageCount: 1 })).toEqual([305, undefined]);
    expect(await left(task, { byMessageCount: 2 })).toEqual([1, undefined]);
  });

  it('leaves a call that never had a result', async () => {
    const task = await taskWith(app, message, first, spoken);
    expect(await left(task, { byMessageCount: 1 })).toEqual([2, undefined]);
  });

  it('is where somebody says so, and tells what stays without its result', async () => {
    const task = await taskWith(app, message, first, spoken, result('two'));
    const two = [{ id: 'two', name: 'Edit two' }];
    expect(await left(task, { toMessageId: message.id })).toEqual([2, two]);
    expect(await left(task, { toMessageId: spoken.id })).toEqual([3, two]);
    expect(await left(task, { toMessageId: first.id, inclusive: false })).toEqual([
      1,
      [{ id: 'one', name: 'Edit one' }, ...two],
    ]);
  });
});
