import {
  ClaudeCodeLines,
  claudeCode,
  fileOf,
  mainSession,
  messagesOf,
  resultsOf,
  SESSION,
  transcriptOf,
  unaccountedLines,
} from './spec-lines.js';
import type { Transcript, TranscriptFile } from './transcript.js';

const PROMPT = 'find what prints';

/** A conversation with two sub-agents started in one message. */
const main = (): ClaudeCodeLines =>
  claudeCode()
    .user('u1', 'what prints?')
    .calls('a1', 'm1', 't1', 'Task', {
      description: 'Find printers',
      prompt: PROMPT,
      subagent_type: 'Explore',
    })
    .calls('a2', 'm1', 't2', 'Task', {
      description: 'Find others',
      prompt: 'and others',
      subagent_type: 'Explore',
    });

const answered = (lines: ClaudeCodeLines): ClaudeCodeLines =>
  lines.result('r1', 't1', 'cli.ts', { toolUseResult: { status: 'completed', agentId: 'aaa' } });

const agentLines = (agentId: string, prompt = PROMPT): ClaudeCodeLines => {
  const own = { agentId, isSidechain: true };
  return new ClaudeCodeLines()
    .user(`${agentId}-1`, prompt, own)
    .calls(`${agentId}-2`, `m-${agentId}`, `t-${agentId}`, 'Grep', {}, own)
    .result(`${agentId}-3`, `t-${agentId}`, 'cli.ts:5', own)
    .says(`${agentId}-4`, `m2-${agentId}`, 'cli.ts', own);
};

const ownFile = (agentId: string, lines = agentLines(agentId)): TranscriptFile =>
  lines.file(`p/${SESSION}/subagents/agent-${agentId}.jsonl`);

const mainFile = (lines: ClaudeCodeLines): TranscriptFile => lines.file(`p/${SESSION}.jsonl`);

/** A progress line of the main file that repeats a sub-agent's line. */
const progress = (
  lines: ClaudeCodeLines,
  uuid: string,
  agentId: string,
  message: string,
  call = 't1',
): ClaudeCodeLines =>
  lines.add('progress', uuid, {
    parentToolUseID: call,
    data: { type: 'agent_progress', agentId, message: JSON.parse(message) as unknown },
  });

const tree = (transcript: Transcript): unknown[] =>
  transcript.sessions.map(({ sessionId, parent, title }) => [
    sessionId,
    parent?.sessionId,
    parent?.toolCallId,
    title,
  ]);

describe('sub-agents', () => {
  test('in files of their own are sessions of the main one, told by the result that names them', () => {
    const transcript = transcriptOf(mainFile(answered(main())), ownFile('aaa'));
    expect(tree(transcript)).toEqual([
      [SESSION, undefined, undefined, 'what prints?'],
      ['aaa', SESSION, 't1', 'Find printers'],
    ]);
    const [, agent] = transcript.sessions;
    expect(agent?.entries.map((entry) => entry.sourceId)).toEqual(['aaa-1', 'aaa-2', 'aaa-3', 'aaa-4']);
    expect(agent?.file).toBe(`p/${SESSION}/subagents/agent-aaa.jsonl`);
    expect(unaccountedLines(transcript.report)).toBe(0);
  });

  test('no person wrote their prompts', () => {
    const [, agent] = transcriptOf(mainFile(main()), ownFile('aaa')).sessions;
    expect(agent && messagesOf(agent)[0]).not.toHaveProperty('origin');
  });

  test('are told by their prompt when no result names them, each call once', () => {
    const transcript = transcriptOf(
      mainFile(main()),
      ownFile('bbb', agentLines('bbb', 'and others')),
      ownFile('ccc', agentLines('ccc', 'and others')),
      ownFile('aaa'),
    );
    expect(tree(transcript).slice(1)).toEqual([
      ['bbb', SESSION, 't2', 'Find others'],
      ['ccc', SESSION, undefined, 'and others'],
      ['aaa', SESSION, 't1', 'Find printers'],
    ]);
  });

  test('beside the session, as older versions wrote them', () => {
    const transcript = transcriptOf(mainFile(answered(main())), agentLines('aaa').file('p/agent-aaa.jsonl'));
    expect(tree(transcript).slice(1)).toEqual([['aaa', SESSION, 't1', 'Find printers']]);
  });

  test('are named by their meta file', () => {
    const meta = fileOf(`p/${SESSION}/subagents/agent-aaa.meta.json`, '{"description":"A look around"}');
    expect(tree(transcriptOf(mainFile(main()), ownFile('aaa'), meta))[1]).toContain('A look around');
    const broken = fileOf(meta.name, '{');
    expect(tree(transcriptOf(mainFile(main()), ownFile('aaa'), broken))[1]).toContain('Find printers');
  });

  test('progress lines of the main file make one when it has no file', () => {
    const lines = main();
    for (const [index, line] of agentLines('aaa').lines.entries()) progress(lines, `p${index}`, 'aaa', line);
    const transcript = transcriptOf(mainFile(answered(lines)));
    expect(tree(transcript).slice(1)).toEqual([['aaa', SESSION, 't1', 'Find printers']]);
    const [, agent] = transcript.sessions;
    expect(agent?.entries.map((entry) => entry.sourceId)).toEqual(['aaa-1', 'aaa-2', 'aaa-3', 'aaa-4']);
    expect(transcript.report.imported).toBe(8);
  });

  test('and are not counted twice when it has one', () => {
    const lines = main();
    for (const [index, line] of agentLines('aaa').lines.entries()) progress(lines, `p${index}`, 'aaa', line);
    const transcript = transcriptOf(mainFile(answered(lines)), ownFile('aaa'));
    expect(transcript.sessions).toHaveLength(2);
    expect(transcript.sessions[1]?.entries).toHaveLength(4);
    expect(transcript.report.skipped).toEqual({ agent_progress_in_own_file: 4 });
    expect(unaccountedLines(transcript.report)).toBe(0);
  });

  test('what hangs under progress lines hangs under the main conversation', () => {
    const lines = progress(main(), 'p1', 'aaa', '{"type":"user","uuid":"x","message":{"content":"go"}}');
    lines.user('u2', 'stop').user('u3', 'other', { parentUuid: 'a2' });
    const [rewind] = mainSession(transcriptOf(mainFile(lines))).entries.filter(
      (entry) => entry.kind === 'rewind',
    );
    expect(rewind).toMatchObject({ keepUpTo: 'a1' });
  });

  test('side chains in the main file are sessions too', () => {
    const side = { isSidechain: true };
    const lines = main()
      .user('s1', PROMPT, { ...side, parentUuid: null })
      .says('s2', 'ms1', 'cli.ts', side)
      .user('s3', 'and others', { ...side, parentUuid: null })
      .says('s4', 'ms2', 'none', side)
      .result('r1', 't1', 'cli.ts', { parentUuid: 'a1' });
    const transcript = transcriptOf(mainFile(lines));
    expect(tree(transcript).slice(1)).toEqual([
      ['sidechain-s1', SESSION, 't1', 'Find printers'],
      ['sidechain-s3', SESSION, 't2', 'Find others'],
    ]);
    expect(resultsOf(mainSession(transcript))).toHaveLength(1);
    expect(transcript.sessions[1]?.entries.map((entry) => entry.sourceId)).toEqual(['s1', 's2']);
  });

  test('of sub-agents come after their parent', () => {
    const own = { agentId: 'aaa', isSidechain: true };
    const parent = new ClaudeCodeLines()
      .user('aaa-1', PROMPT, own)
      .calls('aaa-2', 'm-aaa', 't-inner', 'Task', { description: 'Deeper', prompt: 'deeper' }, own)
      .result('aaa-3', 't-inner', 'found', { ...own, toolUseResult: { agentId: '000' } });
    const transcript = transcriptOf(
      mainFile(answered(main())),
      ownFile('000', agentLines('000', 'deeper')),
      ownFile('aaa', parent),
    );
    expect(tree(transcript).slice(1)).toEqual([
      ['aaa', SESSION, 't1', 'Find printers'],
      ['000', 'aaa', 't-inner', 'Deeper'],
    ]);
  });

  test('that claim to have started each other belong to the main session', () => {
    const claims = (own: string, other: string): ClaudeCodeLines =>
      new ClaudeCodeLines()
        .user(`${own}-1`, 'go', { agentId: own, isSidechain: true })
        .result(`${own}-2`, `t-${own}`, 'x', {
          agentId: own,
          isSidechain: true,
          toolUseResult: { agentId: other },
        });
    const transcript = transcriptOf(
      mainFile(main()),
      ownFile('aaa', claims('aaa', 'bbb')),
      ownFile('bbb', claims('bbb', 'aaa')),
    );
    expect(transcript.sessions.map(({ parent }) => parent?.sessionId)).toEqual([undefined, SESSION, 'aaa']);
  });

  test('that were forked from the main conversation leave its lines to it', () => {
    const fork = agentLines('aaa');
    fork.lines.unshift(
      ...main().lines.map((line) =>
        line.replace('"isSidechain":false', '"isSidechain":true,"agentId":"aaa"'),
      ),
    );
    const transcript = transcriptOf(mainFile(main()), ownFile('aaa', fork));
    expect(transcript.report.skipped).toEqual({ copied_from_main_session: 3 });
    expect(transcript.sessions[1]?.entries).toHaveLength(4);
  });

  test('without their main session are still read, and name it', () => {
    const transcript = transcriptOf(ownFile('aaa'), ownFile('bbb'));
    expect(transcript.sessions.map(({ sessionId, parent }) => [sessionId, parent?.sessionId])).toEqual([
      ['aaa', SESSION],
      ['bbb', SESSION],
    ]);
    expect(transcript.report.notes).toMatchObject({ main_session_missing: 1 });
  });

  test('of a saved stream of events are told by the call', () => {
    const stream = [
      { type: 'system', subtype: 'init', session_id: 's1', uuid: 'i1', model: 'claude-opus-4-6', cwd: '/w' },
      {
        type: 'assistant',
        session_id: 's1',
        uuid: 'a1',
        parent_tool_use_id: null,
        message: {
          id: 'm1',
          content: [{ type: 'tool_use', id: 't1', name: 'Task', input: { description: 'Look' } }],
        },
      },
      { type: 'user', session_id: 's1', uuid: 'u1', parent_tool_use_id: 't1', message: { content: 'look' } },
      { type: 'result', subtype: 'success', session_id: 's1', uuid: 'e1', total_cost_usd: 0.01 },
    ];
    const transcript = transcriptOf(
      fileOf('out.jsonl', stream.map((line) => JSON.stringify(line)).join('\n')),
    );
    expect(tree(transcript)).toEqual([
      ['s1', undefined, undefined, 's1'],
      ['of-t1', 's1', 't1', 'Look'],
    ]);
  });
});

test('outputs that were too big for their line are read from their file', () => {
  const preview =
    '<persisted-output>\nOutput too large (40KB). Full output saved to: /x/tool-results/t1.txt\n\nPreview:\nab\n</persisted-output>';
  const lines = claudeCode().user('u1', 'run').calls('a1', 'm1', 't1', 'Bash').result('r1', 't1', preview);
  const whole = fileOf(`p/${SESSION}/tool-results/t1.txt`, 'abc\n');
  const transcript = transcriptOf(mainFile(lines), whole);
  expect(resultsOf(mainSession(transcript))[0]?.content).toBe('abc\n');
  expect(transcript.report.notes).toEqual({ output_read_from_its_file: 1 });
  expect(resultsOf(mainSession(transcriptOf(mainFile(lines))))[0]?.content).toBe(preview);
});
