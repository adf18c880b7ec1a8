import type { TranscriptSession } from '#libs/agents/transcripts/transcript.js';

/** How a transcript leaves off: after an answer, or in the middle of something. */
export type SessionEnd = 'completed' | 'interrupted';

const BESIDE_THE_POINT = new Set<string | undefined>(['meta', 'notice', 'compaction']);

/** `completed` when the agent had the last word and called no tool with it; what machinery wrote after it does not count. */
export function endOf({ entries }: Pick<TranscriptSession, 'entries'>): SessionEnd {
  const last = entries.findLast(
    (entry) =>
      entry.kind === 'tool_result' || (entry.kind === 'message' && !BESIDE_THE_POINT.has(entry.origin)),
  );
  const isAnswer = last?.kind === 'message' && last.role === 'assistant' && last.origin === undefined;
  return isAnswer && (last.toolCalls?.length ?? 0) === 0 ? 'completed' : 'interrupted';
}
