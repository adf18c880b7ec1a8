import type { Queryable } from '#libs/database/database.js';
import { unescapeJson, unescapeText } from '#libs/database/text-escape.js';
import { reaches, type Caller } from '#libs/kernel/caller.js';
import { invalid, Problem } from '#libs/kernel/problem.js';
import { taskOf } from '../task/task.queries.js';
import type { MessagePlace, RewindPoint, ToolCall } from './conversation.events.js';
import {
  callsAnsweredIn,
  firstSince,
  messagesIn,
  nthLastWhole,
  placeOf,
  type Shown,
} from './conversation.queries.js';
import { indexIn, shows, slice } from './segments.js';

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
  /** How many messages stay. */
  readonly keptMessages: number;
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
    const place = await shownPlace(db, caller, shown, toMessageId);
    const point: RewindPoint = { kind: 'message', value: toMessageId };
    if (wanted.inclusive === false) return keeping(shown, before(shown, place), point);
    return keeping(shown, before(shown, await withResults(db, shown, place)) + 1, point);
  }
  if (toTimestamp !== undefined) {
    const first = await firstSince(db, shown.segments, toTimestamp);
    const point: RewindPoint = { kind: 'timestamp', value: toTimestamp.toISOString() };
    return keeping(shown, first ? before(shown, first) : shown.totalCount, point);
  }
  const first = await nthLastWhole(db, shown.segments, byMessageCount!);
  const point: RewindPoint = { kind: 'messageCount', value: String(byMessageCount) };
  return keeping(shown, await withoutTorn(db, shown, first ? before(shown, first) : 0), point);
}

/** The point of a checkpoint: the last message before it. Where a rewind has hidden that since, the last that is shown. */
export function pointAtCheckpoint(
  shown: Shown,
  { id, taskId, seq }: { readonly id: string; readonly taskId: string; readonly seq: number },
): PointFound {
  const place = seq === 0 ? null : { taskId, seq };
  const visible = place === null || shows(shown.segments, place) ? place : lastUpTo(shown, place);
  const keptMessages = visible === null ? 0 : before(shown, visible) + 1;
  return keeping(shown, keptMessages, { kind: 'checkpoint', value: id });
}

/** The last message that is shown, up to one that is not. */
export function lastUpTo({ segments }: Shown, place: MessagePlace): MessagePlace | null {
  const upTo = segments.filter(({ taskId, from }) => taskId !== place.taskId || from <= place.seq);
  const segment = upTo.at(-1);
  if (!segment) return null;
  const { taskId, to } = segment;
  return { taskId, seq: taskId === place.taskId ? Math.min(to, place.seq) : to };
}

function keeping({ segments }: Shown, keptMessages: number, point: RewindPoint): PointFound {
  const [last] = slice(segments, keptMessages - 1, keptMessages);
  return { keepUpTo: last ? { taskId: last.taskId, seq: last.from } : null, keptMessages, point };
}

/** Number of messages shown before one that is shown. */
const before = ({ segments }: Shown, place: MessagePlace): number => indexIn(segments, place) ?? 0;

/** Where a message stands that the conversation shows. One that the caller does not reach is as unknown as no message. */
async function shownPlace(
  db: Queryable,
  caller: Caller,
  shown: Shown,
  messageId: string,
): Promise<MessagePlace> {
  const place = await placeOf(db, messageId, shown.segments);
  if (place && shows(shown.segments, place)) return place;
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
  const index = before(shown, place);
  const [message] = await messagesIn(db, slice(shown.segments, index, index + 1));
  if (message?.tool_calls == null) return place;
  const calls = new Set((unescapeJson(message.tool_calls) as readonly ToolCall[]).map(({ id }) => id));
  let last = place;
  for (let from = index + 1; ; from += PAGE) {
    const page = await messagesIn(db, slice(shown.segments, from, from + PAGE));
    for (const row of page) {
      if (row.role !== 'tool') return last;
      if (calls.has(unescapeText(row.tool_call_id ?? ''))) last = { taskId: row.task_id, seq: row.seq };
    }
    if (page.length < PAGE) return last;
  }
}

/**
 * A message and the results of its calls count as one: a message of which a result would go goes too, with what was said
 * in between.
 */
async function withoutTorn(db: Queryable, shown: Shown, kept: number): Promise<number> {
  const { segments, totalCount } = shown;
  const called = await callsAnsweredIn(db, slice(segments, kept, totalCount));
  const keptSegments = slice(segments, 0, kept);
  const torn = called.filter((call) => shows(keptSegments, call)).map((call) => before(shown, call));
  return torn.length === 0 ? kept : withoutTorn(db, shown, Math.min(...torn));
}

/** Messages that are looked at together. */
const PAGE = 200;
