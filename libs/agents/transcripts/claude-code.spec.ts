import { claudeCode, mainSession, messagesOf, resultsOf, transcriptOf } from './spec-lines.js';
import type { ClaudeCodeLines } from './spec-lines.js';
import type { TranscriptSession } from './transcript.js';

const session = (lines: ClaudeCodeLines): TranscriptSession => mainSession(transcriptOf(lines.file()));

/** What was said, who said it and under which id. */
const said = (lines: ClaudeCodeLines): unknown[] =>
  messagesOf(session(lines)).map(({ sourceId, role, content }) => [sourceId, role, content]);

const asked = (): ClaudeCodeLines => claudeCode().user('u1', 'add a test');

describe('messages', () => {
  test('the lines of one message id are one message, in the place of the first', () => {
    const lines = asked()
      .assistant('a1', 'm1', { type: 'thinking', thinking: 'first think' }, {}, 2)
      .says('a2', 'm1', 'one')
      .says('a3', 'm1', 'two')
      .calls('a4', 'm1', 't1', 'Read', { file_path: '/w/a' })
      .assistant('a5', 'm1', { type: 'tool_use', id: 't2', name: 'Read', input: {} }, {}, 90);
    const [, message] = messagesOf(session(lines));
    expect(message).toMatchObject({
      sourceId: 'a1',
      line: 2,
      role: 'assistant',
      content: 'one\n\ntwo',
      thinking: 'first think',
      model: 'claude-opus-4-6',
      toolCalls: [
        { id: 't1', name: 'Read', input: { file_path: '/w/a' } },
        { id: 't2', name: 'Read', input: {} },
      ],
    });
  });

  test('tokens are those of the last line, not a sum', () => {
    const lines = asked()
      .assistant('a1', 'm1', { type: 'text', text: 'x' }, {}, 2)
      .assistant('a2', 'm1', { type: 'text', text: 'y' }, {}, 90);
    expect(messagesOf(session(lines))[1]?.usage).toEqual({
      input: 7,
      output: 90,
      cacheRead: 50,
      cacheWrite: 3,
    });
  });

  test('a line that comes after results still joins its message', () => {
    const lines = asked().calls('a1', 'm1', 't1', 'Read').result('r1', 't1', 'text').says('a2', 'm1', 'late');
    const { entries } = session(lines);
    expect(entries.map((entry) => entry.sourceId)).toEqual(['u1', 'a1', 'r1']);
    expect(entries[1]).toMatchObject({ content: 'late', toolCalls: [{ id: 't1' }] });
  });

  test('blocks of white space are no content', () => {
    expect(said(asked().says('a1', 'm1', '\n\n').says('a2', 'm1', 'done'))).toContainEqual([
      'a1',
      'assistant',
      'done',
    ]);
  });

  test('what the model did not say is no answer of it', () => {
    const error = {
      message: { id: 'm1', model: '<synthetic>', content: [{ type: 'text', text: 'API Error' }] },
    };
    const lines = asked()
      .add('assistant', 'a1', { ...error, isApiErrorMessage: true })
      .add('assistant', 'a2', { message: { ...error.message, id: 'm2' } });
    const [, one, other] = messagesOf(session(lines));
    expect(one).toMatchObject({ origin: 'error' });
    expect(other).toMatchObject({ origin: 'notice' });
    expect(one).not.toHaveProperty('model');
    expect(one).not.toHaveProperty('usage');
  });

  test('who wrote what stands in the user’s place', () => {
    const lines = asked()
      .user('u2', '<command-name>/clear</command-name>')
      .user('u3', [{ type: 'text', text: '[Request interrupted by user]' }])
      .user('u4', [{ type: 'text', text: 'Base directory for this skill' }], { isMeta: true })
      .user('u5', [
        { type: 'text', text: '<ide_opened_file>a.ts</ide_opened_file>' },
        { type: 'text', text: 'commit!' },
      ])
      .user('u6', 'a summary', { isCompactSummary: true })
      .user('u7', 'the task is done', { origin: { kind: 'task-notification' } });
    const origins = messagesOf(session(lines)).map(({ origin }) => origin);
    expect(origins).toEqual(['human', 'meta', 'meta', 'meta', 'human', 'compaction', 'meta']);
  });

  test('a message sent while the agent worked is one, however often it was recorded', () => {
    const attachment = {
      attachment: { type: 'queued_command', prompt: 'also the docs', commandMode: 'prompt' },
    };
    const removed = { operation: 'remove', reason: 'absorbed_mid_turn', content: 'also the docs' };
    const lines = asked()
      .add('attachment', 'q1', attachment)
      .add('queue-operation', 'q2', removed)
      .add('queue-operation', 'q3', { ...removed, content: 'and the changelog' })
      .add('attachment', 'q4', { attachment: { ...attachment.attachment, prompt: 'and the changelog' } })
      .add('attachment', 'q5', {
        attachment: { type: 'queued_command', prompt: 'done', commandMode: 'task-notification' },
      });
    expect(said(lines).slice(1)).toEqual([
      ['q1', 'user', 'also the docs'],
      ['q3', 'user', 'and the changelog'],
      ['q5', 'user', 'done'],
    ]);
    expect(messagesOf(session(lines)).map(({ origin }) => origin)).toEqual([
      'human',
      'human',
      'human',
      'meta',
    ]);
  });

  test('pictures are bytes', () => {
    const data = Buffer.from('picture').toString('base64');
    const source = { type: 'base64', media_type: 'image/png', data };
    const lines = claudeCode().user('u1', [
      { type: 'text', text: 'see' },
      { type: 'image', source },
    ]);
    const [message] = messagesOf(session(lines));
    expect(
      message?.images?.map(({ mediaType, bytes }) => [mediaType, Buffer.from(bytes).toString()]),
    ).toEqual([['image/png', 'picture']]);
  });

  test('a block of a kind that is not known is kept as its JSON', () => {
    const transcript = transcriptOf(
      asked().assistant('a1', 'm1', { type: 'hologram', shape: 'cube' }).file(),
    );
    expect(messagesOf(mainSession(transcript))[1]?.content).toBe('{"type":"hologram","shape":"cube"}');
    expect(transcript.report.notes).toMatchObject({ unknown_block: 1 });
  });
});

describe('results', () => {
  test('are told by their call', () => {
    const toolUseResult = {
      type: 'create',
      filePath: '/w/a',
      content: 'x\n',
      structuredPatch: [],
      originalFile: null,
    };
    const lines = asked()
      .calls('a1', 'm1', 't1', 'Write', { file_path: '/w/a', content: 'x\n' })
      .result('r1', 't1', 'File created successfully at: /w/a', { toolUseResult });
    expect(resultsOf(session(lines))).toMatchObject([
      {
        sourceId: 'r1',
        toolCallId: 't1',
        toolName: 'Write',
        isError: false,
        files: [{ path: '/w/a', action: 'A', linesAdded: 1, linesRemoved: 0 }],
      },
    ]);
  });

  test('without a structured form the call tells the files', () => {
    const lines = asked()
      .calls('a1', 'm1', 't1', 'Edit', { file_path: '/w/a', old_string: 'a', new_string: 'b' })
      .result('r1', 't1', 'ok');
    expect(resultsOf(session(lines))[0]?.files).toEqual([
      { path: '/w/a', action: 'M', linesAdded: 1, linesRemoved: 1 },
    ]);
  });

  test('of calls that failed change no files', () => {
    const lines = asked()
      .calls('a1', 'm1', 't1', 'Edit', { file_path: '/w/a', old_string: 'a', new_string: 'b' })
      .result('r1', 't1', 'not found', { toolUseResult: 'Error: not found' }, true);
    const [result] = resultsOf(session(lines));
    expect(result?.isError).toBe(true);
    expect(result).not.toHaveProperty('files');
  });

  test('with texts and pictures', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } };
    const content = [{ type: 'text', text: 'one' }, image, { type: 'text', text: 'two' }];
    const [result] = resultsOf(session(asked().calls('a1', 'm1', 't1', 'Read').result('r1', 't1', content)));
    expect(result?.content).toBe('one\ntwo');
    expect(result?.images).toHaveLength(1);
  });

  test('a text beside a result is a message, and no second prompt', () => {
    const lines = asked()
      .calls('a1', 'm1', 't1', 'Read')
      .user('r1', [
        { type: 'tool_result', tool_use_id: 't1', content: 'ok' },
        { type: 'text', text: 'not all at once' },
      ])
      .user('u2', 'go on', { parentUuid: 'a1' });
    const found = session(lines);
    expect(found.entries.map((entry) => [entry.sourceId, entry.kind])).toEqual([
      ['u1', 'message'],
      ['a1', 'message'],
      ['r1', 'tool_result'],
      ['r1~2', 'message'],
      ['u2', 'message'],
    ]);
  });

  test('without a call, and calls without a result, are noted', () => {
    const lines = asked().calls('a1', 'm1', 't1', 'Read').result('r1', 't9', 'late');
    const { report, sessions } = transcriptOf(lines.file());
    expect(report.notes).toEqual({ result_without_call: 1, call_without_result: 1 });
    expect(sessions[0]?.entries).toHaveLength(3);
  });

  test('before their call are told by it all the same', () => {
    const lines = asked().result('r1', 't1', 'early').calls('a1', 'm1', 't1', 'Read');
    expect(resultsOf(session(lines))[0]?.toolName).toBe('Read');
  });
});
