import type { MessagePlace } from './conversation.events.js';

/** A run of messages of one task; from and to are inclusive. */
export interface Segment {
  readonly taskId: string;
  readonly from: number;
  readonly to: number;
}

/** Number of messages that segments show. */
export const countOf = (segments: readonly Segment[]): number =>
  segments.reduce((sum, { from, to }) => sum + to - from + 1, 0);

const holds = ({ taskId, from, to }: Segment, place: MessagePlace): boolean =>
  taskId === place.taskId && from <= place.seq && place.seq <= to;

/** Whether segments show a message. */
export const shows = (segments: readonly Segment[], place: MessagePlace): boolean =>
  segments.some((segment) => holds(segment, place));

/** Number of messages shown before one; null if it is not shown. */
export function indexIn(segments: readonly Segment[], place: MessagePlace): number | null {
  let count = 0;
  for (const segment of segments) {
    if (holds(segment, place)) return count + place.seq - segment.from;
    count += segment.to - segment.from + 1;
  }
  return null;
}

/** The part up to a message (inclusive); null keeps nothing. The message must be shown. */
export function cutAfter(segments: readonly Segment[], place: MessagePlace | null): readonly Segment[] {
  if (place === null) return [];
  const end = segments.findIndex((segment) => holds(segment, place));
  return [...segments.slice(0, end), { ...segments[end]!, to: place.seq }];
}

/** The part that shows the messages number `from` to `to` (0-based, `to` exclusive). */
export function slice(segments: readonly Segment[], from: number, to: number): readonly Segment[] {
  const part: Segment[] = [];
  let before = 0;
  for (const segment of segments) {
    const length = segment.to - segment.from + 1;
    const start = Math.max(from - before, 0);
    const end = Math.min(to - before, length);
    if (start < end) part.push({ ...segment, from: segment.from + start, to: segment.from + end - 1 });
    before += length;
  }
  return part;
}
