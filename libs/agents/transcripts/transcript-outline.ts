import type { Transcript } from './transcript.js';

/** What must be known of a transcript to import it at the right time: after those that it may be a fork of. */
export interface Outline {
  readonly files: readonly string[];
  readonly agent: string;
  readonly sessionId: string;
  /** ISO 8601, UTC; '' where no line has a time. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly entries: number;
  /** Of its first message, as the session has it that it was copied from. */
  readonly firstId: string | undefined;
  readonly forkedFrom: string | undefined;
}

/** Null for a transcript in which nobody says anything. */
export function outlineOf(files: readonly string[], { sessions }: Transcript): Outline | null {
  const [main] = sessions;
  if (!main || sessions.every(({ entries }) => entries.every(({ kind }) => kind === 'raw'))) return null;
  const first = main.entries.find(({ kind }) => kind === 'message' || kind === 'tool_result');
  return {
    files,
    agent: main.agent,
    sessionId: main.sessionId,
    startedAt: main.startedAt ?? '',
    endedAt: main.endedAt ?? '',
    entries: main.entries.length,
    firstId: first && (first.copiedFrom ?? first.sourceId),
    forkedFrom: main.forkedFrom?.sessionId,
  };
}
