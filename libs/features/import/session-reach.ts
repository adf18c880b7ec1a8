import type { TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import type { KnownTask } from './known-task.js';

/**
 * How far a transcript goes, beside what was imported: one that goes less far is an earlier copy, which may lack things
 * and knows nothing better; one that goes farther knows better, also where it says less.
 */
export type Reach = 'less far' | 'as far' | 'farther';

export function reachOf({ endedAt, entries }: TranscriptSession, { imported }: KnownTask): Reach {
  if (!imported) return 'as far';
  const [before, now] = [imported.endedAt ?? '', endedAt ?? ''];
  if (now === before && entries.length === imported.entries) return 'as far';
  return now < before || (now === before && entries.length < imported.entries) ? 'less far' : 'farther';
}
