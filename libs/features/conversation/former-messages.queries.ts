import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable } from '#libs/database/database.js';
import { sql, type Sql } from '#libs/database/sql.js';
import type { MessagePlace } from './conversation.events.js';

/** What a message says or said, as its row. */
export interface Said {
  readonly task_id: string;
  readonly seq: number;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  readonly content: string;
  readonly tool_calls: string | null;
  readonly tool_call_id: string | null;
  readonly tool_name: string | null;
  readonly is_error: boolean | null;
  readonly token_count: bigint | null;
  readonly cost_usd: number | null;
  readonly origin: string | null;
  readonly extra: string | null;
  readonly has_blobs: boolean;
}

/** What those of an owner's messages said at a position that were amended since: a subquery for whoever looks at many. */
export const allFormerAt = (at: bigint): Sql => sql`(
  SELECT DISTINCT ON (task_id, seq) * FROM former_messages WHERE until_position > ${at}
  ORDER BY task_id, seq, until_position)`;

/** What one message said at a position, if it was amended since: a subquery for whoever looks at a few. */
export const formerAt = (at: bigint, taskId: Sql, seq: Sql): Sql => sql`(
  SELECT * FROM former_messages WHERE task_id = ${taskId} AND seq = ${seq} AND until_position > ${at}
  ORDER BY until_position LIMIT 1)`;

/** Places as rows `p` (task_id, seq) of a FROM clause. */
export const placeRows = (places: readonly MessagePlace[]): Sql => sql`unnest(
    ${binaryArray(
      'uuid',
      places.map(({ taskId }) => taskId),
    )}::uuid[], ${binaryArray(
      'int4',
      places.map(({ seq }) => seq),
    )}::int[]) AS p(task_id, seq)`;

/** What those of some messages said at a position that were amended since, by `<task>/<seq>`. */
export async function formerMessagesOf(
  db: Queryable,
  places: readonly MessagePlace[],
  at: bigint,
): Promise<ReadonlyMap<string, Said>> {
  const rows =
    places.length === 0
      ? []
      : await db.query<Said>(
          sql`SELECT f.* FROM ${placeRows(places)} CROSS JOIN LATERAL ${formerAt(at, sql`p.task_id`, sql`p.seq`)} f`,
        );
  return new Map(rows.map((row) => [`${row.task_id}/${row.seq}`, row]));
}
