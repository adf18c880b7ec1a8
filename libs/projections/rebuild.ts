import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Queryable } from '#libs/database/database.js';
import { Sql, sql } from '#libs/database/sql.js';
import {
  createInstance,
  dropInstance,
  isPoison,
  runScript,
  type Instance,
  type InstanceStatus,
} from './instance.js';
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
const RETRY_MS = 500;
/** The key of the advisory lock that is held, shared, while scratch schemas are in use. */
const KEY = 7_420_003;

function scratchOf(projections: readonly Projection[], status: 'building' | 'retired'): readonly Instance[] {
  const suffix = Date.now().toString(36);
  return projections.map((projection) => ({
    projection,
    schema: `${projection.name}_v${projection.version}_${suffix}`,
    position: 0n,
    status,
  }));
}

/** Builds projections anew beside those that serve, to take their place or to be compared with them. */
export class Rebuilder {
  /** What this process builds now: taking the lease anew, it must not begin with the same a second time. */
  readonly #underWay = new Set<string>();

  constructor(
    private readonly database: Database,
    private readonly runner: ProjectionRunner,
  ) {}

  /**
   * Builds projections from the log's beginning while the present ones serve, then swaps them. They read the log
   * together, once.
   */
  async rebuild(projections: readonly Projection[], progress: Progress, signal: AbortSignal): Promise<void> {
    const group = scratchOf(projections, 'building');
    await this.#claimed(group, async () => {
      await this.#create(group);
      try {
        await this.#catchUp(group, progress, signal);
      } catch (error) {
        // What a stop interrupts goes on at the next start; what failed leaves nothing behind.
        if (!signal.aborted) await this.#drop(group.map(({ schema }) => schema));
        throw error;
      }
      for (const instance of group) await this.#serve(instance, signal);
    });
  }

  /**
   * Goes on with an instance whose building was interrupted, until it serves. Trouble of the database is waited out.
   * @returns false if this process builds it already.
   */
  async resume(instance: Instance, signal: AbortSignal): Promise<boolean> {
    if (this.#underWay.has(instance.schema)) return false;
    await this.#claimed([instance], async () => {
      await this.#persisting(instance, signal, () => this.#catchUp([instance], () => undefined, signal));
      await this.#serve(instance, signal);
    });
    return true;
  }

  /** Builds projections in scratch schemas and compares their tables with those that serve, at the same position. */
  async verify(
    projections: readonly Projection[],
    progress: Progress,
    signal: AbortSignal,
  ): Promise<readonly TableComparison[]> {
    const group = scratchOf(projections, 'retired');
    return this.#claimed(group, async () => {
      await this.#create(group);
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
        await this.#drop(group.map(({ schema }) => schema));
      }
    });
  }

  /**
   * Drops what rebuilds and verifications that were killed have left: schemas that nobody reads or builds any more.
   * Nothing happens while some process rebuilds or verifies.
   */
  async clear(): Promise<void> {
    const names = this.runner.projections.map(({ name }) => name).join('|');
    await this.database.withConnection(async (connection) => {
      const [lock] = await connection.query<{ mine: boolean }>(
        sql`SELECT pg_try_advisory_lock(${KEY}) AS mine`,
      );
      if (!lock?.mine) return;
      try {
        const left = await connection.query<{ schema: string }>(sql`
          SELECT n.nspname AS schema FROM pg_namespace n LEFT JOIN projections p ON p.schema = n.nspname
          WHERE n.nspname ~ ${`^(${names})_v[0-9]+(_[0-9a-z]+)?$`} AND (p.schema IS NULL OR p.status = 'retired')`);
        await this.#drop(left.map(({ schema }) => schema));
      } finally {
        await connection.query(sql`SELECT pg_advisory_unlock(${KEY})`);
      }
    });
  }

  /**
   * Works on scratch instances under a lock that says so. It ends with its connection: what a killed process leaves does
   * not stay for ever.
   */
  async #claimed<T>(group: readonly Instance[], work: () => Promise<T>): Promise<T> {
    for (const { schema } of group) this.#underWay.add(schema);
    try {
      return await this.database.withConnection(async (connection) => {
        await connection.query(sql`SELECT pg_advisory_lock_shared(${KEY})`);
        try {
          return await work();
        } finally {
          await connection.query(sql`SELECT pg_advisory_unlock_shared(${KEY})`).catch(() => undefined);
        }
      });
    } finally {
      for (const { schema } of group) this.#underWay.delete(schema);
    }
  }

  /** Swaps an instance in. Once that has begun it is seen through: some views may show it already. */
  async #serve(instance: Instance, signal: AbortSignal): Promise<void> {
    const former = await this.#persisting(instance, signal, async () => {
      const swapped =
        instance.status === 'live'
          ? []
          : await this.#whenLevel(instance, signal, (own) => swap(this.database, own, instance));
      await this.runner.refresh();
      return swapped;
    });
    await this.#drop(former);
  }

  /** Tries again, from where the instance stands by then, for as long as nothing but the database is in the way. */
  async #persisting<T>(instance: Instance, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const [row] = await this.database.query<{ position: bigint; status: InstanceStatus }>(
          sql`SELECT position, status FROM projections WHERE schema = ${instance.schema}`,
        );
        if (!row) throw new Error(`the schema ${instance.schema} is gone`);
        Object.assign(instance, row);
        return await work();
      } catch (error) {
        if (signal.aborted || isPoison(error)) throw error;
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #create(group: readonly Instance[]): Promise<void> {
    await this.database.transaction(async (connection) => {
      for (const { projection, schema, status } of group)
        await createInstance(connection, projection, schema, status === 'building' ? 'building' : 'retired');
    });
  }

  /** Drops instances that nobody reads. What cannot be dropped now is, when the lease is taken the next time. */
  async #drop(schemas: readonly string[]): Promise<void> {
    for (const schema of schemas) await dropInstance(this.database, schema).catch(() => undefined);
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
