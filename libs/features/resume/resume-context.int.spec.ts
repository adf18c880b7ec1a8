import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { asCaller, start } from '#libs/testing/running-tasks.js';
import { calling, forkAt, prompt, result, TASKS, taskWith } from '#libs/testing/tool-calls.js';
import { ResumeContexts, type ResumeContext } from './resume-context.process.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const given = (taskId: string, as: TestCaller = app): Promise<ResumeContext> =>
  app.server.application.get(ResumeContexts).of(taskId, { caller: asCaller(as) });

const goOn = (taskId: string, body: object = {}): Promise<unknown> =>
  app.post(`${TASKS}/${taskId}/continue`, body);

const says = (content: string, more: object = {}) => ({
  id: crypto.randomUUID(),
  kind: 'message',
  role: 'assistant',
  content,
  ...more,
});
const contents = ({ conversation }: ResumeContext): readonly string[] =>
  conversation.map((each) => each.content);
const newTask = async (body: object = {}): Promise<string> =>
  (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: 'Build a bridge.', ...body })).id;

describe('what an agent is given when it starts', () => {
  it('is the plan, or what its start says', async () => {
    const task = await newTask();
    await start(app, task);
    expect(await given(task)).toMatchObject({
      prompt: 'Build a bridge.',
      conversation: [],
      told: { shown: { messages: 0 }, leftOut: [] },
    });
    await start(app, task, 'Build two.');
    expect((await given(task)).prompt).toBe('Build two.');
  });

  it('is nobody else’s', async () => {
    const task = await newTask();
    await expect(given(task, await app.secondOwner())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('what an agent is given when it goes on', () => {
  it('is what the task shows, with its plan, and an answer for a call that was cut off', async () => {
    const task = await newTask();
    const [kept, hidden] = [says('kept'), says('hidden')];
    await app.post(`${TASKS}/${task}/activity`, { items: [kept, hidden] });
    await app.post(`${TASKS}/${task}/conversation/rewind`, { toMessageId: kept.id });
    await app.post(`${TASKS}/${task}/activity`, { items: [calling('one', 'two'), result('two')] });
    await goOn(task);
    const context = await given(task);
    expect(contents(context)).toEqual([
      'kept',
      'working',
      expect.stringContaining('outcome unknown'),
      'done',
    ]);
    expect(context.prompt).toContain('Your task:\nBuild a bridge.');
    expect(context.prompt).toContain('1 of its tool calls were cut off');
    expect(context.told).toMatchObject({
      shown: { messages: 2, toolCalls: 2, toolResults: 1 },
      given: { messages: 2, toolCalls: 2, toolResults: 1 },
      leftOut: [],
      unknownCalls: 1,
    });
  });

  it('has what a fork takes over from its source', async () => {
    const call = calling('call');
    const source = await taskWith(app, prompt(), call, result('call'));
    const fork = await forkAt(app, source, call.id);
    await start(app, fork);
    expect(contents(await given(fork))).toEqual(['go on', 'working', 'done']);
  });

  it('has long texts whole', async () => {
    const text = `A${'x'.repeat(300_000)}Z`;
    const task = await taskWith(app, says(text), says('short'));
    await goOn(task);
    expect(contents(await given(task))).toEqual([text, 'short']);
  });

  it('is shaped as it was asked for, over many pages', async () => {
    const items = Array.from({ length: 450 }, (_, n) => says(`message ${n}`));
    const task = await taskWith(app, ...items);
    await goOn(task, { contextOptions: { maxMessages: 120 } });
    const context = await given(task);
    expect(contents(context)).toEqual(items.slice(-120).map(({ content }) => content));
    expect(context.told.leftOut).toEqual([{ reason: 'limit', messages: 330, toolCalls: 0, toolResults: 0 }]);
    expect(context.prompt).toContain('330 messages of the conversation are not in the record');
  });

  it('fits, however long the conversation is: the newest is whole, and the rest in short', async () => {
    const long = 'word '.repeat(20_000);
    const task = await taskWith(app, prompt());
    for (let n = 0; n < 12; n += 1)
      await app.post(`${TASKS}/${task}/activity`, { items: [says(`${n} ${long}`), says(`${n} done`)] });
    await goOn(task);
    const context = await given(task);
    const { told } = context;
    expect(told).toMatchObject({ summary: true, shown: { messages: 25 } });
    expect(told.tokens).toBeLessThanOrEqual(100_000);
    expect(told.given.messages).toBeGreaterThan(2);
    expect(contents(context)[0]).toContain('# What was asked first\ngo on');
    expect(contents(context).at(-1)).toBe('11 done');
    expect(context.prompt).toMatch(
      /\d+ messages of the conversation are not in the record: there was no room/,
    );
  });

  it('is nothing but the plan after a clean restart, and says how much is left out', async () => {
    const task = await taskWith(app, prompt(), calling('a', 'b'), result('a'));
    await goOn(task, { resumeMode: 'clean_restart' });
    expect(await given(task)).toMatchObject({
      conversation: [],
      told: { leftOut: [{ reason: 'clean_restart', messages: 2, toolCalls: 2, toolResults: 1 }] },
    });
  });

  it('is all that there is again when the task is given to another daemon', async () => {
    const task = await taskWith(app, prompt());
    await goOn(task, { resumeMode: 'clean_restart' });
    await app.post(`${TASKS}/${task}/reassign`, {});
    expect(contents(await given(task))).toEqual(['go on']);
  });
});
