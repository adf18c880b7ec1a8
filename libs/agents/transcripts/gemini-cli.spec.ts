import { at, call, document, entries, gemini, HEAD, lines, user } from './spec-chats.js';
import {
  linesFile,
  mainSession,
  messagesOf,
  resultsOf,
  rewindsOf,
  transcriptOf,
  unaccountedLines,
} from './spec-lines.js';

describe.each([
  ['lines', lines],
  ['one document', document],
])('a chat in %s', (_name, read) => {
  test('has messages, thoughts, tokens, calls and results', () => {
    const transcript = read(
      user('u1', [{ text: 'add ' }, { text: 'a file' }]),
      gemini('g1', 'I add it.', {
        thoughts: [{ subject: 'Naming', description: 'a.txt will do.' }],
        tokens: { input: 100, output: 5, cached: 80, thoughts: 7, tool: 0, total: 112 },
        toolCalls: [
          call('t1', 'write_file', {
            args: { file_path: 'a.txt', content: 'x\n' },
            result: [
              {
                functionResponse: {
                  id: 't1',
                  name: 'write_file',
                  response: { output: 'Successfully created and wrote to new file: a.txt.' },
                },
              },
            ],
          }),
        ],
      }),
    );
    const session = mainSession(transcript);
    expect(session).toMatchObject({
      agent: 'gemini-cli',
      sessionId: 'chat-1',
      model: 'gemini-3-pro',
      title: 'add a file',
    });
    expect(messagesOf(session)).toMatchObject([
      { sourceId: 'u1', role: 'user', origin: 'human', content: 'add a file' },
      {
        sourceId: 'g1',
        role: 'assistant',
        content: 'I add it.',
        thinking: '**Naming** a.txt will do.',
        usage: { input: 20, output: 12, cacheRead: 80 },
        toolCalls: [{ id: 't1', name: 'write_file' }],
      },
    ]);
    expect(resultsOf(session)).toMatchObject([
      {
        sourceId: 'result-t1',
        toolName: 'write_file',
        isError: false,
        files: [{ path: 'a.txt', action: 'A', linesAdded: 1 }],
      },
    ]);
    expect(unaccountedLines(transcript.report)).toBe(0);
  });

  test('tells commands and notices from what people typed', () => {
    const transcript = read(
      user('u1', '/stats'),
      user('u2', '<session_context>today</session_context>'),
      user('u3', 'hello'),
      { id: 'i1', type: 'info', timestamp: at(3), content: 'update available' },
      { id: 'e1', type: 'error', timestamp: at(3), content: 'quota' },
    );
    expect(messagesOf(mainSession(transcript)).map(({ role, origin }) => [role, origin])).toEqual([
      ['user', 'meta'],
      ['user', 'meta'],
      ['user', 'human'],
      ['system', 'notice'],
      ['system', 'error'],
    ]);
    expect(mainSession(transcript).title).toBe('hello');
  });

  test('tells failed calls and changes from what they show', () => {
    const fileDiff = '--- a\n+++ a\n@@ -1 +1 @@\n-x\n+y\n';
    const diffStat = { model_added_lines: 3, model_removed_lines: 1, user_added_lines: 1 };
    const transcript = read(
      gemini('g1', '', {
        toolCalls: [
          call('t1', 'run_shell_command', {
            status: 'error',
            result: [{ functionResponse: { id: 't1', response: { error: 'no such command' } } }],
          }),
          call('t2', 'replace', {
            args: { file_path: 'a' },
            resultDisplay: { fileDiff, diffStat, fileName: 'a' },
          }),
          call('t3', 'replace', {
            args: { file_path: 'b' },
            resultDisplay: { fileDiff, fileName: 'b', isNewFile: true },
          }),
          call('t4', 'replace', { args: { file_path: 'c' }, status: 'cancelled', result: null }),
        ],
      }),
    );
    expect(
      resultsOf(mainSession(transcript)).map(({ content, isError, files }) => [content, isError, files]),
    ).toEqual([
      ['no such command', true, undefined],
      ['output of t2', false, [{ path: 'a', action: 'M', linesAdded: 4, linesRemoved: 1 }]],
      ['output of t3', false, [{ path: 'b', action: 'A', linesAdded: 1, linesRemoved: 1 }]],
      ['', true, undefined],
    ]);
  });

  test('keeps messages of a kind that is not known', () => {
    const { report, sessions } = read(user('u1', 'hi'), { id: 'x', type: 'hologram', content: 'cube' });
    expect(report.raw).toMatchObject({ hologram: 1 });
    expect(sessions[0]?.entries.at(-1)).toMatchObject({ kind: 'raw', lineType: 'hologram' });
  });
});

describe('the same id again', () => {
  test('replaces the message, in its place', () => {
    const transcript = lines(
      user('u1', 'go'),
      gemini('g1', 'I'),
      gemini('g1', 'I look.', {
        toolCalls: [call('t1', 'glob', { status: 'executing', result: undefined })],
      }),
      gemini('g1', 'I look.', { toolCalls: [call('t1', 'glob'), call('t2', 'glob')] }),
      gemini('g2', 'Found.'),
    );
    expect(entries(transcript).slice(1)).toEqual(['u1', 'g1', 'result-t1', 'result-t2', 'g2']);
    const [, message] = messagesOf(mainSession(transcript));
    expect(message).toMatchObject({ content: 'I look.', line: 3, toolCalls: [{ id: 't1' }, { id: 't2' }] });
    expect(transcript.report.imported).toBe(5);
  });

  test('an answer that a message of its own repeats is one', () => {
    const answer = { functionResponse: { id: 't1', name: 'glob', response: { output: 'again' } } };
    const transcript = lines(
      gemini('g1', '', { toolCalls: [call('t1', 'glob')] }),
      user('u1', [answer]),
      user('u2', [{ functionResponse: { id: 't9', response: { output: 'only here' } } }]),
    );
    expect(resultsOf(mainSession(transcript)).map(({ content }) => content)).toEqual([
      'output of t1',
      'only here',
    ]);
    expect(messagesOf(mainSession(transcript)).map(({ origin }) => origin)).toEqual([
      undefined,
      'meta',
      'meta',
    ]);
  });
});

test('a summary in place of the oldest messages hides nothing, and cut outputs replace no whole ones', () => {
  const known = gemini('g2', 'second', { toolCalls: [call('t1', 'glob')] });
  const masked = gemini('g2', 'second', {
    toolCalls: [call('t1', 'glob', { result: [{ text: 'masked' }] })],
  });
  const transcript = lines(user('u1', 'one'), gemini('g1', 'first'), known, {
    $set: { messages: [user('s1', 'a summary'), masked] },
  });
  const session = mainSession(transcript);
  expect(messagesOf(session).map(({ content, origin }) => [content, origin])).toEqual([
    ['one', 'human'],
    ['first', undefined],
    ['second', undefined],
    ['a summary', 'compaction'],
  ]);
  expect(resultsOf(session).map(({ content }) => content)).toEqual(['output of t1']);
  expect(rewindsOf(session)).toEqual([]);
  expect(transcript.report.notes).toEqual({ history_summarised: 1 });
});

test('metadata names the chat; ticks of it are skipped', () => {
  const transcript = lines(
    user('u1', 'hi'),
    { $set: { lastUpdated: at(9) } },
    { $set: { summary: 'A greeting', directories: ['/w'] } },
  );
  expect(mainSession(transcript)).toMatchObject({ title: 'A greeting', cwd: '/w', endedAt: at(9) });
  expect(transcript.report).toMatchObject({ skipped: { lastUpdated: 1 }, raw: { metadata: 1, $set: 1 } });
});

test('sub-agents are sessions of the chat whose folder they are in', () => {
  const main = linesFile('chats/session-1.jsonl', [
    HEAD,
    gemini('g1', '', { toolCalls: [call('t1', 'investigate', { agentId: 'agent-1' })] }),
  ]);
  const agent = linesFile('chats/chat-1/agent-1.jsonl', [
    { ...HEAD, sessionId: 'agent-1', kind: 'subagent' },
    user('u1', 'look'),
  ]);
  const { sessions } = transcriptOf(agent, main);
  expect(sessions.map(({ sessionId, parent }) => [sessionId, parent])).toEqual([
    ['chat-1', undefined],
    ['agent-1', { sessionId: 'chat-1', toolCallId: 't1' }],
  ]);
  expect(transcriptOf(agent).sessions).toMatchObject([
    { sessionId: 'agent-1', parent: { sessionId: 'chat-1' } },
  ]);
});
