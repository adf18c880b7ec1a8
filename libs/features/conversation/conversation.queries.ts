import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable } from '#libs/database/database.js';
import { sql, type Sql } from '#libs/database/sql.js';
import { escapeText, unescapeText } from '#libs/database/text-escape.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import type { MessagePlace } from './conversation.events.js';
import { allFormerAt, formerMessagesOf, placeRows, type Said } from './former-messages.queries.js';
import { messagesOfSegment, segmentRows } from './segment-rows.js';
import { countOf, shows, type Segment } from './segments.js';

/** A branch of a conversation as its row says. */
export interface BranchRow {
  readonly branch: number;
  readonly position: bigint;
  readonly previous_branch: number | null;
  readonly kind: string;
  readonly point: string | null;
  readonly reason: string | null;
  readonly actor: string;
  readonly hidden_messages: number;
  readonly undone_branch: number | null;
  /** Messages that it shows; null for the present branch. */
  readonly left_count: number | null;
  readonly created_at: Date;
}

/** What a conversation shows on one branch at one moment. */
export interface Shown {
  readonly branch: number;
  readonly segments: readonly Segment[];
  readonly totalCount: number;
}

/** A message's row. */
export interface MessageRow extends Said {
  readonly message_id: string;
  readonly position: bigint;
  /** Of a result: the message that made its call, in this task unless `call_task_id` names another one. */
  readonly call_seq: number | null;
  readonly call_task_id: string | null;
  readonly occurred_at: Date;
}

/** All branches of a task's conversation up to a position, first to last. */
export const branchesOf = (db: Queryable, taskId: string, at: bigint | null): Promise<readonly BranchRow[]> =>
  db.query<BranchRow>(sql`
    SELECT branch, position, previous_branch, kind, point, reason, actor, hidden_messages, undone_branch, created_at,
      CASE WHEN left_position <= ${at ?? Number.MAX_SAFE_INTEGER} THEN kept_messages + left_seq - from_seq + 1 END AS left_count
    FROM conversation_branches WHERE task_id = ${taskId} AND position <= ${at ?? Number.MAX_SAFE_INTEGER} ORDER BY branch`);

/** What a branch shows (null: the present one); null if there is no such task or branch. */
export async function shownBy(
  db: Queryable,
  taskId: string,
  branch: number | null,
  at: bigint | null,
): Promise<Shown | null> {
  const until = at ?? Number.MAX_SAFE_INTEGER;
  // max() is one step along the index, whatever the planner thinks of the table.
  const lastSeq =
    at === null
      ? sql`(SELECT max(m.seq) FROM messages m WHERE m.task_id = b.task_id)`
      : sql`(SELECT m.seq FROM messages m WHERE m.task_id = b.task_id AND m.position <= ${at} ORDER BY m.seq DESC LIMIT 1)`;
  const rows = await db.query<{ branch: number } & SegmentRow>(sql`
    WITH RECURSIVE tip AS (
      SELECT b.branch, b.task_id, b.from_seq, b.after_task, b.after_seq,
        coalesce(CASE WHEN b.left_position <= ${until} THEN b.left_seq END, ${lastSeq}, 0) AS to_seq
      FROM conversation_branches b
      WHERE b.task_id = ${taskId} AND b.position <= ${until} AND (${branch}::int IS NULL OR b.branch = ${branch})
      ORDER BY b.branch DESC LIMIT 1
    ), ${wayFrom(sql`SELECT 0, task_id, from_seq, to_seq, after_task, after_seq FROM tip`)}
    SELECT tip.branch, way.task_id, way.from_seq, way.to_seq FROM tip, way ORDER BY way.step DESC`);
  return rows[0] ? { branch: rows[0].branch, ...shownOf(rows) } : null;
}

/** What a conversation showed when a message was the last one; null: nothing. */
export async function shownAt(
  db: Queryable,
  place: MessagePlace | null,
): Promise<Pick<Shown, 'segments' | 'totalCount'>> {
  if (place === null) return { segments: [], totalCount: 0 };
  const start = sql`SELECT 0, NULL::uuid, 0, -1, ${place.taskId}::uuid, ${place.seq}::int`;
  return shownOf(
    await db.query<SegmentRow>(sql`
      WITH RECURSIVE ${wayFrom(start)} SELECT task_id, from_seq, to_seq FROM way ORDER BY step DESC`),
  );
}

interface SegmentRow {
  readonly task_id: string;
  readonly from_seq: number;
  readonly to_seq: number;
}

/**
 * The runs of messages that lead to where a query starts, last to first: each goes on from a message of a branch that
 * had begun before, in the same task or in the one that it is a fork of.
 */
const wayFrom = (start: Sql): Sql => sql`way (step, task_id, from_seq, to_seq, after_task, after_seq) AS (
      ${start}
      UNION ALL
      SELECT way.step + 1, b.task_id, b.from_seq, way.after_seq, b.after_task, b.after_seq
      FROM way CROSS JOIN LATERAL (
        SELECT * FROM conversation_branches b WHERE b.task_id = way.after_task AND b.from_seq <= way.after_seq
        ORDER BY b.from_seq DESC, b.branch DESC LIMIT 1
      ) b WHERE way.after_task IS NOT NULL
    )`;

function shownOf(rows: readonly SegmentRow[]): Pick<Shown, 'segments' | 'totalCount'> {
  const segments = rows
    .filter(({ from_seq, to_seq }) => to_seq >= from_seq)
    .map(({ task_id, from_seq, to_seq }) => ({ taskId: task_id, from: from_seq, to: to_seq }));
  return { segments, totalCount: countOf(segments) };
}

const MESSAGE = sql`m.task_id, m.seq, m.message_id, m.position, m.role, m.content, m.tool_calls, m.tool_call_id,
  m.tool_name, m.call_seq, m.call_task_id, m.is_error, m.token_count, m.cost_usd, m.origin, m.extra, m.has_blobs, m.occurred_at`;

/** The messages that segments show, in order. */
export async function messagesIn(
  db: Queryable,
  segments: readonly Segment[],
): Promise<readonly MessageRow[]> {
  if (segments.length === 0) return [];
  const [only] = segments;
  if (segments.length === 1) {
    return db.query<MessageRow>(sql`SELECT ${MESSAGE} FROM messages m
      WHERE m.task_id = ${only!.taskId} AND m.seq BETWEEN ${only!.from} AND ${only!.to} ORDER BY m.seq`);
  }
  return db.query<MessageRow>(sql`SELECT m.* FROM ${segmentRows(segments)}
    CROSS JOIN LATERAL (${messagesOfSegment(MESSAGE)}) m ORDER BY s.ordinal, m.seq`);
}

/** Which messages of segments call tools or answer calls, in order: without their texts, which may be long. */
export async function callsAndResultsIn(
  db: Queryable,
  segments: readonly Segment[],
): Promise<readonly Pick<MessageRow, 'task_id' | 'seq' | 'tool_calls' | 'tool_call_id'>[]> {
  if (segments.length === 0) return [];
  return db.query(sql`SELECT m.* FROM ${segmentRows(segments)}
    CROSS JOIN LATERAL (${messagesOfSegment(sql`m.task_id, m.seq, m.tool_calls, m.tool_call_id`)}) m
    WHERE m.tool_calls IS NOT NULL OR m.tool_call_id IS NOT NULL ORDER BY s.ordinal, m.seq`);
}

/** Tokens and dollars of the messages that segments show, as they stood at a position; null where no message says. */
export async function totalsOf(
  db: Queryable,
  segments: readonly Segment[],
  at: bigint | null,
): Promise<{ readonly tokens: bigint | null; readonly cost: number | null }> {
  if (segments.length === 0) return { tokens: null, cost: null };
  const messages = sql`${segmentRows(segments)}
    CROSS JOIN LATERAL (${messagesOfSegment(sql`m.task_id, m.seq, m.token_count, m.cost_usd`)}) m`;
  const [row] = await db.query<{ tokens: bigint | null; cost: number | null }>(
    at === null
      ? sql`SELECT sum(m.token_count)::bigint AS tokens, sum(m.cost_usd) AS cost FROM ${messages}`
      : sql`
    SELECT sum(CASE WHEN f.seq IS NULL THEN m.token_count ELSE f.token_count END)::bigint AS tokens,
      sum(CASE WHEN f.seq IS NULL THEN m.cost_usd ELSE f.cost_usd END) AS cost
    FROM ${messages} LEFT JOIN ${allFormerAt(at)} f ON f.task_id = m.task_id AND f.seq = m.seq`,
  );
  return row!;
}

/** The calls of some assistant messages, by `<task>/<seq>`: for results whose call is on another page. */
export async function callsOf(
  db: Queryable,
  places: readonly MessagePlace[],
  at: bigint | null,
): Promise<ReadonlyMap<string, string>> {
  if (places.length === 0) return new Map();
  const rows = await db.query<Pick<MessageRow, 'task_id' | 'seq' | 'tool_calls'>>(sql`
    SELECT m.task_id, m.seq, m.tool_calls FROM ${placeRows(places)} JOIN messages m USING (task_id, seq)`);
  const former = at === null ? null : await formerMessagesOf(db, places, at);
  return new Map(
    rows.flatMap(({ task_id, seq, tool_calls: present }) => {
      const calls = (former?.get(`${task_id}/${seq}`) ?? { tool_calls: present }).tool_calls;
      return calls === null ? [] : [[`${task_id}/${seq}`, calls] as const];
    }),
  );
}

/** Where a message stands and when it was said. */
export interface FoundMessage extends MessagePlace {
  readonly occurredAt: Date;
}

/**
 * Where a message of this id stands: one that the segments show, else any of the owner's; null if there is none. Ids
 * are unique in a task, and two tasks may have used the same one.
 */
export async function placeOf(
  db: Queryable,
  messageId: string,
  segments: readonly Segment[],
): Promise<FoundMessage | null> {
  const rows = await db.query<{ task_id: string; seq: number; occurred_at: Date }>(
    sql`SELECT task_id, seq, occurred_at FROM messages WHERE message_id = ${messageId} LIMIT 1000`,
  );
  const places = rows.map((row) => ({ taskId: row.task_id, seq: row.seq, occurredAt: row.occurred_at }));
  return places.find((place) => shows(segments, place)) ?? places[0] ?? null;
}

/** The first message that segments show with `occurredAt` ≥ a time, in the conversation's order: by halving, see LatestTimes. */
export async function firstSince(
  db: Queryable,
  segments: readonly Segment[],
  time: Date,
): Promise<MessagePlace | null> {
  const latestAt = (seq: Sql): Sql =>
    sql`CROSS JOIN LATERAL (
      SELECT latest_at FROM messages m WHERE m.task_id = s.task_id AND m.seq = ${seq} OFFSET 0) m`;
  const [row] = await db.query<{ task_id: string; seq: number }>(sql`
    WITH RECURSIVE half AS (
      (SELECT s.task_id, s.from_seq AS low, s.to_seq AS high FROM ${segmentRows(segments)} ${latestAt(sql`s.to_seq`)}
       WHERE m.latest_at >= ${time} ORDER BY s.ordinal LIMIT 1)
      UNION ALL
      SELECT s.task_id, CASE WHEN m.latest_at < ${time} THEN middle + 1 ELSE low END,
        CASE WHEN m.latest_at < ${time} THEN high ELSE middle END
      FROM half s CROSS JOIN LATERAL (SELECT (low + high) / 2 AS middle) n ${latestAt(sql`middle`)}
      WHERE low < high
    ) SELECT task_id, low AS seq FROM half WHERE low = high`);
  return row ? { taskId: row.task_id, seq: row.seq } : null;
}

/** The n-th last whole message (1: the last one); a tool result counts with its call. Null if there are fewer. */
export async function nthLastWhole(
  db: Queryable,
  segments: readonly Segment[],
  count: number,
): Promise<MessagePlace | null> {
  const [row] = await db.query<{ task_id: string; seq: number }>(sql`
    SELECT s.task_id, m.seq FROM ${segmentRows(segments)} CROSS JOIN LATERAL (
      SELECT m.seq FROM messages m
      WHERE m.task_id = s.task_id AND m.seq BETWEEN s.from_seq AND s.to_seq AND m.role <> 'tool'
      ORDER BY m.seq DESC LIMIT ${count}) m
    ORDER BY s.ordinal DESC, m.seq DESC OFFSET ${count - 1} LIMIT 1`);
  return row ? { taskId: row.task_id, seq: row.seq } : null;
}

/** The messages whose calls have a result among those that segments show. */
export async function callsAnsweredIn(
  db: Queryable,
  segments: readonly Segment[],
): Promise<readonly MessagePlace[]> {
  if (segments.length === 0) return [];
  const rows = await db.query<{ task_id: string; seq: number }>(sql`
    SELECT DISTINCT coalesce(m.call_task_id, m.task_id) AS task_id, m.call_seq AS seq FROM ${segmentRows(segments)}
    CROSS JOIN LATERAL (${messagesOfSegment(sql`m.task_id, m.call_task_id, m.call_seq`)}) m WHERE m.call_seq IS NOT NULL`);
  return rows.map((row) => ({ taskId: row.task_id, seq: row.seq }));
}

/** Which of some calls have a result among the messages that segments show. */
export async function answeredIn(
  db: Queryable,
  segments: readonly Segment[],
  callIds: readonly string[],
): Promise<readonly string[]> {
  if (segments.length === 0 || callIds.length === 0) return [];
  const wanted = binaryArray('text', callIds.map(escapeText));
  const rows = await db.query<{ tool_call_id: string }>(sql`
    SELECT DISTINCT m.tool_call_id FROM ${segmentRows(segments)}
    CROSS JOIN LATERAL (${messagesOfSegment(sql`m.tool_call_id`)}) m WHERE m.tool_call_id = ANY (${wanted}::text[])`);
  return rows.map((row) => unescapeText(row.tool_call_id));
}

/** Parts of a row that are JSON, as they were before they were escaped for the column. */
export const extraOf = (row: Pick<MessageRow, 'extra'>): Readonly<Record<string, unknown>> =>
  row.extra === null ? {} : (fromColumnJson(row.extra) as Record<string, unknown>);
