import { setTimeout as sleep } from 'node:timers/promises';
import { claudeRunner, type ClaudeOptions } from './claude-runner.js';
import type { Happening } from './happening.js';
import { happeningId } from './narrator.js';
import { RunnerUnavailable, RunRefused, type RunningAgent, type RunRequest } from './runner.js';
import { line, result, text } from './spec-claude-lines.js';
import { allOf, endOf, isAlive, ofKind, outputsOf, readUntil, ScratchFolder } from './spec-stand-ins.js';
import type { Step } from './spec-stand-ins.js';

const scratch = new ScratchFolder();
afterAll(() => scratch.remove());

const start = (
  steps: readonly Step[],
  more: Partial<RunRequest> = {},
  options: ClaudeOptions = {},
): Promise<RunningAgent> =>
  scratch.started(
    claudeRunner({ program: scratch.program(...steps), ...options }).start(scratch.request(more)),
  );

const run = async (steps: readonly Step[], more?: Partial<RunRequest>): Promise<readonly Happening[]> =>
  allOf(await start(steps, more));

describe('a crash', () => {
  test('half-way keeps what was said so far, and what it wrote last', async () => {
    const told = await run([
      line('m1', text('I begin.')),
      { err: 'panic: oh no\n' },
      { cutOff: { text: '{"type":"assistant","message":{"id":"m2","con', code: 7 } },
    ]);
    expect(ofKind(told, 'message').map(({ content }) => content)).toEqual(['I begin.']);
    expect(outputsOf(told)).toEqual(['{"type":"assistant","message":{"id":"m2","con']);
    expect(endOf(told)).toMatchObject({
      status: 'failed',
      outcome: { as: 'crashed', exitCode: 7, stderr: 'panic: oh no', reason: 'It ended with exit code 7.' },
    });
  });

  test('is also an end without a result, whatever the exit code', async () => {
    const end = endOf(await run([line('m1', text('I begin.'))]));
    expect(end.outcome).toMatchObject({
      as: 'crashed',
      exitCode: 0,
      reason: 'It ended before its turn had.',
    });
  });
});

describe('how it is run', () => {
  const given = async (more: Partial<RunRequest>, options?: ClaudeOptions): Promise<readonly string[]> => {
    await allOf(await start([{ note: scratch.file('given') }, result(0, 1)], more, options));
    return (JSON.parse(scratch.read('given')) as { args: string[] }).args;
  };
  const ALWAYS = ['-p', '--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'];

  test('anew, with an id that follows from the run', async () => {
    const limits = { maxTurns: 3, maxCostUsd: 1.5 };
    const options = { model: 'opus', permissionMode: 'acceptEdits', args: ['--add-dir', '/x'] } as const;
    const id = happeningId('run-1', 'conversation');
    expect(await given({ runId: 'run-1', limits }, options)).toEqual([
      ...ALWAYS,
      ...['--session-id', id, '--model', 'opus', '--permission-mode', 'acceptEdits'],
      ...['--max-turns', '3', '--max-budget-usd', '1.5', '--add-dir', '/x'],
    ]);
  });

  test('going on with a conversation, or with a fork of one', async () => {
    const conversationId = '1f0e0a52-0000-4000-8000-000000000001';
    expect(await given({ resume: { conversationId } })).toEqual([...ALWAYS, '--resume', conversationId]);
    expect(await given({ runId: 'run-2', resume: { conversationId, fork: true } })).toEqual([
      ...[...ALWAYS, '--resume', conversationId, '--fork-session'],
      ...['--session-id', happeningId('run-2', 'conversation')],
    ]);
    const starting = start([], { resume: { conversationId: '--dangerously-skip-permissions' } });
    await expect(starting).rejects.toThrow(RunRefused);
  });

  test('with prompts as lines of its input, which ends with the turn', async () => {
    const input = scratch.file('input');
    await run([{ readLine: input }, result(0, 1), { readLine: input }], { prompt: 'Say "hi"\nplease' });
    const [first, ...rest] = scratch.read('input').trimEnd().split('\n');
    expect(JSON.parse(first ?? '')).toEqual({
      type: 'user',
      message: { role: 'user', content: 'Say "hi"\nplease' },
      parent_tool_use_id: null,
      session_id: '',
    });
    expect(rest).toEqual(['(end)']);
  });

  test('with what was said before, where there is any', async () => {
    const input = scratch.file('earlier');
    const conversation = [{ kind: 'message', role: 'user', content: 'Add a search.' }] as const;
    await run([{ readLine: input }, result(0, 1)], { conversation });
    const { message } = JSON.parse(scratch.read('earlier')) as { message: { content: string } };
    expect(message.content).toMatch(/record\n--- \S+ user\nAdd a search\.\n[^]*\nDo it\.$/);
  });

  test('and goes on with what is said later while it stays open', async () => {
    const input = scratch.file('later');
    const steps = [
      { readLine: input },
      result(0.1, 1),
      { readLine: input },
      result(0.2, 2),
      { readLine: input },
    ];
    const agent = await start(steps, { stayOpen: true });
    const reader = agent[Symbol.asyncIterator]();
    await readUntil(reader, (each) => each.kind === 'line');
    expect(agent.say('More.')).toBe(true);
    await readUntil(reader, (each) => each.kind === 'line');
    agent.hangUp();
    expect(endOf(await readUntil(reader, (each) => each.kind === 'end')).status).toBe('completed');
    const said = scratch.read('later').trimEnd().split('\n');
    expect([said.length, said[1], said[2]]).toEqual([3, expect.stringContaining('"More."'), '(end)']);
  });

  test('and is not waited for when it stays after its turn', async () => {
    const agent = await start([result(0, 1), { out: 'still here\n' }, { hang: 1 }], {
      limits: { exitMs: 200 },
    });
    const told = await allOf(agent);
    expect(outputsOf(told)).toEqual(['still here']);
    expect(endOf(told).outcome).toEqual({ as: 'completed' });
    expect(isAlive(agent.pid!)).toBe(false);
    // While it may be told more it is no matter how long it waits.
    const open = await start([result(0, 1), { hang: 1 }], { limits: { exitMs: 50 }, stayOpen: true });
    const reader = open[Symbol.asyncIterator]();
    await readUntil(reader, (each) => each.kind === 'line');
    await sleep(400);
    expect(isAlive(open.pid!)).toBe(true);
    open.hangUp();
    expect(endOf(await readUntil(reader, (each) => each.kind === 'end')).status).toBe('completed');
  });

  test('nowhere, where it is not installed: the error says what to do', async () => {
    const starting = claudeRunner({ program: 'no-claude-here' }).start(scratch.request());
    await expect(starting).rejects.toThrow(RunnerUnavailable);
    await expect(starting).rejects.toThrow(
      /"no-claude-here" is not installed here.*npm install -g @anthropic-ai\/claude-code/,
    );
  });
});
