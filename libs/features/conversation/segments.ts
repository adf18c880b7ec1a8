import type { Segment } from './conversation.events.js';

/** A place in a conversation: the message with this number of this task. */
export interface MessagePlace {
  readonly taskId: string;
  readonly seq: number;
}

/** Segments whose open end is closed after the last recorded message; empty runs fall away. */
export function closed(segments: readonly Segment[], lastSeq: number): readonly Segment[] {
  return segments
    .map((segment) => ({ ...segment, to: segment.to ?? lastSeq }))
    .filter((segment) => segment.to >= segment.from);
}

/** Number of messages that segments show. */
export const countOf = (segments: readonly Segment[], lastSeq: number): number =>
  closed(segments, lastSeq).reduce((sum, segment) => sum + (segment.to ?? 0) - segment.from + 1, 0);

/** Whether segments show a message. */
export const shows = (segments: readonly Segment[], place: MessagePlace, lastSeq: number): boolean =>
  closed(segments, lastSeq).some(
    ({ taskId, from, to }) => taskId === place.taskId && from <= place.seq && place.seq <= (to ?? 0),
  );

/** The part up to a message (inclusive), closed; null keeps nothing. The message must be shown. */
export function cutAfter(
  segments: readonly Segment[],
  place: MessagePlace | null,
  lastSeq: number,
): readonly Segment[] {
  if (place === null) return [];
  const kept: Segment[] = [];
  for (const segment of closed(segments, lastSeq)) {
    const here =
      segment.taskId === place.taskId && segment.from <= place.seq && place.seq <= (segment.to ?? 0);
    kept.push(here ? { ...segment, to: place.seq } : segment);
    if (here) return kept;
  }
  return kept;
}

/** Segments that go on with what the task records next. */
export const continued = (
  segments: readonly Segment[],
  taskId: string,
  lastSeq: number,
): readonly Segment[] => [...segments, { taskId, from: lastSeq + 1, to: null }];
