import { codexRunner, type CodexOptions } from './codex-runner.js';
import type { Happening } from './happening.js';
import { RunnerUnavailable, RunRefused, type RunningAgent, type RunRequest } from './runner.js';
import { allOf, endOf, ofKind, outputsOf, readUntil, ScratchFolder } from './spec-stand-ins.js';
import type { Step } from './spec-stand-ins.js';

const scratch = new ScratchFolder();
afterAll(() => scratch.remove());

const start = (
  steps: readonly Step[],
  more: Partial<RunRequest> = {},
  options: CodexOptions = {},
): Promise<RunningAgent> =>
  scratch.started(
    codexRunner({ program: scratch.program(...steps), ...options }).start(
      scratch.request({ runId: 'run-1', ...more }),
    ),
  );

const run = async (steps: readonly Step[], more?: Partial<RunRequest>): Promise<readonly Happening[]> =>
  allOf(await start(steps, more));

const item = (event: 'started' | 'updated' | 'completed', id: number, fields: object): Step => ({
  json: { type: `item.${event}`, item: { id: `item_${id}`, ...fields } },
});
const done = (id: number, fields: object): Step => item('completed', id, fields);
const USAGE = {
  input_tokens: 1000,
  cached_input_tokens: 800,
  output_tokens: 40,
  reasoning_output_tokens: 10,
};
const STARTED: Step = { json: { type: 'thread.started', thread_id: 'th-1' } };
const TURN: Step = { json: { type: 'turn.started' } };
const ENDED: Step = { json: { type: 'turn.completed', usage: USAGE } };
const COMMAND = { type: 'command_execution', command: "bash -lc 'npm test'" };

describe('a turn', () => {
  test('is told as messages, calls, results and files', async () => {
    const told = await run([
      STARTED,
      TURN,
      done(0, { type: 'reasoning', text: '**Looking**' }),
      item('started', 1, { ...COMMAND, aggregated_output: '', status: 'in_progress' }),
      item('updated', 1, { ...COMMAND, aggregated_output: '1', status: 'in_progress' }),
      done(1, { ...COMMAND, aggregated_output: '1 failed\n', exit_code: 1, status: 'failed' }),
      done(2, { type: 'agent_message', text: 'I mend it.' }),
      done(3, {
        type: 'file_change',
        status: 'completed',
        changes: [
          { path: 'a.ts', kind: 'update' },
          { path: 'b.ts', kind: 'add' },
          { path: 'c.ts', kind: 'delete' },
        ],
      }),
      done(4, {
        type: 'mcp_tool_call',
        server: 'docs',
        tool: 'find',
        arguments: { q: 'x' },
        status: 'completed',
        result: { content: [{ type: 'text', text: 'found' }] },
      }),
      done(5, { type: 'web_search', query: 'why' }),
      done(6, { type: 'reasoning', text: 'Good.' }),
      done(7, { type: 'agent_message', text: 'Done.' }),
      ENDED,
    ]);
    expect(
      ofKind(told, 'message').map(({ content, thinking, toolCalls, usage }) => [
        content,
        thinking,
        toolCalls?.[0]?.name,
        usage?.output,
      ]),
    ).toEqual([
      ['', '**Looking**', 'command_execution', undefined],
      ['I mend it.', undefined, undefined, undefined],
      ['', undefined, 'apply_patch', undefined],
      ['', undefined, 'docs.find', undefined],
      ['', undefined, 'web_search', undefined],
      ['Done.', 'Good.', undefined, 40],
    ]);
    expect(ofKind(told, 'message').at(-1)?.usage).toEqual({ input: 200, output: 40, cacheRead: 800 });
    expect(ofKind(told, 'tool_result')).toMatchObject([
      { toolCallId: 'run-1:item_1', toolName: 'command_execution', content: '1 failed\n', isError: true },
      {
        toolCallId: 'run-1:item_3',
        isError: false,
        files: [
          { path: 'a.ts', action: 'M' },
          { path: 'b.ts', action: 'A' },
          { path: 'c.ts', action: 'D' },
        ],
      },
      { toolCallId: 'run-1:item_4', content: 'found', isError: false },
      { toolCallId: 'run-1:item_5' },
    ]);
    expect(endOf(told)).toMatchObject({
      status: 'completed',
      conversationId: 'th-1',
      usage: { output: 40 },
      lines: {
        read: 13,
        told: 9,
        kept: { 'thread.started': 1, 'turn.completed': 1 },
        passed: { 'turn.started': 1, 'item.updated:command_execution': 1 },
      },
    });
    expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
  });

  test('a call is told before its result, so that people see what is working', async () => {
    const agent = await start([item('started', 1, COMMAND), { hang: 1 }]);
    const told = await readUntil(agent[Symbol.asyncIterator](), (each) => each.kind === 'message');
    expect(told.at(-1)).toMatchObject({
      toolCalls: [{ id: 'run-1:item_1', input: { command: COMMAND.command } }],
    });
    await agent.stop();
  });

  test('that fails says why', async () => {
    const told = await run([
      STARTED,
      { json: { type: 'error', message: 'Reconnecting... 1/5' } },
      done(1, { type: 'error', message: 'a model was not found' }),
      { json: { type: 'turn.failed', error: { message: 'usage limit reached' } } },
      { exit: 1 },
    ]);
    expect(outputsOf(told, 'agent')).toEqual(['Reconnecting... 1/5', 'a model was not found']);
    expect(ofKind(told, 'message')).toMatchObject([
      { role: 'system', content: 'The turn failed: usage limit reached' },
    ]);
    expect(endOf(told).outcome).toEqual({ as: 'failed', exitCode: 1, reason: 'usage limit reached' });
  });

  test('that breaks off keeps what was said, and the call that is left open', async () => {
    const told = await run([
      STARTED,
      item('started', 1, COMMAND),
      done(2, { type: 'agent_message', text: 'So far.' }),
      { err: 'Error: oh no\n' },
      { cutOff: { text: '{"type":"item.comp', code: 101 } },
    ]);
    expect(ofKind(told, 'message').map(({ content }) => content)).toEqual(['', 'So far.']);
    expect(ofKind(told, 'tool_result')).toEqual([]);
    expect(endOf(told).outcome).toMatchObject({ as: 'crashed', exitCode: 101, stderr: 'Error: oh no' });
    expect(endOf(await run([STARTED, TURN])).outcome).toMatchObject({ as: 'crashed', exitCode: 0 });
  });
});

test('items and events that nobody knows are kept as they are', async () => {
  const told = await run([
    done(1, { type: 'hologram', data: [1] }),
    item('updated', 2, { type: 'todo_list', items: [{ text: 'a', completed: true }] }),
    { json: { type: 'thread.paused' } },
    { json: { no: 'type' } },
    { json: { type: 'item.completed', item: null } },
    { out: 'plain\n' },
    ENDED,
  ]);
  expect(endOf(told).lines).toMatchObject({
    read: 7,
    kept: {
      'item.completed:hologram': 1,
      'item.updated:todo_list': 1,
      'thread.paused': 1,
      '(no type)': 1,
      'item.completed:(no type)': 1,
      'turn.completed': 1,
    },
  });
  // Nothing of the turn bears its tokens, so a notice does.
  expect(ofKind(told, 'message')).toMatchObject([
    { role: 'system', content: 'The turn ended.', usage: { output: 40 } },
  ]);
});

describe('how it is run', () => {
  const given = async (more: Partial<RunRequest>, options?: CodexOptions): Promise<readonly string[]> => {
    await allOf(
      await start(
        [{ note: scratch.file('given') }, { readAll: scratch.file('input') }, ENDED],
        more,
        options,
      ),
    );
    return (JSON.parse(scratch.read('given')) as { args: string[] }).args;
  };

  test('anew and going on, with the prompt as its input', async () => {
    expect(await given({ prompt: '--help me\n' })).toEqual([
      ...['exec', '--json', '--skip-git-repo-check', '--sandbox', 'workspace-write', '-'],
    ]);
    expect(scratch.read('input')).toBe('--help me\n(end)\n');
    const options = { model: 'gpt-5.3-codex', sandbox: 'read-only', args: ['--ephemeral'] } as const;
    expect(await given({ resume: { conversationId: 'th-1' } }, options)).toEqual([
      ...['exec', '--json', '--skip-git-repo-check', '--sandbox', 'read-only', '--model', 'gpt-5.3-codex'],
      ...['--ephemeral', 'resume', 'th-1', '-'],
    ]);
  });

  test('what it cannot do is refused', async () => {
    await expect(start([], { resume: { conversationId: 'th-1', fork: true } })).rejects.toThrow(RunRefused);
    await expect(start([], { resume: { conversationId: '--last' } })).rejects.toThrow(RunRefused);
    const missing = codexRunner({ program: 'no-codex-here' }).start(scratch.request());
    await expect(missing).rejects.toThrow(RunnerUnavailable);
    await expect(missing).rejects.toThrow(/"no-codex-here" is not installed here.*@openai\/codex/);
    const agent = await start([ENDED]);
    expect(agent.say('more')).toBe(false);
    await allOf(agent);
  });
});
