import type { Database, Queryable } from '#libs/database/database.js';
import { nothing, sql, type Sql } from '#libs/database/sql.js';
import { approach, reach } from './catching-up.js';
import { compareTables, type TableComparison } from './comparison.js';
import type { Instance, ProjectionFailure } from './instance.js';
import type { ProjectionRunner } from './runner.js';

/** The instance that people read. */
export interface Serving {
  readonly schema: string;
  readonly version: number;
  readonly position: bigint;
  /** The event at which it stands still. */
  readonly failure: ProjectionFailure | null;
}

/** The instance of the same projection, of whatever version, that people read. */
export async function servingOf(
  connection: Queryable,
  { projection, schema }: Instance,
  lock: Sql = nothing,
): Promise<Serving | undefined> {
  const [serving] = await connection.query<Serving>(sql`
    SELECT schema, version, position, CASE status WHEN 'failed' THEN error END AS failure FROM projections
    WHERE name = ${projection.name} AND schema <> ${schema} AND status IN ('live', 'failed') ORDER BY schema LIMIT 1 ${lock}`);
  return serving;
}

/**
 * The lowest position at which one of those stands that a group is to be compared with.
 * @throws Error when another version serves.
 */
export async function lowestServing(database: Database, group: readonly Instance[]): Promise<bigint> {
  const positions: bigint[] = [];
  for (const instance of group)
    positions.push(sameVersion(instance, await servingOf(database, instance)).position);
  return positions.reduce((low, position) => (position < low ? position : low));
}

/**
 * Compares an instance with the serving one in a snapshot of both. The latter is held where it stands until that is taken,
 * and no longer.
 * @throws Error when another version serves, or an event cannot be taken.
 */
export async function compareWithServing(
  database: Database,
  runner: ProjectionRunner,
  instance: Instance,
  signal: AbortSignal,
): Promise<{ readonly serving: Serving; readonly tables: readonly TableComparison[] }> {
  await approach(runner, instance, () => lowestServing(database, [instance]), signal);
  const comparing = async (snapshot: Queryable) => {
    const serving = await database.transaction(async (connection) => {
      const held = sameVersion(instance, await servingOf(connection, instance, sql`FOR UPDATE`));
      await reach(runner, [instance], held.position, signal);
      await snapshot.query(sql`SELECT FROM projections`);
      return held;
    });
    const tables = await compareTables(snapshot, instance.projection, serving.schema, instance.schema);
    return { serving, tables };
  };
  return database.transaction(comparing, { snapshot: true });
}

function sameVersion({ projection }: Instance, serving: Serving | undefined): Serving {
  if (serving?.version === projection.version) return serving;
  throw new Error(
    `${projection.name} version ${projection.version} does not serve yet; it can be verified when it does`,
  );
}
