import type { Database, Queryable } from '#libs/database/database.js';
import { Sql, sql } from '#libs/database/sql.js';
import { createInstance, dropInstance, runScript, type Instance } from './instance.js';
import { views, type Projection } from './projection.js';
import type { ProjectionRunner } from './runner.js';
import type { Table } from './table.js';

/** Told how far a rebuild is: the position reached, and the one to reach. */
export type Progress = (position: bigint, target: bigint) => void;

/** How a table of a rebuilt projection compares with the one that serves. */
export interface TableComparison {
  readonly projection: string;
  readonly table: string;
  readonly equal: boolean;
  /** Rows and hash over all rows, in any order. */
  readonly serving: { readonly rows: number; readonly hash: string };
  readonly rebuilt: { readonly rows: number; readonly hash: string };
}

const PROGRESS_MS = 200;

/** Builds projections anew beside those that serve, to take their place or to be compared with them. */
export class Rebuilder {
  constructor(
    private readonly database: Database,
    private readonly runner: ProjectionRunner,
  ) {}

  /**
   * Builds projections from the log's beginning while the present ones serve, then swaps them. They read the log
   * together, once.
   */
  async rebuild(projections: readonly Projection[], progress: Progress, signal: AbortSignal): Promise<void> {
    const group = await this.#scratch(projections, 'building');
    try {
      await this.finish(group, progress, signal);
    } catch (error) {
      // What a stop interrupts goes on at the next start; what failed leaves nothing behind.
      if (!signal.aborted) for (const { schema } of group) await this.#dropUnlessServing(schema);
      throw error;
    }
  }

  /** Goes on with instances that are being built and stand together, up to their swap. */
  async finish(group: readonly Instance[], progress: Progress, signal: AbortSignal): Promise<void> {
    await this.#catchUp(group, progress, signal);
    for (const instance of group) {
      const former = await this.#whenLevel(instance, signal, (connection) =>
        swap(this.database, connection, instance),
      );
      await this.runner.refresh();
      for (const schema of former) await this.#drop(schema);
    }
  }

  /** Builds projections in scratch schemas and compares their tables with those that serve, at the same position. */
  async verify(
    projections: readonly Projection[],
    progress: Progress,
    signal: AbortSignal,
  ): Promise<readonly TableComparison[]> {
    const group = await this.#scratch(projections, 'retired');
    const comparisons: TableComparison[] = [];
    try {
      await this.#catchUp(group, progress, signal);
      for (const instance of group) {
        comparisons.push(
          ...(await this.#whenLevel(instance, signal, (connection, serving) =>
            compare(connection, instance.projection, serving, instance.schema),
          )),
        );
      }
      return comparisons;
    } finally {
      for (const { schema } of group) await this.#drop(schema);
    }
  }

  async #scratch(
    projections: readonly Projection[],
    status: 'building' | 'retired',
  ): Promise<readonly Instance[]> {
    const suffix = Date.now().toString(36);
    const group = projections.map((projection): Instance => ({
      projection,
      schema: `${projection.name}_v${projection.version}_${suffix}`,
      position: 0n,
      status,
    }));
    await this.database.transaction(async (connection) => {
      for (const { projection, schema } of group)
        await createInstance(connection, projection, schema, status);
    });
    return group;
  }

  #drop(schema: string): Promise<void> {
    return dropInstance(this.database, schema);
  }

  async #dropUnlessServing(schema: string): Promise<void> {
    const [row] = await this.database.query<{ status: string }>(
      sql`SELECT status FROM projections WHERE schema = ${schema}`,
    );
    if (row?.status !== 'live') await this.#drop(schema);
  }

  async #catchUp(group: readonly Instance[], progress: Progress, signal: AbortSignal): Promise<void> {
    const target = await this.runner.head();
    const timer = setInterval(() => progress(group[0]?.position ?? target, target), PROGRESS_MS);
    try {
      await this.runner.catchUp(group, target, signal);
    } finally {
      clearInterval(timer);
    }
    if (signal.aborted) throw new Error('the server stopped; a rebuild goes on at its next start');
    const failed = group.find(({ status }) => status === 'failed');
    if (failed) throw new Error(`an event stopped the rebuild of ${failed.projection.name}; see its status`);
    progress(target, target);
  }

  /** Holds the serving instance where it stands, brings the other one to the same position, and does something with both. */
  async #whenLevel<T>(
    instance: Instance,
    signal: AbortSignal,
    work: (connection: Queryable, servingSchema: string) => Promise<T>,
  ): Promise<T> {
    return this.database.transaction(async (connection) => {
      const [serving] = await connection.query<{ schema: string; position: bigint }>(sql`
        SELECT schema, position FROM projections
        WHERE name = ${instance.projection.name} AND status IN ('live', 'failed') FOR UPDATE`);
      if (serving && serving.position > instance.position) {
        await this.runner.catchUp([instance], serving.position, signal);
      }
      return work(connection, serving?.schema ?? instance.schema);
    });
  }
}

/**
 * Makes an instance the one that people read. Each view is replaced in a transaction of its own: one that replaced
 * several would wait for readers who wait for it. Meanwhile both schemas stand at the same position, so it does not
 * matter which of them a view shows.
 * @returns the schemas that nobody reads any more.
 */
async function swap(
  database: Database,
  connection: Queryable,
  { projection, schema }: Instance,
): Promise<readonly string[]> {
  for (const script of views(projection, schema)) {
    await database.transaction((own) => runScript(own, script));
  }
  await connection.query(
    sql`UPDATE projections SET status = 'live', error = NULL, updated_at = now() WHERE schema = ${schema}`,
  );
  const retired = await connection.query<{ schema: string }>(sql`
    UPDATE projections SET status = 'retired', updated_at = now()
    WHERE name = ${projection.name} AND schema <> ${schema} AND status <> 'building' RETURNING schema`);
  return retired.map((row) => row.schema);
}

async function compare(
  connection: Queryable,
  projection: Projection,
  servingSchema: string,
  rebuiltSchema: string,
): Promise<readonly TableComparison[]> {
  const comparisons: TableComparison[] = [];
  for (const table of projection.tables) {
    const serving = await hashOf(connection, servingSchema, table);
    const rebuilt = await hashOf(connection, rebuiltSchema, table);
    const equal = serving.rows === rebuilt.rows && serving.hash === rebuilt.hash;
    comparisons.push({ projection: projection.name, table: table.name, equal, serving, rebuilt });
  }
  return comparisons;
}

/** Number of rows and a hash over all of them that does not depend on their order. */
export async function hashOf(
  connection: Queryable,
  schema: string,
  table: Table,
): Promise<{ readonly rows: number; readonly hash: string }> {
  const [row] = await connection.query<{ rows: bigint; hash: string }>(
    new Sql(
      [
        `SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS hash
       FROM "${schema}"."${table.name}" t`,
      ],
      [],
    ),
  );
  return { rows: Number(row!.rows), hash: row!.hash };
}
