import {
  fileOf,
  linesFile,
  mainSession,
  messagesOf,
  resultsOf,
  rewindsOf,
  transcriptOf,
  unaccountedLines,
} from './spec-lines.js';
import type { Transcript } from './transcript.js';

type Fields = Readonly<Record<string, unknown>>;

const HEAD = { sessionId: 'chat-1', projectHash: 'abc', startTime: '2026-03-06T14:00:00.000Z', kind: 'main' };

const at = (seconds: number): string => new Date(Date.UTC(2026, 2, 6, 14, 0, seconds)).toISOString();
const user = (id: string, content: unknown, fields: Fields = {}): Fields => ({
  id,
  type: 'user',
  timestamp: at(1),
  content,
  ...fields,
});
const gemini = (id: string, content: unknown, fields: Fields = {}): Fields => ({
  id,
  type: 'gemini',
  timestamp: at(2),
  content,
  model: 'gemini-3-pro',
  ...fields,
});
const call = (id: string, name: string, fields: Fields = {}): Fields => ({
  id,
  name,
  args: {},
  status: 'success',
  timestamp: at(3),
  result: [{ functionResponse: { id, name, response: { output: `output of ${id}` } } }],
  ...fields,
});

const lines = (...records: readonly Fields[]): Transcript =>
  transcriptOf(linesFile('chats/session-1.jsonl', [HEAD, ...records]));
const document = (...messages: readonly Fields[]): Transcript =>
  transcriptOf(fileOf('chats/session-1.json', JSON.stringify({ ...HEAD, messages }, null, 2)));

const entries = (transcript: Transcript): unknown[] =>
  mainSession(transcript).entries.map((entry) =>
    entry.kind === 'rewind' ? [entry.kind, entry.keepUpTo] : entry.sourceId,
  );

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

describe('going back', () => {
  const chat = [
    user('u1', 'one'),
    gemini('g1', 'first', { toolCalls: [call('t1', 'glob')] }),
    user('u2', 'two'),
    gemini('g2', 'second'),
  ];

  test('drops the message and all after it', () => {
    expect(entries(lines(...chat, { $rewindTo: 'u2' }, user('u3', 'other'))).slice(-2)).toEqual([
      ['rewind', 'result-t1'],
      'u3',
    ]);
  });

  test('to an id that is not known drops everything', () => {
    expect(entries(lines(...chat, { $rewindTo: 'nowhere' })).at(-1)).toEqual(['rewind', null]);
    expect(entries(lines(...chat, { $rewindTo: 'u2' }, { $rewindTo: 'g2' })).at(-1)).toEqual([
      'rewind',
      null,
    ]);
  });

  test('by all messages anew, when they are fewer', () => {
    expect(entries(lines(...chat, { $set: { messages: chat.slice(0, 2) } })).at(-1)).toEqual([
      'rewind',
      'result-t1',
    ]);
  });

  test('of an empty chat is kept as it is', () => {
    expect(lines({ $rewindTo: 'x' }).report.raw).toMatchObject({ $rewindTo: 1 });
  });

  test('a message that comes again afterwards is another', () => {
    expect(entries(lines(...chat, { $rewindTo: 'g2' }, chat[3] ?? {})).slice(-2)).toEqual([
      ['rewind', 'u2'],
      'g2~2',
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
  expect(mainSession(transcript)).toMatchObject({ title: 'A greeting', cwd: '/w' });
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
