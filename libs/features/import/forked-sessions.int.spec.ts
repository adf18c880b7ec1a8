import { claudeCode, SESSION, type ClaudeCodeLines } from '#libs/agents/transcripts/spec-lines.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { conversationOf, imported, numbers, sessionsOf, type SentFile } from './spec-import.js';

const fileOf = (lines: ClaudeCodeLines, name = `${SESSION}.jsonl`): SentFile => lines.file(name);

let app: TestApp;
/** An owner of its own for each test: sessions of one don't meet those of another. */
const owner = (): Promise<TestCaller> => app.secondOwner(`owner ${Math.random()}`);

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

describe('a forked session', () => {
  const parent = () =>
    claudeCode()
      .user('u1', 'fix it')
      .says('a1', 'm1', 'done')
      .add('mode', 'x1', { mode: 'plan' })
      .user('u2', 'go on');
  const child = () => {
    const lines = claudeCode();
    for (const line of parent().lines.slice(0, 3)) lines.text(line.replaceAll(SESSION, 'child'));
    const own = { sessionId: 'child', timestamp: '2026-01-05T11:00:00.000Z' };
    return lines.add('mode', 'x2', own).user('v2', 'or rather not', { ...own, parentUuid: 'a1' });
  };
  const files = () => [fileOf(child(), 'child.jsonl'), fileOf(parent())] as const;
  const texts = async (caller: TestCaller, taskId: string) =>
    (await conversationOf(caller, taskId)).messages.map(({ content }) => content);

  it('is a fork of its source’s task: what they share is stored once', async () => {
    const alice = await owner();
    const report = await imported(alice, files());
    const [source, fork] = sessionsOf(report);
    expect(source).toMatchObject({ sessionId: SESSION, outcome: 'created' });
    expect(fork).toMatchObject({ forkedFrom: { sessionId: SESSION, taskId: source!.taskId, messages: 2 } });
    expect(numbers(fork!.messages)).toEqual([3, 1, 0, 0, 2]);
    expect(numbers(fork!.keptLines)).toEqual([2, 1, 0, 0, 1]);
    expect(await texts(alice, fork!.taskId)).toEqual(['fix it', 'done', 'or rather not']);
    expect(await texts(alice, source!.taskId)).toEqual(['fix it', 'done', 'go on']);
    const { body } = await alice.call('GET', `/api/v1/mesh/tasks/${source!.taskId}/branches`);
    expect(body).toMatchObject({
      forks: [{ taskId: fork!.taskId, point: { type: 'message_id', inclusive: true } }],
    });
    expect(sessionsOf(await imported(alice, files())).map(({ outcome }) => outcome)).toEqual([
      'unchanged',
      'unchanged',
    ]);
  });

  it('is found in a later import too, and grows', async () => {
    const alice = await owner();
    const [source] = sessionsOf(await imported(alice, files()[1]));
    const [fork] = sessionsOf(await imported(alice, files()[0]));
    expect(fork).toMatchObject({ forkedFrom: { taskId: source!.taskId } });
    const grown = child().says('b2', 'n2', 'as you like', {
      sessionId: 'child',
      timestamp: '2026-01-05T11:00:01.000Z',
    });
    const [again] = sessionsOf(await imported(alice, fileOf(grown, 'child.jsonl')));
    expect(numbers(again!.messages)).toEqual([4, 1, 0, 1, 2]);
    expect(await texts(alice, fork!.taskId)).toEqual(['fix it', 'done', 'or rather not', 'as you like']);
  });

  it('is whole when it comes before its source, which is no fork of it', async () => {
    const alice = await owner();
    const [fork] = sessionsOf(await imported(alice, files()[0]));
    const [source] = sessionsOf(await imported(alice, files()[1]));
    expect(fork!.forkedFrom).toBeUndefined();
    expect(source!.forkedFrom).toBeUndefined();
    expect(await texts(alice, fork!.taskId)).toEqual(['fix it', 'done', 'or rather not']);
    expect(await texts(alice, source!.taskId)).toEqual(['fix it', 'done', 'go on']);
  });

  it('keeps the link to a source that is not here', async () => {
    const alice = await owner();
    const from = { sessionId: 'child', forkedFrom: { sessionId: 'elsewhere', messageUuid: 'e1' } };
    const [fork] = sessionsOf(
      await imported(alice, fileOf(claudeCode().user('c1', 'fix it', from), 'child.jsonl')),
    );
    expect(fork).toMatchObject({ forkedFrom: { sessionId: 'elsewhere', messages: 0 } });
    const { body } = await alice.call('GET', `/api/v1/mesh/tasks/${fork!.taskId}`);
    expect(body).toMatchObject({ forkedFromTaskId: null, source: { forkedFromSessionId: 'elsewhere' } });
  });

  it('with new ids is found by the lines that it names', async () => {
    const alice = await owner();
    const from = (messageUuid: string) => ({
      sessionId: 'child',
      forkedFrom: { sessionId: SESSION, messageUuid },
    });
    const copy = claudeCode()
      .user('c1', 'fix it', from('u1'))
      .says('c2', 'm1', 'done', from('a1'))
      .user('c3', 'something else', { sessionId: 'child' });
    const [source, fork] = sessionsOf(await imported(alice, [fileOf(copy, 'child.jsonl'), fileOf(parent())]));
    expect(fork).toMatchObject({ forkedFrom: { taskId: source!.taskId, messages: 2 } });
    expect(await texts(alice, fork!.taskId)).toEqual(['fix it', 'done', 'something else']);
  });

  it('knows the tool of a call that had no result when it was forked', async () => {
    const alice = await owner();
    const source = claudeCode().user('u1', 'go').calls('a1', 'm1', 't1', 'Read').user('u2', 'wait');
    const copy = claudeCode();
    for (const line of source.lines.slice(0, 2)) copy.text(line.replaceAll(SESSION, 'child'));
    const own = { sessionId: 'child', parentUuid: 'a1', timestamp: '2026-01-05T11:00:00.000Z' };
    copy.user('v2', 'or not', own);
    const [, fork] = sessionsOf(await imported(alice, [fileOf(copy, 'child.jsonl'), fileOf(source)]));
    const result = { id: crypto.randomUUID(), kind: 'tool_result', toolCallId: 't1', content: 'late' };
    const task = `/api/v1/mesh/tasks/${fork!.taskId}`;
    const { body } = await alice.call('POST', `${task}/activity`, { items: [result] });
    const newest = `${task}/conversation?order=newest&limit=1&minPosition=${String(body['position'])}`;
    expect((await alice.call('GET', newest)).body).toMatchObject({
      messages: [{ toolCallId: 't1', toolName: 'Read' }],
    });
  });

  it('of another contract is none for a tool key, which does not reach it', async () => {
    const { body: contract } = await app.call('POST', '/api/v1/contracts', { name: 'Bound' });
    const tool = await app.key('tool', {
      contractId: contract['id'] as string,
      scopes: ['history:read', 'import:write'],
    });
    const rename = (file: SentFile): SentFile => ({
      ...file,
      bytes: Buffer.from(Buffer.from(file.bytes).toString().replaceAll(SESSION, 'parent of the tool')),
    });
    const [source] = sessionsOf(await imported(app, rename(files()[1])));
    const [fork] = sessionsOf(await imported(tool, rename(files()[0])));
    expect(source).toMatchObject({ outcome: 'created' });
    expect(fork).toMatchObject({ outcome: 'created', messages: { new: 3, inherited: 0 } });
    expect(fork!.forkedFrom).toBeUndefined();
  });

  it('of another owner is none', async () => {
    const [alice, bob] = [await owner(), await owner()];
    await imported(alice, files()[1]);
    const [fork] = sessionsOf(await imported(bob, files()[0]));
    expect(fork!.forkedFrom).toBeUndefined();
    expect(await texts(bob, fork!.taskId)).toHaveLength(3);
  });
});
