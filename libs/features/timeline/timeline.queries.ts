import type { Queryable } from '#libs/database/database.js';
import { sql, type Sql } from '#libs/database/sql.js';
import { unescapeText } from '#libs/database/text-escape.js';
import { isBlobReference, type LongText } from '#libs/kernel/blob-reference.js';
import { shortened } from '#libs/http/shortened.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import { heldAt } from '#libs/projections/held-at.js';
import { formerMessagesOf } from '../conversation/former-messages.queries.js';
import type { EntryKind } from './entries.js';
import { failedAt, inScope, matching, matchingAmong, type Scope } from './matching-entries.js';
import type { EntryFilters } from './timeline.dto.js';

/** Where an entry stands: time (µs since 1970), position, ordinal. */
export type EntryPlace = readonly [micros: string, position: string, ordinal: number];

/** An entry as the API shows it (SPEC §2.1, with position, seq, failed and filesChanged of file changes). */
export interface HistoryEntry {
  readonly id: string;
  readonly timestamp: string;
  readonly entryType: EntryKind;
  readonly phase: string;
  readonly position: string;
  readonly failed: boolean;
  readonly [field: string]: unknown;
}

interface EntryRow {
  position: bigint;
  ordinal: number;
  id: string;
  contract_id: string | null;
  task_id: string | null;
  chat_id: string | null;
  kind: EntryKind;
  subtype: string;
  phase: string;
  failed: boolean;
  seq: number | null;
  data: string | null;
  occurred_at: Date;
  micros: bigint;
  task_name: string | null;
  role: string | null;
  content: string | null;
  tool_name: string | null;
  /** Of a message with values in blobs: where they are. */
  long: string | null;
}

export interface EntryPageOptions {
  readonly scope: Scope;
  readonly filters: EntryFilters;
  readonly order: 'newest' | 'oldest';
  readonly limit: number;
  readonly after: EntryPlace | null;
  readonly at: bigint | null;
}

const joined = (at: bigint | null): Sql => sql`LEFT JOIN messages m ON m.task_id = e.task_id AND m.seq = e.seq
  LEFT JOIN chat_messages c ON c.chat_id = e.chat_id AND c.version = e.seq
  LEFT JOIN task_states t ON t.task_id = e.task_id AND ${heldAt('t', at)}`;
const COLUMNS = sql`e.position, e.ordinal, e.id, e.contract_id, e.task_id, e.chat_id, e.kind, e.subtype, e.phase,
  e.failed, e.seq, e.data, e.occurred_at`;
const SHOWN = sql`${COLUMNS}, (extract(epoch FROM e.occurred_at) * 1000000)::bigint AS micros, t.name AS task_name, m.role,
  coalesce(m.content, c.content) AS content, m.tool_name,
  CASE WHEN coalesce(m.extra, c.extra) LIKE '%"$blob"%' THEN coalesce(m.extra, c.extra) END AS long`;

/** A page's entries are found by what indexes hold of them, and read when it is known which they are. */
const PLACE = sql`e.occurred_at, e.position, e.ordinal`;
const ofPlaces = (at: bigint | null): Sql =>
  sql`JOIN timeline_entries e USING (position, ordinal) ${joined(at)}`;

const sorted = (order: EntryPageOptions['order']): Sql =>
  order === 'newest'
    ? sql`ORDER BY e.occurred_at DESC, e.position DESC, e.ordinal DESC`
    : sql`ORDER BY e.occurred_at, e.position, e.ordinal`;

function beyond({ order, after }: EntryPageOptions): Sql {
  return after
    ? sql`(${PLACE}) ${order === 'newest' ? sql`<` : sql`>`}
        ('epoch'::timestamptz + ${after[0]}::bigint * interval '1 microsecond', ${after[1]}::bigint, ${after[2]}::smallint)`
    : sql`true`;
}

export interface EntryPage {
  readonly entries: readonly HistoryEntry[];
  /** Where it ended, if there may be more. */
  readonly next: EntryPlace | null;
}

async function pageOf(
  db: Queryable,
  rows: readonly EntryRow[],
  { limit, at }: EntryPageOptions,
): Promise<EntryPage> {
  const last = rows.length === limit ? rows.at(-1)! : null;
  return {
    entries: (await asTheyStood(db, rows, at)).map(toEntry),
    next: last && [String(last.micros), String(last.position), last.ordinal],
  };
}

/** Entries with what their messages said at a position. */
async function asTheyStood(
  db: Queryable,
  rows: readonly EntryRow[],
  at: bigint | null,
): Promise<readonly EntryRow[]> {
  if (at === null) return rows;
  const places = rows.flatMap(({ task_id: taskId, seq }) =>
    taskId === null || seq === null ? [] : [{ taskId, seq }],
  );
  const former = await formerMessagesOf(db, places, at);
  return rows.map((row) => {
    const said = former.get(`${row.task_id}/${row.seq}`);
    if (!said) return row;
    const { content, tool_name, is_error: failed, extra, has_blobs: isLong } = said;
    return { ...row, content, tool_name, failed: failed ?? row.failed, long: isLong ? extra : null };
  });
}

/** Entries that are searched for a text before all are. */
const NEAREST = 2_000;

/** A page of entries. */
export async function entriesPage(db: Queryable, options: EntryPageOptions): Promise<EntryPage> {
  const { scope, filters, order, limit, at } = options;
  const pageFrom = async (entries: Sql): Promise<EntryPage> => {
    const rows = await db.query<EntryRow>(sql`
      SELECT ${SHOWN} FROM (
        SELECT ${PLACE} FROM ${entries} AND ${beyond(options)} ${sorted(order)} LIMIT ${limit}
      ) found ${ofPlaces(at)} ${sorted(order)}`);
    return pageOf(db, rows, options);
  };
  const { text } = filters;
  if (text !== undefined) {
    // A text that many entries hold fills the page from the nearest ones.
    const nearest = sql`${beyond(options)} ${sorted(order)} LIMIT ${NEAREST}`;
    const page = await pageFrom(matchingAmong(nearest, scope, { ...filters, text }, at));
    if (page.next) return page;
  }
  return pageFrom(matching(scope, filters, at));
}

/** A page of entries, with how many the filters match on all pages. */
export async function countedPage(
  db: Queryable,
  options: EntryPageOptions,
): Promise<EntryPage & { readonly totalCount: number }> {
  const { scope, filters, order, limit, at } = options;
  if (filters.text === undefined) {
    const page = await entriesPage(db, options);
    const whole = options.after === null && page.next === null;
    return { ...page, totalCount: whole ? page.entries.length : await countEntries(db, scope, filters, at) };
  }
  // Texts are looked at once, for the page and the count.
  const rows = await db.query<EntryRow & { total: bigint }>(sql`
    WITH matching AS MATERIALIZED (SELECT ${PLACE} FROM ${matching(scope, filters, at)}),
    shown AS (
      SELECT ${SHOWN} FROM (
        SELECT ${PLACE} FROM matching e WHERE ${beyond(options)} ${sorted(order)} LIMIT ${limit}
      ) found ${ofPlaces(at)}
    )
    SELECT e.*, counted.total FROM (SELECT count(*) AS total FROM matching) counted LEFT JOIN shown e ON true
    ${sorted(order)}`);
  const found = rows[0]!.id === null ? [] : rows;
  return { ...(await pageOf(db, found, options)), totalCount: Number(rows[0]!.total) };
}

/** How many entries the filters match. */
export async function countEntries(
  db: Queryable,
  scope: Scope,
  filters: EntryFilters,
  at: bigint | null,
): Promise<number> {
  const [row] = await db.query<{ count: bigint }>(
    sql`SELECT count(*) AS count FROM ${matching(scope, filters, at)}`,
  );
  return Number(row!.count);
}

/** Entries after a position in the order in which they were recorded, for live streams. */
export async function entriesAfter(db: Queryable, scope: Scope, after: bigint, upTo: bigint, limit: number) {
  const rows = await db.query<EntryRow>(sql`
    SELECT ${SHOWN} FROM (
      SELECT ${COLUMNS} FROM timeline_entries e
      WHERE ${inScope(scope)} AND e.position > ${after} AND e.position <= ${upTo} ORDER BY e.position, e.ordinal LIMIT ${limit}
    ) e ${joined(null)} ORDER BY e.position, e.ordinal`);
  return rows.map((row) => ({ position: row.position, entry: toEntry(row) }));
}

export interface OverviewBucket {
  readonly start: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly failed: number;
}

/** Counts per time bucket and kind over everything that the filters match. */
export async function overviewOf(
  db: Queryable,
  scope: Scope,
  filters: EntryFilters & { readonly buckets: number },
  at: bigint | null,
) {
  const entries = matching(scope, filters, at);
  const [range] = await db.query<{ first: Date | null; last: Date | null }>(
    sql`SELECT min(e.occurred_at) AS first, max(e.occurred_at) AS last FROM ${entries}`,
  );
  if (!range?.first || !range.last)
    return { from: null, to: null, bucketSeconds: null, buckets: [], totals: {}, failed: 0 };
  const seconds = Math.max((range.last.getTime() - range.first.getTime()) / 1_000 / filters.buckets, 0.001);
  const rows = await db.query<{ bucket: number; kind: string; count: bigint; failed: bigint }>(sql`
    SELECT least(floor(extract(epoch FROM e.occurred_at - ${range.first}::timestamptz) / ${seconds}::float8)::int, ${filters.buckets - 1}::int) AS bucket,
           e.kind, count(*) AS count, count(*) FILTER (WHERE ${failedAt(at)}) AS failed
    FROM ${entries} GROUP BY 1, 2 ORDER BY 1, 2`);
  const buckets = new Map<number, { counts: Record<string, number>; failed: number }>();
  const totals: Record<string, number> = {};
  for (const row of rows) {
    const bucket = buckets.get(row.bucket) ?? { counts: {}, failed: 0 };
    bucket.counts[row.kind] = Number(row.count);
    bucket.failed += Number(row.failed);
    buckets.set(row.bucket, bucket);
    totals[row.kind] = (totals[row.kind] ?? 0) + Number(row.count);
  }
  const startOf = (bucket: number): string =>
    new Date(range.first!.getTime() + bucket * seconds * 1_000).toISOString();
  return {
    from: range.first.toISOString(),
    to: range.last.toISOString(),
    bucketSeconds: seconds,
    buckets: [...buckets].map(([bucket, counted]): OverviewBucket => ({
      start: startOf(bucket),
      ...counted,
    })),
    totals,
    failed: [...buckets.values()].reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** Of what is too long for a list it has the beginning, and says where the rest is. */
const toEntry = (row: EntryRow): HistoryEntry => shortened(wholeEntry(row));

function wholeEntry(row: EntryRow): HistoryEntry {
  const data = row.data === null ? {} : (fromColumnJson(row.data) as Record<string, unknown>);
  const base = {
    id: row.id,
    timestamp: row.occurred_at.toISOString(),
    entryType: row.kind,
    phase: row.phase,
    position: row.position.toString(),
    failed: row.failed,
    ...(row.contract_id === null ? {} : { contractId: row.contract_id }),
    ...(row.task_id === null ? {} : { taskId: row.task_id, taskName: unescapeText(row.task_name ?? '') }),
  };
  switch (row.kind) {
    case 'chat_message': {
      const content = contentOf(row);
      return {
        ...base,
        conversationId: row.chat_id ?? row.task_id,
        role: row.role ?? row.subtype,
        content,
        ...(isBlobReference(content) ? { contentTruncated: true } : {}),
        ...(row.seq === null ? {} : { seq: row.seq }),
        ...(row.tool_name === null ? {} : { toolName: unescapeText(row.tool_name) }),
      };
    }
    case 'phase_change':
      return { ...base, eventType: row.subtype, ...data };
    case 'checkpoint': {
      const { number, ...checkpoint } = data;
      return { ...base, ...checkpoint, checkpointNumber: number };
    }
    case 'file_change':
      return { ...base, ...data };
    case 'task_event':
      return { ...base, eventType: row.subtype, eventData: data };
  }
}

/** What a message says; the column holds the beginning of what is in a blob. */
function contentOf({ long, content }: EntryRow): LongText {
  const references = long === null ? {} : (fromColumnJson(long) as { readonly content?: LongText });
  return references.content ?? unescapeText(content ?? '');
}
