import {
  claudeCode,
  mainSession,
  messagesOf,
  rewindsOf,
  transcriptOf,
  unaccountedLines,
} from './spec-lines.js';
import type { ClaudeCodeLines } from './spec-lines.js';
import type { TranscriptSession } from './transcript.js';

const session = (lines: ClaudeCodeLines): TranscriptSession => mainSession(transcriptOf(lines.file()));

const asked = (): ClaudeCodeLines => claudeCode().user('u1', 'add a test');

describe('rewinds', () => {
  const twoTurns = (): ClaudeCodeLines =>
    asked()
      .says('a1', 'm1', 'added')
      .add('system', 's1', { subtype: 'turn_duration', durationMs: 1 })
      .user('u2', 'in red')
      .says('a2', 'm2', 'red now');

  test('a second prompt under the same answer goes back to it', () => {
    const lines = twoTurns().user('u3', 'in blue', { parentUuid: 'a1' }).says('a3', 'm3', 'blue now');
    const found = session(lines);
    expect(rewindsOf(found)).toMatchObject([{ sourceId: 'rewind-u3', keepUpTo: 'a1', line: 6 }]);
    expect(found.entries.map((entry) => entry.sourceId).slice(-3)).toEqual(['rewind-u3', 'u3', 'a3']);
  });

  test('also through lines that are no messages, and again and again', () => {
    const lines = twoTurns()
      .user('u3', 'in blue', { parentUuid: 's1' })
      .user('u4', 'in green', { parentUuid: 's1' });
    expect(rewindsOf(session(lines)).map(({ keepUpTo }) => keepUpTo)).toEqual(['a1', 'a1']);
  });

  test('to a tool result', () => {
    const lines = asked()
      .calls('a1', 'm1', 't1', 'Read')
      .result('r1', 't1', 'text')
      .user('u2', 'stop')
      .user('u3', 'go on', { parentUuid: 'r1' });
    expect(rewindsOf(session(lines))).toMatchObject([{ keepUpTo: 'r1' }]);
  });

  test('over to the end of a branch that was left, and back again', () => {
    const lines = twoTurns()
      .user('u3', 'in blue', { parentUuid: 'a1' })
      .says('a3', 'm3', 'blue now')
      .user('u4', 'darker', { parentUuid: 'a2' })
      .says('a4', 'm4', 'dark red now')
      .user('u5', 'lighter', { parentUuid: 'a3' })
      .says('a5', 'm5', 'light blue now')
      .user('u6', 'thanks');
    expect(rewindsOf(session(lines))).toMatchObject([
      { sourceId: 'rewind-u3', keepUpTo: 'a1' },
      { sourceId: 'rewind-u4', keepUpTo: 'a2' },
      { sourceId: 'rewind-u5', keepUpTo: 'a3' },
    ]);
  });

  test('to the beginning', () => {
    expect(rewindsOf(session(twoTurns().user('u3', 'anew', { parentUuid: null })))).toMatchObject([
      { keepUpTo: null },
    ]);
  });

  test('parallel calls, commands, plans with a context of their own and orphans are none', () => {
    const lines = twoTurns()
      .calls('a3', 'm3', 't1', 'Read')
      .calls('a4', 'm3', 't2', 'Read')
      .result('r1', 't1', 'one', { parentUuid: 'a3' })
      .result('r2', 't2', 'two', { parentUuid: 'a4' })
      .user('c1', '<command-name>/cost</command-name>', { parentUuid: 'a1' })
      .user('u3', 'Implement the following plan', { parentUuid: null, planContent: 'the plan' })
      .user('u4', 'lost', { parentUuid: 'nowhere' });
    expect(rewindsOf(session(lines))).toEqual([]);
  });

  test('after a compaction the conversation hangs on', () => {
    const lines = twoTurns()
      .add('system', 'b1', {
        subtype: 'compact_boundary',
        parentUuid: null,
        logicalParentUuid: 'a2',
        content: 'Compacted',
      })
      .user('c1', 'This session is being continued from a previous conversation', { isCompactSummary: true })
      .user('u3', 'next')
      .user('u4', 'another', { parentUuid: 'a2' });
    const found = session(lines);
    expect(messagesOf(found).map(({ origin }) => origin)).toEqual([
      'human',
      undefined,
      'human',
      undefined,
      'notice',
      'compaction',
      'human',
      'human',
    ]);
    expect(rewindsOf(found)).toEqual([]);
  });

  test('behind a compaction is one too', () => {
    const boundary = {
      subtype: 'compact_boundary',
      parentUuid: null,
      logicalParentUuid: 'a2',
      content: 'Compacted',
    };
    const lines = twoTurns()
      .add('system', 'b1', boundary)
      .user('u3', 'next')
      .user('u4', 'another', { parentUuid: 'a2' });
    expect(rewindsOf(session(lines))).toMatchObject([{ keepUpTo: 'a2' }]);
  });

  test('a compaction whose beginning is in another file hangs under the line before it', () => {
    const boundary = { subtype: 'compact_boundary', parentUuid: null, logicalParentUuid: 'elsewhere' };
    const { report, sessions } = transcriptOf(
      twoTurns().add('system', 'b1', boundary).user('u3', 'next').file(),
    );
    expect(report.notes).toEqual({});
    expect(sessions[0] && rewindsOf(sessions[0])).toEqual([]);
  });
});

describe('repeated history', () => {
  test('is counted once, and what follows hangs under the first', () => {
    const lines = claudeCode()
      .user('u1', [
        { type: 'text', text: '<ide_opened_file>a</ide_opened_file>' },
        { type: 'text', text: 'read it' },
      ])
      .calls('a1', 'm1', 't1', 'Read')
      .result('r1', 't1', 'text')
      .says('a2', 'm2', 'it says text');
    const records = lines.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const [user, ...others] = records;
    const again = [
      {
        ...user,
        uuid: 'x1',
        message: { content: [{ type: 'text', text: '<ide_opened_file>a</ide_opened_file>' }] },
      },
      { ...user, uuid: 'x2', parentUuid: 'x1', message: { content: [{ type: 'text', text: 'read it' }] } },
      ...others.map((record, index) => ({ ...record, uuid: `x${index + 3}`, parentUuid: `x${index + 2}` })),
    ];
    for (const record of again) lines.text(JSON.stringify(record));
    lines.user('u2', 'thanks', { parentUuid: 'x5' }).user('u3', 'again', { parentUuid: 'a2' });
    const transcript = transcriptOf(lines.file());
    const found = mainSession(transcript);
    expect(transcript.report.skipped).toEqual({ repeated: 5 });
    expect(found.entries.map((entry) => entry.sourceId)).toEqual([
      'u1',
      'a1',
      'r1',
      'a2',
      'u2',
      'rewind-u3',
      'u3',
    ]);
    expect(rewindsOf(found)).toMatchObject([{ keepUpTo: 'a2' }]);
    expect(unaccountedLines(transcript.report)).toBe(0);
  });

  test('another result of the same call is kept as it is', () => {
    const lines = asked().calls('a1', 'm1', 't1', 'Read').result('r1', 't1', 'one').result('r2', 't1', 'two');
    const { report, sessions } = transcriptOf(lines.file());
    expect(report.raw).toEqual({ 'user: another result of the same call': 1 });
    expect(sessions[0]?.entries.at(-1)).toMatchObject({ kind: 'raw', sourceId: 'r2' });
  });
});
