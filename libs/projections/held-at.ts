import { raw, sql, type Sql } from '#libs/database/sql.js';

/** Of a table that keeps former states, under its alias: rows that held at a position (inclusive); null: those of now. */
export function heldAt(alias: string, at: bigint | null): Sql {
  const [from, to] = [raw(`${alias}.from_position`), raw(`${alias}.to_position`)];
  return at === null ? sql`${to} IS NULL` : sql`${from} <= ${at} AND (${to} IS NULL OR ${to} > ${at})`;
}
