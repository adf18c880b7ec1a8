import { existsSync } from 'node:fs';
import { claudeRunner } from './claude-runner.js';
import type { Happening } from './happening.js';
import { happeningId } from './narrator.js';
import type { RunningAgent, RunRequest } from './runner.js';
import { answer, INIT, line, result, text, use } from './spec-claude-lines.js';
import {
  allOf,
  endOf,
  ofKind,
  outputsOf,
  readUntil,
  ScratchFolder,
  settled,
  until,
} from './spec-stand-ins.js';
import type { Step } from './spec-stand-ins.js';

const scratch = new ScratchFolder();
afterAll(() => scratch.remove());

const start = (steps: readonly Step[], more: Partial<RunRequest> = {}): Promise<RunningAgent> =>
  scratch.started(claudeRunner({ program: scratch.program(...steps) }).start(scratch.request(more)));

const run = async (steps: readonly Step[], more?: Partial<RunRequest>): Promise<readonly Happening[]> =>
  allOf(await start(steps, more));

const EDIT = {
  filePath: '/w/a.ts',
  structuredPatch: [{ lines: [' x', '-y', '+z', '+q'] }],
  oldString: 'y',
  newString: 'z\nq',
  originalFile: 'x\ny',
};

describe('a turn', () => {
  const TURN: readonly Step[] = [
    { json: INIT },
    line('m1', { type: 'thinking', thinking: 'Hm.', signature: 's' }),
    line('m1', text('I change it.')),
    line('m1', use('t1', 'Edit', { file_path: '/w/a.ts', old_string: 'y', new_string: 'z\nq' })),
    line('m1', use('t2', 'Bash', { command: 'npm test' })),
    answer('t1', 'The file was edited.', { tool_use_result: EDIT }),
    answer('t2', [
      text('1 failed'),
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    ]),
    line('m2', text('Done.')),
    result(0.25, 144),
  ];

  test('is told as messages, results and what it cost', async () => {
    const told = await run(TURN);
    const [first, last] = ofKind(told, 'message');
    expect(ofKind(told, 'message')).toHaveLength(2);
    expect(first).toMatchObject({
      role: 'assistant',
      content: 'I change it.',
      thinking: 'Hm.',
      model: 'claude-opus-4-6',
      toolCalls: [
        { id: 't1', name: 'Edit', input: { file_path: '/w/a.ts', old_string: 'y', new_string: 'z\nq' } },
        { id: 't2', name: 'Bash', input: { command: 'npm test' } },
      ],
    });
    // What assistant lines say of tokens is not final.
    expect(first).not.toHaveProperty('usage');
    expect(last).toMatchObject({
      content: 'Done.',
      usage: { input: 11, output: 145, cacheRead: 100, cacheWrite: 5 },
      costUsd: 0.25,
    });
    expect(ofKind(told, 'tool_result')).toMatchObject([
      {
        toolCallId: 't1',
        toolName: 'Edit',
        isError: false,
        files: [{ path: '/w/a.ts', action: 'M', linesAdded: 2, linesRemoved: 1 }],
      },
      { toolCallId: 't2', toolName: 'Bash', content: '1 failed\n[image/png, 3 bytes]' },
    ]);
    expect(endOf(told)).toMatchObject({
      status: 'completed',
      conversationId: 'c-1',
      costUsd: 0.25,
      usage: { output: 145 },
      lines: { read: 9, told: 7, kept: { 'system:init': 1, 'result:success': 1 }, passed: {}, blank: 0 },
    });
  });

  test('has ids that follow from the run and the line', async () => {
    const told = await run(TURN, { runId: 'run-1' });
    const [first] = ofKind(told, 'message');
    expect(first?.id).toBe(happeningId('run-1', 'stdout:2'));
    expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
  });

  test('in the second of two, the price is what came on top', async () => {
    const told = await run([
      line('m1', text('One.')),
      result(0.25, 144),
      line('m2', text('Two.')),
      result(0.4, 200),
    ]);
    expect(ofKind(told, 'message').map(({ costUsd, usage }) => [costUsd, usage?.output])).toEqual([
      [0.25, 145],
      [0.15, 56],
    ]);
    expect(endOf(told)).toMatchObject({ costUsd: 0.4, usage: { output: 201 } });
  });

  test('that fails says why, and what it cost', async () => {
    const failed = {
      subtype: 'error_max_turns',
      is_error: true,
      errors: ['Reached 2 turns'],
      result: undefined,
    };
    const told = await run([line('m1', text('Hm.')), result(0.1, 5, failed), { exit: 1 }]);
    expect(ofKind(told, 'message')).toMatchObject([
      { role: 'assistant', content: 'Hm.' },
      { role: 'system', content: 'The turn failed: Reached 2 turns (error_max_turns)', costUsd: 0.1 },
    ]);
    expect(endOf(told)).toMatchObject({
      status: 'failed',
      outcome: { as: 'failed', exitCode: 1, reason: 'Reached 2 turns (error_max_turns)' },
    });
    const refused = endOf(await run([result(0, 0, { is_error: true, result: 'Invalid API key' })]));
    expect(refused.outcome).toMatchObject({ as: 'failed', reason: 'Invalid API key (success)' });
  });
});

describe('a message of several lines', () => {
  test('is told without waiting for ever for the next line', async () => {
    const agent = await start([line('m1', use('t1', 'Bash', { command: 'sleep 999' })), { hang: 1 }]);
    const told = await readUntil(agent[Symbol.asyncIterator](), (each) => each.kind === 'message');
    expect(told.at(-1)).toMatchObject({ toolCalls: [{ id: 't1' }] });
    await agent.stop();
  });

  test('is told once: a block that comes late is a message of its own', async () => {
    const told = await run([line('m1', text('a')), answer('t0', 'x'), line('m1', text('b')), result(0, 1)]);
    expect(ofKind(told, 'message').map(({ content }) => content)).toEqual(['a', 'b']);
    expect(ofKind(told, 'message')[1]?.usage).toBeDefined();
  });

  test('is not mixed with those of sub-agents that talk at the same time', async () => {
    const sub = { parent_tool_use_id: 't1' };
    const told = await run([
      line('m1', use('t1', 'Task', { prompt: 'Look.' })),
      { json: { type: 'user', parent_tool_use_id: 't1', message: { role: 'user', content: 'Look.' } } },
      line('s1', text('I look.'), sub),
      line('m1', use('t2', 'Read', { file_path: '/w/b' })),
      line('s1', use('t3', 'Grep', { pattern: 'x' }), sub),
      answer('t3', 'none', sub),
      answer('t1', 'Nothing.'),
      line('m2', text('So.')),
      result(0.1, 9),
    ]);
    const shown = ofKind(told, 'message').map(({ role, content, toolCalls, parentCallId }) => [
      role,
      content,
      toolCalls?.map(({ id }) => id),
      parentCallId,
    ]);
    expect(shown).toEqual([
      ['user', 'Look.', undefined, 't1'],
      ['assistant', 'I look.', ['t3'], 't1'],
      ['assistant', '', ['t1', 't2'], undefined],
      ['assistant', 'So.', undefined, undefined],
    ]);
    expect(
      ofKind(told, 'tool_result').map(({ toolCallId, parentCallId }) => [toolCallId, parentCallId]),
    ).toEqual([
      ['t3', 't1'],
      ['t1', undefined],
    ]);
  });

  test('holds the program up when nobody reads, whatever the lines are made of', async () => {
    const [written] = Object.values(line('m1', use('t1', 'Write', { content: 'x'.repeat(100_000) })));
    const flood = { text: `${JSON.stringify(written)}\n`, times: 600, to: scratch.file('flood') };
    const agent = await start([{ flood }]);
    await until(() => existsSync(flood.to) && scratch.read('flood') !== '', 'the flood');
    expect(await settled(() => Number(scratch.read('flood')))).toBeLessThan(20_000_000);
    const calls = ofKind(await allOf(agent), 'message').flatMap(({ toolCalls }) => toolCalls ?? []);
    expect(calls).toHaveLength(600);
    expect(Number(scratch.read('flood'))).toBeGreaterThan(60_000_000);
  });

  test('loses what a later line takes back, as far as it has not been told', async () => {
    const told = await run([
      line('m1', text('wrong'), { uuid: 'u1' }),
      line('m2', text('right'), { uuid: 'u2', supersedes: ['u1'] }),
      answer('t0', 'x'),
      line('m3', text('again'), { supersedes: ['u2'] }),
      result(0, 1),
    ]);
    expect(ofKind(told, 'message').map(({ content }) => content)).toEqual(['right', 'again']);
    expect(ofKind(told, 'line').map(({ lineType }) => lineType)).toEqual([
      'assistant:supersedes',
      'result:success',
    ]);
  });
});

describe('lines that nobody knows', () => {
  test('are kept as they are and counted; ticks are counted, and what is no JSON is output', async () => {
    const told = await run([
      { json: { type: 'active_goal', goal: 'x' } },
      { json: { type: 'system', subtype: 'brand_new', a: [1] } },
      { json: { type: 'assistant', message: { id: 'm', content: 7 } } },
      { json: { type: 'stream_event', event: {} } },
      { json: { type: 'user', isReplay: true, message: { role: 'user', content: 'again' } } },
      { out: '\nnpm warn something\n{"type":"assis\n[1]\n' },
      line('m1', { type: 'hologram', data: 1 }),
      result(0, 1),
    ]);
    const { lines } = endOf(told);
    expect(lines).toMatchObject({
      read: 11,
      told: 4,
      blank: 1,
      kept: { active_goal: 1, 'system:brand_new': 1, assistant: 1, 'result:success': 1 },
      passed: { stream_event: 1, 'user:replay': 1 },
    });
    expect(ofKind(told, 'line')[1]?.content).toBe('{"type":"system","subtype":"brand_new","a":[1]}');
    expect(outputsOf(told)).toEqual(['npm warn something', '{"type":"assis', '[1]']);
    expect(ofKind(told, 'message')[0]?.content).toBe('{"type":"hologram","data":1}');
  });

  test('of 10 MB are read, and beyond the bound cut and kept so', async () => {
    const long = 'y'.repeat(10_000_000);
    const told = await run([line('m1', text(long)), result(0, 1)]);
    expect(ofKind(told, 'message')[0]?.content).toHaveLength(10_000_000);
    const cut = await run([line('m1', text(long)), result(0, 1)], { limits: { maxLineBytes: 100_000 } });
    expect(ofKind(cut, 'line')[0]).toMatchObject({
      lineType: '(too long)',
      content: expect.stringMatching(/ \[cut: the line has 100002\d\d bytes\]$/),
    });
    expect(endOf(cut)).toMatchObject({ status: 'completed', lines: { read: 2, cut: 1 } });
  });
});
