import {
  claudeCode,
  mainSession,
  SESSION,
  transcriptOf,
  type ClaudeCodeLines,
} from '#libs/agents/transcripts/spec-lines.js';
import type { TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import { KnownTask } from './known-task.js';
import { SessionPlan } from './session-plan.js';
import { callsLeftOpen, partBefore, sharedPart, wentOnLater, type ForkSource } from './shared-part.js';
import { ImportIds } from './transcript-ids.js';

const sessionOf = (lines: ClaudeCodeLines): TranscriptSession => mainSession(transcriptOf(lines.file()));

/** The task that a session becomes. */
function taskOf(session: TranscriptSession): ForkSource {
  const ids = new ImportIds('owner', { agent: session.agent, names: [session.sessionId] });
  const known = new KnownTask(ids.taskId);
  new SessionPlan(session, known, ids, null).next();
  return {
    taskId: ids.taskId,
    version: 1,
    checkpointNumber: 0,
    entries: known.entries,
    keeps: (sourceId) => known.ids.has(ids.event(sourceId)),
  };
}

const beginning = () =>
  claudeCode()
    .user('u1', 'fix it')
    .says('a1', 'm1', 'done')
    .add('mode', 'x1', { mode: 'plan' })
    .user('u2', 'more')
    .says('a2', 'm2', 'done too');
const { taskId } = new ImportIds('owner', { agent: 'claude-code', names: [SESSION] });
const upTo = (seq: number) => ({ place: { taskId, seq }, count: seq });

describe('what a transcript shares with a task', () => {
  it('goes as far as ids and contents are the same', () => {
    const source = taskOf(sessionOf(beginning().user('u3', 'and this')));
    const shared = sharedPart(sessionOf(beginning().user('u4', 'or that')), source);
    expect(shared).toMatchObject({ last: 4, lastEntry: upTo(4) });
    expect(shared!.lastEntry.eventId).toBe(source.entries.get('a2')!.eventId);
  });

  it('ends before a message that went on in one of them', () => {
    const source = taskOf(sessionOf(beginning()));
    const shared = sharedPart(sessionOf(beginning().says('a3', 'm2', 'and more')), source);
    expect(shared).toMatchObject({ last: 3, lastEntry: upTo(3) });
  });

  it('ends before a message that does not follow upon the same one', () => {
    const source = taskOf(sessionOf(beginning()));
    const child = sessionOf(claudeCode().user('u1', 'fix it').user('u2', 'more'));
    expect(sharedPart(child, source)).toMatchObject({ last: 0, lastEntry: upTo(1) });
  });

  it('leaves those calls open that have no result in it', () => {
    const lines = () =>
      claudeCode().user('u1', 'go').calls('a1', 'm1', 't1', 'Read').result('r1', 't1', 'one');
    const child = sessionOf(lines().calls('a2', 'm2', 't2', 'Write').user('v1', 'wait'));
    const source = taskOf(sessionOf(lines().calls('a2', 'm2', 't2', 'Write').result('r2', 't2', 'two')));
    const shared = sharedPart(child, source)!;
    expect(shared.lastEntry).toMatchObject(upTo(4));
    expect(callsLeftOpen(child, shared)).toEqual([{ id: 't2', name: 'Write', taskId, seq: 4 }]);
  });

  it('is nothing when the first messages differ', () => {
    const source = taskOf(sessionOf(beginning()));
    expect(sharedPart(sessionOf(claudeCode().user('u1', 'fix that')), source)).toBeNull();
    expect(sharedPart(sessionOf(claudeCode().user('v1', 'fix it')), source)).toBeNull();
  });

  it('is found through new ids where each line names the one that it was copied from', () => {
    const from = (messageUuid: string) => ({
      sessionId: 'child',
      forkedFrom: { sessionId: SESSION, messageUuid },
    });
    const child = claudeCode()
      .user('c1', 'fix it', from('u1'))
      .says('c2', 'm1', 'done', from('a1'))
      .user('c3', 'something else', { sessionId: 'child' });
    const shared = sharedPart(sessionOf(child), taskOf(sessionOf(beginning())));
    expect(shared).toMatchObject({ last: 1, lastEntry: upTo(2) });
    expect([...shared!.entries.keys()]).toEqual(['c1', 'c2']);
  });

  it('leaves out what was taken back before the fork', () => {
    const source = taskOf(sessionOf(beginning()));
    const child = sessionOf(
      claudeCode()
        .user('u1', 'fix it')
        .says('a1', 'm1', 'done')
        .user('u2', 'more')
        .user('u5', 'another', { parentUuid: 'a1' }),
    );
    const shared = sharedPart(child, source);
    expect(shared).toMatchObject({ last: 2, lastEntry: upTo(3) });
    expect(child.entries[3]).toMatchObject({ kind: 'rewind', keepUpTo: 'a1' });
  });

  it('is found again when the source has grown since', () => {
    const child = sessionOf(beginning().user('u4', 'or that'));
    const { lastEntry, last } = sharedPart(child, taskOf(sessionOf(beginning())))!;
    const grown = taskOf(sessionOf(beginning().says('a3', 'm2', 'and more').user('u3', 'and this')));
    expect(sharedPart(child, grown)).toMatchObject({ last: 3 });
    expect(partBefore(child, grown, lastEntry.place)).toMatchObject({ last, lastEntry: upTo(4) });
  });

  it('is all that the source has, for a copy that ends before the fork', () => {
    const source = taskOf(sessionOf(beginning()));
    const short = sessionOf(claudeCode().user('u1', 'fix it').says('a1', 'm1', 'done'));
    expect(partBefore(short, source, upTo(4).place)).toMatchObject({ last: 1 });
  });
});

describe('of two with the same beginning', () => {
  const later = beginning().user('u3', 'later').add('mode', 'x', {}).add('mode', 'y', {});
  const source = (lines: ClaudeCodeLines) => taskOf(sessionOf(lines));
  const isFork = (lines: ClaudeCodeLines, of: ForkSource) => {
    const session = sessionOf(lines);
    return wentOnLater(session, sharedPart(session, of)!);
  };

  it('the one that went on later is the fork', () => {
    const first = beginning().user('u3', 'at once');
    const second = beginning().add('mode', 'x3', {}).user('u4', 'later');
    expect(isFork(second, source(first))).toBe(true);
    expect(isFork(first, source(second))).toBe(false);
  });

  it('the one that ends where they part is not', () => {
    expect(isFork(beginning(), source(later))).toBe(false);
    expect(isFork(later, source(beginning()))).toBe(true);
  });
});
