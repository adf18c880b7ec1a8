import {
  claudeCode,
  mainSession,
  transcriptOf,
  type ClaudeCodeLines,
} from '#libs/agents/transcripts/spec-lines.js';
import type { TranscriptEntry, TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import { SessionPlan } from './session-plan.js';
import { ids, Stream } from './spec-stream.js';
import type { Placed } from './transcript-view.js';

const sessionOf = (lines: ClaudeCodeLines): TranscriptSession => mainSession(transcriptOf(lines.file()));

/** A day's work: calls in parallel, a prompt taken back, a way back to a line that was left, kept lines. */
function day(): ClaudeCodeLines {
  return claudeCode()
    .user('u1', 'fix it')
    .calls('a1', 'm1', 't1', 'Read')
    .calls('a2', 'm1', 't2', 'Read')
    .result('r1', 't1', 'one')
    .result('r2', 't2', 'two')
    .says('a3', 'm2', 'first')
    .says('a4', 'm2', 'and more')
    .add('mode', 'x1', { mode: 'plan' })
    .user('u2', 'now this')
    .says('a5', 'm3', 'done')
    .user('x2', 'thanks')
    .user('u3', 'no, that', { parentUuid: 'a4' })
    .says('a6', 'm4', 'that is done')
    .user('u4', 'the former again', { parentUuid: 'a5' })
    .says('a7', 'm5', 'there you are');
}

/** The session as its file told it when it had so many lines. */
function cut(lines: ClaudeCodeLines, count: number): TranscriptSession {
  const shorter = claudeCode();
  for (const line of lines.lines.slice(0, count)) shorter.text(line);
  return sessionOf(shorter);
}

/** What people read of a stream: the messages as they are now, and what is shown. */
function reading(stream: Stream) {
  const messages = new Map<number, unknown>();
  for (const { event, id, metadata } of stream.events) {
    if (event.type === 'MessageRecorded' || event.type === 'ToolResultRecorded') {
      messages.set(event.data.seq, { id, at: metadata.occurredAt, ...event.data });
    } else if (event.type === 'MessageAmended') {
      const { kind: _kind, answeredCalls: _calls, ...data } = { answeredCalls: [], ...event.data };
      messages.set(event.data.seq, { ...(messages.get(event.data.seq) as object), ...data });
    }
  }
  const state = stream.state();
  if (state.kind === 'none') throw new Error('the stream is empty');
  const conversation = { ...state.conversation, changes: 0 };
  return { messages: [...messages], state: { ...state, conversation, version: 0 } };
}

describe('a session', () => {
  it('is recorded entry by entry, at the times and under the ids that the transcript gives', () => {
    const stream = new Stream();
    const session = sessionOf(day());
    const { counts, notes } = stream.import(session);
    expect(stream.events.map(({ event }) => event.type)).toEqual([
      'TaskCreated',
      'MessageRecorded',
      'MessageRecorded',
      'ToolResultRecorded',
      'ToolResultRecorded',
      'MessageRecorded',
      'AgentLineKept',
      'MessageRecorded',
      'MessageRecorded',
      'MessageRecorded',
      'ConversationRewound',
      'MessageRecorded',
      'MessageRecorded',
      'ConversationRewound',
      'MessageRecorded',
      'MessageRecorded',
      'TranscriptImported',
    ]);
    expect(stream.events.slice(1, -1).map(({ metadata }) => metadata.occurredAt)).toEqual(
      session.entries.map(({ occurredAt }) => occurredAt),
    );
    expect(counts).toEqual({
      messages: { total: 10, new: 10, amended: 0, known: 0, inherited: 0, notImported: 0 },
      toolResults: { total: 2, new: 2, amended: 0, known: 0, inherited: 0, notImported: 0 },
      rewinds: { total: 2, new: 2, amended: 0, known: 0, inherited: 0, notImported: 0 },
      keptLines: { total: 1, new: 1, amended: 0, known: 0, inherited: 0, notImported: 0 },
    });
    expect(notes).toEqual({});
  });

  it('shows what its transcript shows, also after a way back to a line that was left', () => {
    const stream = new Stream();
    stream.import(sessionOf(day()));
    const known = stream.known();
    const shown = ['u1', 'a1', 'r1', 'r2', 'a3', 'u2', 'a5', 'u4', 'a7'].map(
      (id) => known.entries.get(id)!.place.seq,
    );
    expect(wayTo(known.view.end)).toEqual(shown);
    expect(known.shownBeside).toBeNull();
  });

  it('says how it ended, and takes the status of the task from that', () => {
    const stream = new Stream();
    stream.import(sessionOf(day()));
    expect(stream.events.at(-1)!.event).toEqual({
      type: 'TranscriptImported',
      data: { name: 'fix it', status: 'completed', endedAt: '2026-01-05T10:00:14.000Z', entries: 15 },
    });
    expect(stream.state()).toMatchObject({ status: 'completed', name: 'fix it', controlVersion: 3 });
  });
});

/** Numbers of the messages that lead to one, first to last. */
function wayTo(placed: Placed | null): readonly number[] {
  return placed === null ? [] : [...wayTo(placed.before), placed.place.seq];
}

describe('importing again', () => {
  it('adds nothing', () => {
    const stream = new Stream();
    stream.import(sessionOf(day()));
    const { happenings, counts } = stream.import(sessionOf(day()));
    expect(happenings).toEqual([]);
    expect(counts.messages).toEqual({
      total: 10,
      new: 0,
      amended: 0,
      known: 10,
      inherited: 0,
      notImported: 0,
    });
    expect(counts.rewinds).toMatchObject({ new: 0, known: 2 });
  });

  it('counts as new what the same import has recorded before', () => {
    const stream = new Stream();
    stream.import(sessionOf(day()));
    const recorded = new Set(stream.events.map(({ id }) => id));
    const plan = new SessionPlan(sessionOf(day()), stream.known(), ids, null, recorded);
    expect(plan.next()).toEqual([]);
    expect(Object.values(plan.counts).map(({ total, new: fresh }) => total - fresh)).toEqual([0, 0, 0, 0]);
  });

  it('gives the same in whatever pieces a file arrives', () => {
    const whole = new Stream();
    whole.import(sessionOf(day()));
    const lines = day();
    for (let first = 1; first < lines.lines.length; first += 1) {
      for (let second = first; second < lines.lines.length; second += 1) {
        const pieces = new Stream();
        for (const count of [first, second, lines.lines.length]) pieces.import(cut(lines, count));
        expect(reading(pieces)).toEqual(reading(whole));
      }
    }
  });

  it('adds nothing of an earlier copy of the file, and takes nothing back', () => {
    const lines = day();
    for (let count = 1; count < lines.lines.length; count += 1) {
      const stream = new Stream();
      stream.import(sessionOf(lines));
      expect(stream.import(cut(lines, count)).happenings).toEqual([]);
    }
  });

  it('takes over how a message went on, once', () => {
    const stream = new Stream();
    stream.import(cut(day(), 6));
    const { counts } = stream.import(cut(day(), 7));
    expect(counts.messages).toMatchObject({ new: 0, amended: 1, known: 2 });
    expect(stream.events.filter(({ event }) => event.type === 'MessageAmended')).toHaveLength(1);
    expect(stream.events.at(-1)!.event).toMatchObject({ data: { seq: 5, content: 'first\n\nand more' } });
  });

  it('leaves calls answered when their message goes on', () => {
    const started = claudeCode().user('u1', 'go').calls('a1', 'm1', 't1', 'Read').result('r1', 't1', 'one');
    const stream = new Stream();
    stream.import(sessionOf(started));
    stream.import(sessionOf(started.calls('a2', 'm1', 't2', 'Write')));
    expect(stream.state()).toMatchObject({ conversation: { openCalls: { t2: { seq: 2, name: 'Write' } } } });
    expect(
      Object.keys((stream.state() as { conversation: { openCalls: object } }).conversation.openCalls),
    ).toEqual(['t2']);
  });

  it('tells which files a result changed when that is known only later', () => {
    const before = sessionOf(
      claudeCode().user('u1', 'go').calls('a1', 'm1', 't1', 'apply').result('r1', 't1', 'ok'),
    );
    const files = [{ path: 'a.ts', action: 'M' }] as const;
    const entries = before.entries.map((entry): TranscriptEntry =>
      entry.kind === 'tool_result' ? { ...entry, files } : entry,
    );
    const stream = new Stream();
    stream.import(before);
    stream.import({ ...before, entries });
    stream.import({ ...before, entries });
    expect(stream.events.slice(-2).map(({ event }) => event)).toMatchObject([
      { type: 'MessageAmended', data: { kind: 'tool_result', seq: 3, files } },
      { type: 'TaskFilesChanged', data: { files } },
    ]);
  });

  it('takes over what says less in a later copy, but not in one that goes no farther', () => {
    const lines = claudeCode().user('u1', 'go').calls('a1', 'm1', 't1', 'apply').result('r1', 't1', 'done');
    const before = sessionOf(lines);
    const later = sessionOf(lines.user('u2', 'thanks'));
    const saying = (session: TranscriptSession, content: string): TranscriptSession => ({
      ...session,
      entries: session.entries.map((entry) => (entry.kind === 'tool_result' ? { ...entry, content } : entry)),
    });
    const stream = new Stream();
    const amended = (session: TranscriptSession) => stream.import(session).counts.toolResults.amended;
    const said = () =>
      (stream.events.findLast(({ event }) => 'result' in event.data)!.event.data as { result: string })
        .result;
    expect([amended(before), amended(saying(before, 'do')), said()]).toEqual([0, 0, 'done']);
    expect([amended(saying(later, 'no')), said()]).toEqual([1, 'no']);
    expect([amended(before), said()]).toEqual([0, 'no']);
    // What it was at first, it may be again: once, however often that is imported.
    const last = sessionOf(lines.user('u3', 'bye'));
    expect([amended(last), said(), amended(last), amended(saying(later, 'no'))]).toEqual([1, 'done', 0, 0]);
  });

  it('does not touch the status of a task that somebody took up', () => {
    const stream = new Stream();
    stream.import(cut(day(), 7));
    stream.events.push({
      ...stream.events.at(-1)!,
      id: 'taken-up',
      event: {
        type: 'TaskStatusChanged',
        data: { previousStatus: 'completed', newStatus: 'running', reason: null },
      },
    });
    stream.import(sessionOf(day()));
    expect(stream.events.at(-1)!.event).toMatchObject({ type: 'TranscriptImported', data: { status: null } });
    expect(stream.state()).toMatchObject({ status: 'running' });
    expect(stream.import(sessionOf(day())).happenings).toEqual([]);
  });
});

describe('what a transcript tells wrongly', () => {
  const say = (sourceId: string): TranscriptEntry => ({
    kind: 'message',
    role: 'user',
    content: sourceId,
    sourceId,
    occurredAt: '2026-01-05T10:00:00.000Z',
    line: 1,
  });
  const back = (sourceId: string, keepUpTo: string | null): TranscriptEntry => ({
    kind: 'rewind',
    keepUpTo,
    sourceId,
    occurredAt: '2026-01-05T10:00:00.000Z',
    line: 1,
  });
  const told = (...entries: readonly TranscriptEntry[]): TranscriptSession => ({
    agent: 'gemini-cli',
    sessionId: 's',
    title: 's',
    entries,
    importedLines: 0,
  });

  it('is noted: a rewind to a message that is not there, or that is the last one', () => {
    const stream = new Stream();
    const session = told(back('b0', null), say('one'), back('b1', 'one'), back('b2', 'nowhere'), say('two'));
    const { counts, notes } = stream.import(session);
    expect(notes).toEqual({ rewind_without_effect: 2, rewind_to_unknown_message: 1 });
    expect(counts.rewinds.total).toBe(0);
    expect(wayTo(stream.known().view.end)).toEqual([1, 2]);
  });

  it('stays without effect when it is imported again, also from an earlier copy', () => {
    const stream = new Stream();
    const begun = [say('one'), back('b1', 'one')];
    stream.import(told(...begun, say('two'), back('b2', 'two'), back('b3', 'one'), say('three')));
    for (const entries of [
      [...begun, say('two'), back('b2', 'two'), back('b3', 'one'), say('three')],
      begun,
    ]) {
      const { happenings, notes } = stream.import(told(...entries));
      expect(happenings).toEqual([]);
      expect(notes['rewind_without_effect']).toBeGreaterThan(0);
    }
    expect(wayTo(stream.known().view.end)).toEqual([1, 3]);
  });

  it('goes back to the beginning where it says so', () => {
    const stream = new Stream();
    stream.import(told(say('one'), back('b', null), say('two')));
    expect(wayTo(stream.known().view.end)).toEqual([2]);
    expect(stream.import(told(say('one'), back('b', null), say('two'))).happenings).toEqual([]);
  });
});
