import type { Queryable } from '#libs/database/database.js';
import { identifier, sql } from '#libs/database/sql.js';
import type { Projection } from './projection.js';
import type { Table } from './table.js';

/** How a table of a rebuilt projection compares with the one that serves. */
export interface TableComparison {
  readonly projection: string;
  readonly table: string;
  readonly equal: boolean;
  readonly serving: TableContent;
  readonly rebuilt: TableContent;
}

/** Number of rows, and a hash over all of them that does not depend on their order. */
export interface TableContent {
  readonly rows: number;
  readonly hash: string;
}

/** Compares a projection's tables in two schemas, as the connection sees them. */
export async function compareTables(
  connection: Queryable,
  projection: Projection,
  servingSchema: string,
  rebuiltSchema: string,
): Promise<readonly TableComparison[]> {
  const comparisons: TableComparison[] = [];
  for (const table of projection.tables) {
    const serving = await contentOf(connection, servingSchema, table);
    const rebuilt = await contentOf(connection, rebuiltSchema, table);
    const equal = serving.rows === rebuilt.rows && serving.hash === rebuilt.hash;
    comparisons.push({ projection: projection.name, table: table.name, equal, serving, rebuilt });
  }
  return comparisons;
}

async function contentOf(connection: Queryable, schema: string, table: Table): Promise<TableContent> {
  const [row] = await connection.query<{ rows: bigint; hash: string }>(
    sql`SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS hash
      FROM ${identifier(schema, table.name)} t`,
  );
  return { rows: Number(row!.rows), hash: row!.hash };
}
