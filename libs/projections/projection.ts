import type { Queryable } from '#libs/database/database.js';
import type { Recorded } from '#libs/kernel/event.js';
import type { RowOperation } from './row-operation.js';
import { arrayType, SQL_TYPE, type Table } from './table.js';

/**
 * A read model: a name, a version that goes up when its rows would look different, its tables, and how a batch of events
 * becomes row operations. The runner applies them exactly once and in order.
 */
export interface Projection<Lookup = unknown> {
  readonly name: string;
  readonly version: number;
  readonly tables: readonly Table[];
  /** Views in the public schema; `{schema}` stands for the schema of the version that serves. */
  readonly views: Readonly<Record<string, string>>;
  /** The event types that it wants; others are passed over without being handed to it. */
  readonly handles: readonly string[];
  /** Reads, from its own tables by their keys or `ownIndexes`, what `project` must know about the batch's things. */
  load?(connection: Queryable, schema: string, batch: readonly Recorded[]): Promise<Lookup>;
  project(batch: readonly Recorded[], lookup: Lookup): readonly RowOperation[];
}

/** Keeps a projection's lookup type while it is written, and forgets it where projections are listed. */
export const projection = <Lookup>(definition: Projection<Lookup>): Projection => definition;

/** The statements that create a projection's tables in a schema: with their keys, and with row-level security on. */
export function ddl(definition: Projection, schema: string): readonly string[] {
  const statements = [`CREATE SCHEMA "${schema}"`, `GRANT USAGE ON SCHEMA "${schema}" TO makima_app`];
  for (const table of definition.tables) {
    const name = `"${schema}"."${table.name}"`;
    const columns = Object.entries(table.columns).map(
      ([column, type]) => `"${column}" ${SQL_TYPE[arrayType(type)]}${type.endsWith('?') ? '' : ' NOT NULL'}`,
    );
    statements.push(
      `CREATE TABLE ${name} (${columns.join(', ')}, PRIMARY KEY (${table.key.join(', ')}))`,
      `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`,
      `CREATE POLICY owner ON ${name} FOR SELECT TO makima_app USING (owner_id = (SELECT makima_owner()))`,
      `GRANT SELECT ON ${name} TO makima_app`,
    );
  }
  return statements;
}
