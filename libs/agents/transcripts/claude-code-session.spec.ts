import {
  claudeCode,
  mainSession,
  missingLines,
  SESSION,
  transcriptOf,
  unaccountedLines,
} from './spec-lines.js';
import type { ClaudeCodeLines } from './spec-lines.js';
import type { TranscriptSession } from './transcript.js';

const session = (lines: ClaudeCodeLines): TranscriptSession => mainSession(transcriptOf(lines.file()));

const asked = (): ClaudeCodeLines => claudeCode().user('u1', 'add a test');

describe('a session', () => {
  test('knows where and when it was', () => {
    const place = { cwd: '/w', gitBranch: 'main', version: '2.1.37' };
    const lines = claudeCode()
      .user('u1', 'fix it', { ...place, timestamp: '2026-01-05T10:00:09.000Z' })
      .says('a1', 'm1', 'done', { ...place, cwd: '/w/sub', timestamp: '2026-01-05T10:00:01.000Z' });
    expect(session(lines)).toMatchObject({
      agent: 'claude-code',
      file: `${SESSION}.jsonl`,
      sessionId: SESSION,
      title: 'fix it',
      cwd: '/w',
      gitBranch: 'main',
      agentVersion: '2.1.37',
      model: 'claude-opus-4-6',
      startedAt: '2026-01-05T10:00:01.000Z',
      endedAt: '2026-01-05T10:00:09.000Z',
    });
  });

  test('entries without a time have that of the line before, the first ones that of the first', () => {
    const lines = claudeCode()
      .text('{"type":"mode","mode":"plan","sessionId":"s"}')
      .user('u1', 'fix it')
      .text('{"type":"tag","tag":"x","sessionId":"s"}')
      .says('a1', 'm1', 'done');
    const { entries } = session(lines);
    const [first, second] = ['2026-01-05T10:00:00.000Z', '2026-01-05T10:00:01.000Z'];
    expect(entries.map((entry) => entry.occurredAt)).toEqual([first, first, first, second]);
  });

  test.each([
    ['a person’s title first', ['custom-title', 'summary', 'ai-title'], 'Mine'],
    ['a summary of this conversation', ['summary', 'ai-title'], 'Summed up'],
    ['the agent’s title', ['ai-title'], 'Guessed'],
    ['the first prompt', [], 'add a test'],
  ])('is called by %s', (_name, kinds, title) => {
    const titles = new Map([
      ['custom-title', { customTitle: 'Mine' }],
      ['summary', { summary: 'Summed up', leafUuid: 'u1' }],
      ['ai-title', { aiTitle: 'Guessed' }],
    ]);
    const lines = asked().text('{"type":"summary","summary":"Of another","leafUuid":"elsewhere"}');
    for (const type of kinds) lines.text(JSON.stringify({ type, ...titles.get(type) }));
    expect(session(lines).title).toBe(title);
  });

  test('is called by a command or an answer when nobody typed anything', () => {
    expect(session(claudeCode().user('u1', '<command-name>/review</command-name>')).title).toBe('/review');
    expect(session(claudeCode().says('a1', 'm1', 'I looked.')).title).toBe('I looked.');
  });

  test('a fork names its source and the line that it was copied from', () => {
    const from = (messageUuid: string): unknown => ({ forkedFrom: { sessionId: 'source', messageUuid } });
    const lines = claudeCode()
      .user('u1', 'fix it', from('o1') as Record<string, unknown>)
      .says('a1', 'm1', 'one', from('o2') as Record<string, unknown>)
      .says('a2', 'm1', 'two', from('o3') as Record<string, unknown>)
      .user('u2', 'go on');
    expect(session(lines).forkedFrom).toEqual({ sessionId: 'source', sourceId: 'o2' });
  });

  test('a resumed session that begins with lines of another names it', () => {
    const lines = claudeCode().user('u1', 'fix it', { sessionId: 'before' }).says('a1', 'm1', 'done');
    expect(session(lines)).toMatchObject({ sessionId: SESSION, forkedFrom: { sessionId: 'before' } });
  });
});

test('every line is accounted for', () => {
  const lines = asked()
    .text('')
    .text('// comment')
    .text('{broken')
    .add('progress', 'p1', { data: { type: 'bash_progress' } })
    .add('progress', 'p2', { data: { type: 'new_progress' } })
    .add('system', 's1', { subtype: 'stop_hook_summary' })
    .add('system', 's2', { subtype: 'api_error', error: {} })
    .add('attachment', 't1', { attachment: { type: 'task_reminder' } })
    .text('{"type":"file-history-snapshot","messageId":"u1","snapshot":{}}')
    .text('{"type":"weather","sky":"blue"}')
    .text('{"no":"type"}')
    .user('u2', [])
    .add('assistant', 'a1', { message: null })
    .add('user', 'u3', { message: { content: 'again' }, isReplay: true });
  const transcript = transcriptOf(lines.file());
  const { report, sessions } = transcript;
  expect(missingLines(transcript)).toEqual([0, 0]);
  expect(unaccountedLines(report)).toBe(0);
  expect(report).toMatchObject({
    lines: 15,
    imported: 2,
    blank: 1,
    skipped: { comment: 1, bash_progress: 1, replayed: 1 },
    raw: {
      'progress:new_progress': 1,
      'system:stop_hook_summary': 1,
      'attachment:task_reminder': 1,
      'file-history-snapshot': 1,
      weather: 1,
      '(no type)': 1,
      user: 1,
      assistant: 1,
    },
    invalid: [{ line: 4, file: `${SESSION}.jsonl` }],
  });
  const kept = sessions[0]?.entries.filter((entry) => entry.kind === 'raw') ?? [];
  expect(kept.map((entry) => entry.raw)).toContain('{"type":"weather","sky":"blue"}');
});
