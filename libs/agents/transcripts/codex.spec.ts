import {
  linesFile,
  mainSession,
  messagesOf,
  resultsOf,
  rewindsOf,
  transcriptOf,
  unaccountedLines,
} from './spec-lines.js';
import {
  calls,
  event,
  item,
  meta,
  output,
  read,
  rollout,
  says,
  saidIn,
  tokens,
  THREAD,
} from './spec-rollouts.js';
import type { RolloutFields } from './spec-rollouts.js';

describe('a response', () => {
  test('is one message, from its items', () => {
    const transcript = read(
      { type: 'turn_context', payload: { model: 'gpt-5.3-codex', cwd: '/w' } },
      says('user', 'find it'),
      event('user_message', { message: 'find it' }),
      item('reasoning', { summary: [{ type: 'summary_text', text: 'Looking' }], encrypted_content: 'x' }),
      event('agent_reasoning', { text: 'Looking' }),
      says('assistant', 'I look.'),
      calls('c1', 'exec_command', { cmd: 'ls' }),
      calls('c2', 'exec_command', { cmd: 'pwd' }),
      tokens(100, 60, 9, 109),
      output('c1', 'a.ts'),
      output('c2', '/w'),
      says('assistant', 'Here.'),
      tokens(130, 100, 3, 242),
    );
    expect(messagesOf(mainSession(transcript))).toMatchObject([
      { role: 'user', origin: 'human', content: 'find it' },
      {
        role: 'assistant',
        content: 'I look.',
        thinking: 'Looking',
        model: 'gpt-5.3-codex',
        usage: { input: 40, output: 9, cacheRead: 60 },
        toolCalls: [
          { id: 'c1', name: 'exec_command', input: { cmd: 'ls' } },
          { id: 'c2', name: 'exec_command', input: { cmd: 'pwd' } },
        ],
      },
      { role: 'assistant', content: 'Here.', usage: { input: 30, output: 3, cacheRead: 100 } },
    ]);
    expect(transcript.report.skipped).toEqual({ 'event:user_message': 1, 'event:agent_reasoning': 1 });
    expect(unaccountedLines(transcript.report)).toBe(0);
  });

  test('tokens that are told again are not counted again', () => {
    const transcript = read(
      says('user', 'a'),
      says('assistant', 'b'),
      tokens(9, 0, 1, 10),
      says('assistant', 'c'),
      tokens(9, 0, 1, 10),
    );
    expect(messagesOf(mainSession(transcript)).map(({ usage }) => usage?.output)).toEqual([
      undefined,
      1,
      undefined,
    ]);
  });

  test('sealed thinking is skipped, calls without a result of their own are no open calls', () => {
    const { report } = read(
      says('user', 'a'),
      item('reasoning', { summary: [], encrypted_content: 'x' }),
      item('web_search_call', { status: 'completed', action: { type: 'search', query: 'q' } }),
    );
    expect(report.skipped).toEqual({ sealed_thinking: 1 });
    expect(report.notes).toEqual({});
  });

  test('names of calls keep their space', () => {
    const call = item('function_call', {
      name: 'search',
      namespace: 'mcp__hub__',
      call_id: 'c1',
      arguments: '{}',
    });
    const [message] = messagesOf(mainSession(read(call)));
    expect(message?.toolCalls).toEqual([{ id: 'c1', name: 'mcp__hub__search', input: {} }]);
  });
});

test('injected context is dropped, what a person typed beside it stays', () => {
  const transcript = read(
    says('developer', 'You are an agent.'),
    says('user', '<environment_context>\n<cwd>/w</cwd></environment_context>'),
    item('message', {
      role: 'user',
      content: [
        { type: 'input_text', text: '# AGENTS.md instructions for /w' },
        { type: 'input_text', text: 'fix it' },
      ],
    }),
    says('user', '<user_shell_command>ls</user_shell_command>'),
  );
  expect(saidIn(transcript)).toEqual([
    ['user', 'human', 'fix it'],
    ['user', 'meta', '<user_shell_command>ls</user_shell_command>'],
  ]);
  expect(transcript.report.skipped).toEqual({ injected_context: 2 });
  expect(mainSession(transcript).title).toBe('fix it');
});

describe('results', () => {
  test('take files and failure from events, before or after them', () => {
    const changes = { '/w/a': { type: 'add', content: 'x\n' } };
    const transcript = read(
      item('custom_tool_call', {
        call_id: 'c1',
        name: 'apply_patch',
        input: '*** Begin Patch\n*** End Patch',
      }),
      event('patch_apply_end', { call_id: 'c1', success: true, changes }),
      item('custom_tool_call_output', { call_id: 'c1', output: 'Success.' }),
      calls('c2', 'exec_command'),
      output('c2', 'no such file'),
      event('exec_command_end', { call_id: 'c2', exit_code: 2 }),
    );
    expect(resultsOf(mainSession(transcript))).toMatchObject([
      { toolName: 'apply_patch', isError: false, files: [{ path: '/w/a', action: 'A', linesAdded: 1 }] },
      { toolName: 'exec_command', isError: true, content: 'no such file' },
    ]);
    expect(transcript.report.imported).toBe(6);
    // The time of the last event, which says of a result that it failed.
    expect(mainSession(transcript).endedAt).toBe('2026-03-04T09:00:06.000Z');
  });

  test('without an event the patch itself tells', () => {
    const input = '*** Begin Patch\n*** Delete File: a.ts\n*** End Patch';
    const transcript = read(
      item('custom_tool_call', { call_id: 'c1', name: 'apply_patch', input }),
      item('custom_tool_call_output', { call_id: 'c1', output: 'Success.' }),
    );
    expect(resultsOf(mainSession(transcript))[0]?.files).toEqual([{ path: 'a.ts', action: 'D' }]);
  });

  test('a patch that failed changes nothing', () => {
    const transcript = read(
      item('custom_tool_call', {
        call_id: 'c1',
        name: 'apply_patch',
        input: '*** Begin Patch\n*** Delete File: a\n*** End Patch',
      }),
      event('patch_apply_end', {
        call_id: 'c1',
        success: false,
        changes: { a: { type: 'delete', content: '' } },
      }),
      item('custom_tool_call_output', { call_id: 'c1', output: 'failed' }),
    );
    const [result] = resultsOf(mainSession(transcript));
    expect(result).toMatchObject({ isError: true });
    expect(result).not.toHaveProperty('files');
  });
});

describe('rolling back', () => {
  const turns = [
    says('user', 'one'),
    says('assistant', 'first'),
    says('user', '<environment_context>'),
    says('user', 'two'),
    says('assistant', 'second'),
    says('user', 'three'),
    says('assistant', 'third'),
  ];

  test.each([
    [1, 'second'],
    [2, 'first'],
    [3, null],
    [99, null],
  ])('takes the last %i turns of a person back', (count, kept) => {
    const session = mainSession(
      read(...turns, event('thread_rolled_back', { num_turns: count }), says('user', 'anew')),
    );
    const last = messagesOf(session).find(({ content }) => content === kept);
    expect(rewindsOf(session)).toMatchObject([{ keepUpTo: last?.sourceId ?? null, line: 9 }]);
    expect(session.entries.at(-1)).toMatchObject({ content: 'anew' });
  });

  test('counts what the machinery says as no turn', () => {
    const shell = says('user', '<user_shell_command>ls</user_shell_command>');
    const session = mainSession(read(...turns, shell, event('thread_rolled_back', { num_turns: 1 })));
    const second = messagesOf(session).find(({ content }) => content === 'second');
    expect(rewindsOf(session)).toMatchObject([{ keepUpTo: second?.sourceId }]);
  });

  test('counts on from what was kept', () => {
    const session = mainSession(
      read(
        ...turns,
        event('thread_rolled_back', { num_turns: 2 }),
        says('user', 'other'),
        event('thread_rolled_back', { num_turns: 1 }),
      ),
    );
    const [first] = messagesOf(session).filter(({ content }) => content === 'first');
    expect(rewindsOf(session).map(({ keepUpTo }) => keepUpTo)).toEqual([first?.sourceId, first?.sourceId]);
  });

  test('nothing is kept as it is', () => {
    expect(read(event('thread_rolled_back', { num_turns: 1 })).report.raw).toMatchObject({
      'event_msg:thread_rolled_back': 1,
    });
  });
});

describe('a session', () => {
  test('knows where it was and where it came from', () => {
    const file = rollout([meta({ forked_from_id: 'other' }), meta({ id: 'other' }), says('user', 'go')]);
    expect(mainSession(transcriptOf(file))).toMatchObject({
      agent: 'codex',
      sessionId: THREAD,
      cwd: '/w',
      gitBranch: 'main',
      agentVersion: '0.160.0',
      forkedFrom: { sessionId: 'other' },
    });
  });

  test('a fork’s copies have the names of the originals, though other times', () => {
    const ids = (records: readonly RolloutFields[]): string[] =>
      messagesOf(mainSession(transcriptOf(rollout(records)))).map(({ sourceId }) => sourceId);
    const records = [meta(), says('user', 'go on'), says('assistant', 'yes'), says('user', 'go on')];
    const original = ids(records);
    expect(ids([meta({ id: 'fork' }), ...records, says('user', 'more')]).slice(0, 3)).toEqual(original);
    expect(new Set(original).size).toBe(3);
  });

  test('a sub-agent’s rollout goes with its thread', () => {
    const source = { subagent: { thread_spawn: { parent_thread_id: THREAD, depth: 1 } } };
    const child = rollout([meta({ id: 'child', source }), says('user', 'look')], 'rollout-child.jsonl');
    const grandchild = rollout(
      [meta({ id: 'grandchild', parent_thread_id: 'child' })],
      'rollout-grandchild.jsonl',
    );
    const { sessions } = transcriptOf(grandchild, child, rollout([meta(), says('user', 'go')]));
    expect(sessions.map(({ sessionId, parent }) => [sessionId, parent?.sessionId])).toEqual([
      [THREAD, undefined],
      ['child', THREAD],
      ['grandchild', 'child'],
    ]);
    expect(sessions[1] && messagesOf(sessions[1])[0]).not.toHaveProperty('origin');
  });

  test('the oldest files have items alone on their lines', () => {
    const file = linesFile('rollout-old.jsonl', [
      { id: 'old', timestamp: '2025-05-01T10:00:00.000Z', instructions: null },
      { record_type: 'state' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
    ]);
    const session = mainSession(transcriptOf(file));
    expect(session.sessionId).toBe('old');
    expect(messagesOf(session)).toMatchObject([{ content: 'hello', occurredAt: '2025-05-01T10:00:00.000Z' }]);
  });
});

test('interruptions, errors and compactions are told; what is not known is kept', () => {
  const transcript = read(
    event('turn_aborted', { reason: 'interrupted' }),
    event('error', { message: 'limit reached' }),
    { type: 'compacted', payload: { message: 'a summary' } },
    { type: 'compacted', payload: { message: '' } },
    item('ghost_snapshot', { ghost_commit: { id: 'abc' } }),
    { type: 'new_kind', payload: { a: 1 } },
    event('new_event'),
  );
  expect(saidIn(transcript)).toEqual([
    ['system', 'notice', 'Turn interrupted (interrupted)'],
    ['system', 'error', 'limit reached'],
    ['system', 'compaction', 'a summary'],
    ['system', 'compaction', 'Conversation compacted; the summary is sealed by the provider'],
  ]);
  expect(transcript.report.raw).toEqual({
    session_meta: 1,
    'response_item:ghost_snapshot': 1,
    new_kind: 1,
    'event_msg:new_event': 1,
  });
});
