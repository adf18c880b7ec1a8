import { countOf, type Segment } from '../conversation/segments.js';
import type { MessagePlace } from '../conversation/conversation.events.js';

/** What two conversations have in common from the first message on, and what each has after that. */
export interface Parted {
  /** The last message of both; null: they begin with different ones. */
  readonly last: MessagePlace | null;
  readonly commonMessages: number;
  readonly since: readonly [one: readonly Segment[], other: readonly Segment[]];
}

/** Where two conversations part. One way leads to a message, so what they have in common is the same runs of messages. */
export function partingOf(one: readonly Segment[], other: readonly Segment[]): Parted {
  const common: Segment[] = [];
  for (const [index, mine] of one.entries()) {
    const theirs = other[index];
    if (theirs?.taskId !== mine.taskId || theirs.from !== mine.from) break;
    common.push({ ...mine, to: Math.min(mine.to, theirs.to) });
    if (mine.to !== theirs.to) break;
  }
  const end = common.at(-1);
  const after = (segments: readonly Segment[]): readonly Segment[] => {
    if (!end) return segments;
    const last = segments[common.length - 1]!;
    const rest = segments.slice(common.length);
    return last.to > end.to ? [{ ...last, from: end.to + 1 }, ...rest] : rest;
  };
  return {
    last: end ? { taskId: end.taskId, seq: end.to } : null,
    commonMessages: countOf(common),
    since: [after(one), after(other)],
  };
}
