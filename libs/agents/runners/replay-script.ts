import type { Transcript, TranscriptEntry, TranscriptSession } from '../transcripts/transcript.js';

/** One thing that a recording tells, in the order in which it is played. */
export interface ReplayStep {
  readonly session: TranscriptSession;
  readonly entry: TranscriptEntry;
  /** In a sub-agent: the call of the main conversation, or of its parent, that started it. */
  readonly parentCallId?: string;
}

/** A session with its sub-agents, each where the call stands that started it; those whose call is not known come last. */
export function stepsOf(transcript: Transcript, main: TranscriptSession): readonly ReplayStep[] {
  const waiting = new Set(transcript.sessions.filter((session) => session.parent && session !== main));
  const play = (session: TranscriptSession, parentCallId?: string): ReplayStep[] =>
    session.entries.flatMap((entry) => [
      { session, entry, ...(parentCallId !== undefined && { parentCallId }) },
      ...startedBy(entry).flatMap(([child, callId]) => play(child, callId)),
    ]);
  const startedBy = (entry: TranscriptEntry): readonly (readonly [TranscriptSession, string])[] => {
    const calls = entry.kind === 'message' ? (entry.toolCalls ?? []) : [];
    return calls.flatMap(({ id }) => {
      const started = [...waiting].filter(({ parent }) => parent?.toolCallId === id);
      started.forEach((session) => waiting.delete(session));
      return started.map((session) => [session, id] as const);
    });
  };
  const steps = play(main);
  // While it is asked for: playing one may start others.
  for (const session of waiting) {
    waiting.delete(session);
    if (isOf(session, main, transcript)) steps.push(...play(session, session.parent?.toolCallId));
  }
  return steps;
}

function isOf(session: TranscriptSession, main: TranscriptSession, { sessions }: Transcript): boolean {
  const seen = new Set<string>();
  for (let at: TranscriptSession | undefined = session; at;) {
    const parentId: string | undefined = at.parent?.sessionId;
    if (parentId === main.sessionId) return true;
    if (parentId === undefined || seen.has(parentId)) return false;
    seen.add(parentId);
    at = sessions.find(({ sessionId }) => sessionId === parentId);
  }
  return false;
}
