import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable, Row } from '#libs/database/database.js';
import { identifier, sql } from '#libs/database/sql.js';
import type { Table } from './table.js';

/**
 * The current rows of a table that keeps former states, by their key (its first column, a UUID). A projection's `load`
 * reads them, so that `project` can write each thing's next state.
 */
export async function currentStates(
  connection: Queryable,
  schema: string,
  table: Table,
  ids: readonly string[],
): Promise<Map<string, Row>> {
  const key = table.key[0]!;
  const rows = await connection.query(
    sql`SELECT * FROM ${identifier(schema, table.name)}
      WHERE to_position IS NULL AND ${identifier(key)} = ANY (${binaryArray('uuid', [...new Set(ids)])}::uuid[])`,
  );
  return new Map(rows.map((row) => [row[key] as string, row]));
}
