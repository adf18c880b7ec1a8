import type { Queryable } from '#libs/database/database.js';
import { reaches, type Caller } from '#libs/http/caller.js';
import { invalid, Problem } from '#libs/http/problem.js';
import { taskOf } from '../task/task.queries.js';
import type { RewindPoint } from './conversation.events.js';
import { firstSince, messagesIn, nthLastWhole, placeOf, slice, type Shown } from './conversation.queries.js';
import type { MessagePlace } from './segments.js';

/** Where to go back to, as a caller says it: exactly one of the three. */
export interface PointWanted {
  readonly toMessageId?: string | undefined;
  readonly toTimestamp?: Date | undefined;
  readonly byMessageCount?: number | undefined;
  /** For toMessageId: whether the message itself stays (default true). */
  readonly inclusive?: boolean | undefined;
}

export interface PointFound {
  /** The last message that stays; null if none does. */
  readonly keepUpTo: MessagePlace | null;
  readonly point: RewindPoint;
}

/**
 * Finds the place that a caller means in what a conversation shows.
 * @throws Problem VALIDATION_FAILED unless exactly one point is given, MESSAGE_UNKNOWN for a message that is not there.
 */
export async function findPoint(
  db: Queryable,
  caller: Caller,
  shown: Shown,
  wanted: PointWanted,
): Promise<PointFound> {
  const { toMessageId, toTimestamp, byMessageCount } = wanted;
  const given = [toMessageId, toTimestamp, byMessageCount].filter((value) => value !== undefined);
  if (given.length !== 1) {
    throw invalid(
      ...['toMessageId', 'toTimestamp', 'byMessageCount'].map((field) => ({
        field,
        code: 'EXACTLY_ONE',
        detail: 'give exactly one of toMessageId, toTimestamp and byMessageCount',
      })),
    );
  }
  if (toMessageId !== undefined) {
    const { inclusive = true } = wanted;
    return byMessage(db, shown, await shownPlace(db, caller, shown, toMessageId), { toMessageId, inclusive });
  }
  if (toTimestamp !== undefined) {
    const first = await firstSince(db, shown.segments, toTimestamp);
    const keepUpTo = first ? before(shown, first) : lastOf(shown);
    return { keepUpTo, point: { kind: 'timestamp', value: toTimestamp.toISOString() } };
  }
  const first = await nthLastWhole(db, shown.segments, byMessageCount!);
  return {
    keepUpTo: first ? before(shown, first) : null,
    point: { kind: 'messageCount', value: String(byMessageCount) },
  };
}

async function byMessage(
  db: Queryable,
  shown: Shown,
  place: MessagePlace,
  { toMessageId, inclusive }: { readonly toMessageId: string; readonly inclusive: boolean },
): Promise<PointFound> {
  const point: RewindPoint = { kind: 'message', value: toMessageId };
  if (!inclusive) return { keepUpTo: before(shown, place), point };
  return { keepUpTo: await withResults(db, shown, place), point };
}

/** Where a message stands that the conversation shows. One that the caller does not reach is as unknown as no message. */
async function shownPlace(
  db: Queryable,
  caller: Caller,
  shown: Shown,
  messageId: string,
): Promise<MessagePlace> {
  const place = await placeOf(db, messageId, shown.segments);
  if (place && indexOf(shown, place) !== null) return place;
  const task = place && (await taskOf(db, place.taskId));
  if (task && reaches(caller, task.contractId)) {
    throw new Problem(
      'MESSAGE_NOT_SHOWN',
      'That message is not part of what the conversation shows now. Look at its branches to find it.',
    );
  }
  throw new Problem('MESSAGE_UNKNOWN', `There is no message ${messageId}. Take an id from the conversation.`);
}

/** A message that stays keeps the results of its tool calls: a call without its result would stop the agent. */
async function withResults(db: Queryable, shown: Shown, place: MessagePlace): Promise<MessagePlace> {
  const index = indexOf(shown, place)!;
  const [message] = await messagesIn(db, slice(shown.segments, index, index + 1));
  let last = place;
  if (message?.tool_calls == null) return last;
  for (const row of await messagesIn(db, slice(shown.segments, index + 1, index + 200))) {
    if (row.role !== 'tool') break;
    if (row.call_seq === place.seq) last = { taskId: row.task_id, seq: row.seq };
  }
  return last;
}

/** Number of messages shown before a place; null if it is not shown. */
export function indexOf({ segments }: Shown, { taskId, seq }: MessagePlace): number | null {
  let count = 0;
  for (const segment of segments) {
    if (segment.taskId === taskId && segment.from <= seq && seq <= (segment.to ?? 0))
      return count + seq - segment.from;
    count += (segment.to ?? 0) - segment.from + 1;
  }
  return null;
}

/** The message shown before a place; null if it is the first. */
function before(shown: Shown, place: MessagePlace): MessagePlace | null {
  const index = indexOf(shown, place);
  return index === null || index === 0 ? null : atIndex(shown, index - 1);
}

const lastOf = (shown: Shown): MessagePlace | null =>
  shown.totalCount === 0 ? null : atIndex(shown, shown.totalCount - 1);

function atIndex(shown: Shown, index: number): MessagePlace {
  const [segment] = slice(shown.segments, index, index + 1);
  return { taskId: segment!.taskId, seq: segment!.from };
}
