import { call, entries, gemini, lines, user } from './spec-chats.js';
import { mainSession, resultsOf, unaccountedLines } from './spec-lines.js';

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

  test('keeps results that came behind what is dropped: they are told again', () => {
    const running = call('t1', 'write_file', {
      args: { file_path: 'a' },
      status: 'executing',
      result: undefined,
    });
    const written = call('t1', 'write_file', { args: { file_path: 'a' } });
    const late = [
      user('u1', 'one'),
      gemini('g1', 'first', { toolCalls: [running] }),
      user('u2', 'two'),
      gemini('g1', 'first', { toolCalls: [written] }),
    ];
    const transcript = lines(...late, { $rewindTo: 'u2' }, user('u3', 'other'));
    expect(entries(transcript).slice(1)).toEqual([
      'u1',
      'g1',
      'u2',
      'result-t1',
      ['rewind', 'g1'],
      'result-t1~2',
      'u3',
    ]);
    const files = [{ path: 'a', action: 'M' }];
    const results = resultsOf(mainSession(transcript));
    expect(results).toMatchObject([{ files }, { files, toolCallId: 't1', content: 'output of t1' }]);
    expect(transcript.report.notes).toEqual({});
    const failed = call('t1', 'write_file', { args: { file_path: 'a' }, status: 'error' });
    const after = lines(...late, { $rewindTo: 'u2' }, gemini('g1', 'first', { toolCalls: [failed] }));
    expect(resultsOf(mainSession(after)).map(({ isError }) => isError)).toEqual([false, true]);
    expect(entries(lines(...late, { $rewindTo: 'g1' })).at(-1)).toEqual(['rewind', 'u1']);
  });

  test('time and again behind many results is bounded', () => {
    const ids = Array.from({ length: 150 }, (_, n) => n);
    const running = ids.map((n) => call(`t${n}`, 'glob', { status: 'executing', result: undefined }));
    const transcript = lines(
      user('u', 'go'),
      gemini('g', '', { toolCalls: running }),
      ...ids.map((n) => user(`u${n}`, `${n}`)),
      gemini('g', '', { toolCalls: ids.map((n) => call(`t${n}`, 'glob')) }),
      ...ids.map((n) => ({ $rewindTo: `u${149 - n}` })),
    );
    expect(resultsOf(mainSession(transcript))).toHaveLength(10_150);
    expect(transcript.report.notes).toEqual({ late_result_left_out: 150 });
    expect(unaccountedLines(transcript.report)).toBe(0);
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
