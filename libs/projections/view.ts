import { sqlState, type Database, type Queryable } from '#libs/database/database.js';
import { identifier, raw, sql, type Sql } from '#libs/database/sql.js';
import type { Projection } from './projection.js';

/** The view has other columns than before, or in another order. */
const INVALID_TABLE_DEFINITION = '42P16';
/** How long readers and others who want the view wait at most behind somebody who reads it for long. */
const PATIENCE = sql`SET LOCAL lock_timeout = '200ms'`;

/** Makes a view that does not exist yet. */
export async function createView(
  connection: Queryable,
  projection: Projection,
  schema: string,
  name: string,
): Promise<void> {
  await connection.query(definition(projection, schema, name));
  await connection.query(sql`GRANT SELECT ON ${identifier('public', name)} TO makima_app`);
}

/**
 * Makes a view show a schema. Where its columns stay, so do the views that others have built on it and what they granted.
 * @throws the database's error 55P03 when somebody reads the view for long: nothing has changed then.
 */
export async function showIn(
  database: Database,
  projection: Projection,
  schema: string,
  name: string,
): Promise<void> {
  try {
    await database.transaction(async (connection) => {
      await connection.query(PATIENCE);
      await createView(connection, projection, schema, name);
    });
  } catch (error) {
    if (sqlState(error) !== INVALID_TABLE_DEFINITION) throw error;
    await database.transaction(async (connection) => {
      await connection.query(PATIENCE);
      await connection.query(sql`DROP VIEW ${identifier('public', name)}`);
      await createView(connection, projection, schema, name);
    });
  }
}

const definition = ({ views }: Projection, schema: string, name: string): Sql =>
  raw(
    `CREATE OR REPLACE VIEW public."${name}" WITH (security_invoker = true) AS ${views[name]!.replaceAll('{schema}', `"${schema}"`)}`,
  );
