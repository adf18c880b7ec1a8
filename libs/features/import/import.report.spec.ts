import { claudeCode, SESSION, transcriptOf } from '#libs/agents/transcripts/spec-lines.js';
import { countsLeft, linesReport } from './import.report.js';

/** A session of two lines that are one message, and a kept one; and a sub-agent of a prompt and two kept lines. */
const { sessions, report } = transcriptOf(
  claudeCode().says('a1', 'm1', 'one ').says('a2', 'm1', 'two').add('mode', 'x1', { mode: 'plan' }).file(),
  claudeCode()
    .user('s1', 'look', { isSidechain: true, agentId: 'a7' })
    .add('mode', 'x2', { mode: 'plan' })
    .add('odd', 'x3', {})
    .file(`${SESSION}/subagents/agent-a7.jsonl`),
);
const [main, agent] = sessions;

describe('the lines of an import that gave up', () => {
  it('are imported where all sessions are', () => {
    expect(linesReport(report, [], { odd: 1 })).toEqual({ ...report, notes: { odd: 1 }, notImported: 0 });
    expect(report).toMatchObject({ lines: 6, imported: 3, raw: { mode: 2, odd: 1 } });
  });

  it('are those of the sessions that it came to', () => {
    expect(linesReport(report, [agent!], {})).toMatchObject({
      lines: 6,
      imported: 2,
      raw: { mode: 1 },
      notImported: 3,
    });
    expect(linesReport(report, [agent!], {}).raw).toEqual({ mode: 1 });
    expect(linesReport(report, [main!, agent!], {})).toMatchObject({ imported: 0, raw: {}, notImported: 6 });
  });

  it('have entries that were not imported', () => {
    expect(countsLeft(agent!)).toMatchObject({
      messages: { total: 1, new: 0, notImported: 1 },
      keptLines: { total: 2, notImported: 2 },
      rewinds: { total: 0, notImported: 0 },
    });
  });
});
