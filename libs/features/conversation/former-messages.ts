import type { Queryable, Row } from '#libs/database/database.js';
import { identifier, sql } from '#libs/database/sql.js';
import type { Recorded } from '#libs/kernel/event.js';
import { insert, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { TaskEvent } from '../task/task.events.js';
import type { MessagePlace } from './conversation.events.js';
import { placeRows } from './former-messages.queries.js';

/** The columns of what a message says: all that an amendment may change. */
export const SAID = {
  role: 'text',
  content: 'text',
  tool_calls: 'text?',
  tool_call_id: 'text?',
  tool_name: 'text?',
  is_error: 'bool?',
  token_count: 'int8?',
  cost_usd: 'float8?',
  origin: 'text?',
  source_id: 'text?',
  extra: 'text?',
  has_blobs: 'bool',
} as const;

/** What messages said before they were amended: each row until the position of the event that amended it. */
export const formerMessages: Table = {
  name: 'former_messages',
  columns: { task_id: 'uuid', seq: 'int4', until_position: 'int8', owner_id: 'uuid', ...SAID },
  key: ['task_id', 'seq', 'until_position'],
};

/** A message by where it stands, as a key of maps. */
const keyOf = (taskId: string, seq: number): string => `${taskId}/${seq}`;

/** What the messages say that a batch amends, while it is projected. */
export class AmendedMessages {
  constructor(private readonly said: Map<string, Row | null>) {}

  /** Notes what a new message says. */
  recorded(taskId: string, seq: number, row: Row): void {
    const key = keyOf(taskId, seq);
    if (this.said.has(key)) this.said.set(key, row);
  }

  /** Keeps what a message said until it was amended. */
  amended(taskId: string, seq: number, columns: Row, amendment: Recorded): readonly RowOperation[] {
    const key = keyOf(taskId, seq);
    const former = this.said.get(key);
    if (!former) return [];
    this.said.set(key, { ...former, ...columns });
    const said = Object.fromEntries(Object.keys(SAID).map((column) => [column, former[column]]));
    const place = { task_id: taskId, seq, until_position: amendment.position };
    return [insert(formerMessages, { ...said, ...place, owner_id: amendment.metadata.ownerId })];
  }
}

/** As things stand before a batch. */
export async function loadAmended(
  connection: Queryable,
  schema: string,
  batch: readonly Recorded<TaskEvent>[],
): Promise<AmendedMessages> {
  const places = batch.flatMap(({ event, stream }): MessagePlace[] =>
    event.type === 'MessageAmended' ? [{ taskId: stream.slice('task-'.length), seq: event.data.seq }] : [],
  );
  const said = new Map<string, Row | null>(places.map(({ taskId, seq }) => [keyOf(taskId, seq), null]));
  if (places.length === 0) return new AmendedMessages(said);
  const rows = await connection.query<Row & { readonly task_id: string; readonly seq: number }>(
    sql`SELECT m.* FROM ${placeRows(places)} JOIN ${identifier(schema, 'messages')} m USING (task_id, seq)`,
  );
  for (const row of rows) said.set(keyOf(row.task_id, row.seq), row);
  return new AmendedMessages(said);
}
