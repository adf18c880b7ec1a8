import type { Database, Queryable } from '#libs/database/database.js';
import { identifier, raw, sql } from '#libs/database/sql.js';
import type { Projection } from './projection.js';
import type { Table } from './table.js';

/** The index by which a thing's present state is looked up and superseded: filling the table takes it. */
const presentStateIndex = ({ key }: Table): string =>
  `(${key.filter((column) => column !== 'from_position').join(', ')}) WHERE to_position IS NULL`;

/**
 * The statements that create the indexes of a projection's tables besides the keys', as far as they are missing: an
 * index's name follows from its table and its place among that table's indexes.
 * @param which those that filling the tables takes, or all.
 */
export function indexStatements(
  { tables }: Projection,
  schema: string,
  which: 'for filling' | 'all',
): readonly string[] {
  return tables.flatMap((table) => {
    const { name, ownIndexes = [], indexes = [] } = table;
    const filling = [...ownIndexes, presentStateIndex(table)];
    return [...ownIndexes, ...indexes].flatMap((index, place) =>
      which === 'all' || filling.includes(index)
        ? [`CREATE INDEX IF NOT EXISTS "${name}_by_${place}" ON "${schema}"."${name}" ${index}`]
        : [],
    );
  });
}

/**
 * Gives the tables of an instance that is filled the indexes that are still missing, and those anew that do not work.
 * One by one: what is there when this is interrupted stays.
 */
export async function completeIndexes(
  database: Database,
  projection: Projection,
  schema: string,
): Promise<void> {
  for (const name of await brokenIndexes(database, schema))
    await database.query(sql`DROP INDEX ${identifier(schema, name)}`);
  for (const statement of indexStatements(projection, schema, 'all')) await database.query(raw(statement));
}

/** Such as a creation beside writers leaves that failed. */
async function brokenIndexes(connection: Queryable, schema: string): Promise<readonly string[]> {
  const rows = await connection.query<{ name: string }>(sql`
    SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${schema} AND NOT i.indisvalid`);
  return rows.map(({ name }) => name);
}
