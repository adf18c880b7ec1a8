import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Queryable } from '#libs/database/database.js';
import { nothing, sql, type Sql } from '#libs/database/sql.js';
import { newId } from '#libs/kernel/ids.js';
import { approach, reach, read, type Progress } from './catching-up.js';
import { whileClaimed } from './claim.js';
import { compareTables, type TableComparison } from './comparison.js';
import { completeIndexes } from './indexes.js';
import { createInstance, dropInstance, isPoison, type Instance, type InstanceStatus } from './instance.js';
import type { Projection } from './projection.js';
import type { ProjectionRunner } from './runner.js';
import { showIn } from './view.js';

/** The instance that people read. */
interface Serving {
  readonly schema: string;
  readonly version: number;
  readonly position: bigint;
}

const RETRY_MS = 500;
/** Between two looks at whether an instance has caught up with the one that it is beside. */
const JOIN_MS = 20;

function scratchOf(projections: readonly Projection[], status: 'building' | 'retired'): readonly Instance[] {
  const suffix = newId().replaceAll('-', '').slice(0, 20);
  return projections.map((projection) => ({
    projection,
    schema: `${projection.name}_v${projection.version}_${suffix}`,
    position: 0n,
    status,
  }));
}

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
    const group = scratchOf(projections, 'building');
    try {
      await this.#alone(projections, signal, async () => {
        await this.#create(group);
        await untroubled(signal, async () => {
          await read(this.runner, group, await this.runner.head(), progress, signal);
          for (const instance of group) await this.#finish(instance, progress, signal);
        });
      });
      for (const instance of group) await this.resume(instance, signal, progress);
    } catch (error) {
      // What a stop interrupts goes on at the next start; what failed leaves nothing behind.
      if (!signal.aborted) await this.#drop(group);
      throw error;
    }
  }

  /**
   * Goes on with an instance that is being built or about to take another one's place, until it serves. Trouble of the
   * database is waited out; meanwhile others may go on with it.
   * @returns false if it serves already, or another one has taken its place.
   */
  async resume(
    instance: Instance,
    signal: AbortSignal,
    progress: Progress = () => undefined,
  ): Promise<boolean> {
    const finish = () =>
      this.#alone([instance.projection], signal, () => this.#finish(instance, progress, signal));
    for (;;) {
      const finished = await untroubled(signal, finish);
      if (finished !== undefined) return finished;
      await delay(RETRY_MS, undefined, { signal });
    }
  }

  /**
   * Builds projections in scratch schemas and compares their tables with those that serve, at the same position.
   * @throws Error when another version serves, or an event cannot be taken.
   */
  verify(
    projections: readonly Projection[],
    progress: Progress,
    signal: AbortSignal,
  ): Promise<readonly TableComparison[]> {
    const group = scratchOf(projections, 'retired');
    return this.#alone(projections, signal, async () => {
      await this.#create(group);
      try {
        await read(this.runner, group, await this.#lowestServing(group), progress, signal);
        const comparisons: TableComparison[] = [];
        for (const instance of group) {
          progress('comparing', instance.position, instance.position);
          comparisons.push(...(await this.#compare(instance, signal)));
        }
        return comparisons;
      } finally {
        await this.#drop(group);
      }
    });
  }

  /**
   * Drops what rebuilds and verifications that were killed have left: schemas that nobody reads or builds any more.
   * Those of a projection stay while somebody builds or verifies it.
   */
  async clear(): Promise<void> {
    for (const { name } of this.runner.projections)
      await whileClaimed(this.database, [name], async () => {
        const left = await this.database.query<{ schema: string }>(sql`
          SELECT n.nspname AS schema FROM pg_namespace n LEFT JOIN projections p ON p.schema = n.nspname
          WHERE n.nspname ~ ${`^${name}_v[0-9]+(_[0-9a-z]+)?$`} AND (p.schema IS NULL OR p.status = 'retired')`);
        await this.#drop(left);
      });
  }

  /** Waits until nobody works on these projections, here or in another process, then does something with them. */
  async #alone<T>(
    projections: readonly Projection[],
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    const names = projections.map(({ name }) => name);
    for (;;) {
      const done = await this.#inTurn(() => whileClaimed(this.database, names, work));
      if (done) return done.result;
      await delay(RETRY_MS, undefined, { signal });
    }
  }

  #turn: Promise<unknown> = Promise.resolve();

  /** One at a time: each needs several connections, and the pool has only so many. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Looks where an instance stands by now, and whether there is still something to be done with it. */
  async #isUnfinished(instance: Instance): Promise<boolean> {
    const [row] = await this.database.query<{
      position: bigint;
      status: InstanceStatus;
      beside: boolean;
    }>(sql`
      SELECT position, status, EXISTS (SELECT FROM projections other WHERE other.name = mine.name
        AND other.schema <> mine.schema AND other.status IN ('live', 'failed')) AS beside
      FROM projections mine WHERE schema = ${instance.schema}`);
    if (!row || row.status === 'retired') return false;
    instance.position = row.position;
    instance.status = row.status;
    return row.status === 'building' || row.beside;
  }

  /** @returns false if there is nothing to be done. */
  async #finish(instance: Instance, progress: Progress, signal: AbortSignal): Promise<boolean> {
    if (!(await this.#isUnfinished(instance))) return false;
    if (instance.status === 'building') await this.#complete(instance, progress, signal);
    await this.#swap(instance, progress, signal);
    return true;
  }

  /** Reads what is left of the log, makes the indexes that only readers need, and follows the log from then on. */
  async #complete(instance: Instance, progress: Progress, signal: AbortSignal): Promise<void> {
    const { projection, schema } = instance;
    await read(this.runner, [instance], await this.runner.head(), progress, signal);
    progress('indexing', instance.position, instance.position);
    await completeIndexes(this.database, projection, schema);
    await approach(this.runner, instance, () => this.runner.head(), signal);
    const beside = await servingOf(this.database, instance);
    if (beside?.version === projection.version) await this.#join(instance, signal);
  }

  /**
   * Makes an instance the one that people read. Beside one of its own version it follows the log by now, so that it does
   * not matter which of the two a view shows. A former version stands still, and is replaced as it is. Each view is
   * replaced by itself: whoever replaced several at once would wait for readers who wait for them.
   */
  async #swap(instance: Instance, progress: Progress, signal: AbortSignal): Promise<void> {
    const { projection, schema } = instance;
    signal.throwIfAborted();
    progress('swapping', instance.position, instance.position);
    for (const view of Object.keys(projection.views)) await showIn(this.database, projection, schema, view);
    const former = await this.database.query<{ schema: string }>(sql`
      UPDATE projections SET status = CASE schema WHEN ${schema} THEN 'live' ELSE 'retired' END, error = NULL, updated_at = now()
      WHERE name = ${projection.name} AND (schema = ${schema} OR status IN ('live', 'failed')) RETURNING schema`);
    await this.runner.refresh();
    await this.#drop(former.filter((row) => row.schema !== schema));
  }

  /** Lets an instance follow the log beside the one that serves, and waits until it stands where that one does. */
  async #join({ projection, schema }: Instance, signal: AbortSignal): Promise<void> {
    await this.database.query(
      sql`UPDATE projections SET status = 'live', error = NULL, updated_at = now() WHERE schema = ${schema} AND status = 'building'`,
    );
    await this.runner.refresh();
    const behind = sql`
      SELECT FROM projections mine JOIN projections other ON other.name = mine.name AND other.schema <> mine.schema
      WHERE mine.schema = ${schema} AND mine.name = ${projection.name} AND other.status = 'live' AND mine.status = 'live'
        AND other.version = mine.version AND other.position > mine.position`;
    while ((await this.database.query(behind)).length > 0) await delay(JOIN_MS, undefined, { signal });
  }

  /** Compares an instance with the serving one in a snapshot of both. The latter is held until that is taken, no longer. */
  async #compare(instance: Instance, signal: AbortSignal): Promise<readonly TableComparison[]> {
    await approach(this.runner, instance, () => this.#lowestServing([instance]), signal);
    const comparing = async (snapshot: Queryable): Promise<readonly TableComparison[]> => {
      const schema = await this.#level(instance, signal, async (serving) => {
        await snapshot.query(sql`SELECT FROM projections`);
        return sameVersion(instance, serving).schema;
      });
      return compareTables(snapshot, instance.projection, schema, instance.schema);
    };
    return this.database.transaction(comparing, { snapshot: true });
  }

  /** Holds the serving instance where it stands, brings the other one there, and does something with both. */
  #level<T>(
    instance: Instance,
    signal: AbortSignal,
    work: (serving: Serving | undefined) => Promise<T>,
  ): Promise<T> {
    return this.database.transaction(async (connection) => {
      const serving = await servingOf(connection, instance, sql`FOR UPDATE`);
      await reach(this.runner, [instance], serving?.position ?? 0n, signal);
      return work(serving);
    });
  }

  /** The lowest position at which one of those stands that a group is to be compared with. */
  async #lowestServing(group: readonly Instance[]): Promise<bigint> {
    const positions: bigint[] = [];
    for (const instance of group)
      positions.push(sameVersion(instance, await servingOf(this.database, instance)).position);
    return positions.reduce((low, position) => (position < low ? position : low));
  }

  async #create(group: readonly Instance[]): Promise<void> {
    await this.database.transaction(async (connection) => {
      for (const { projection, schema, status } of group)
        await createInstance(connection, projection, schema, status);
    });
  }

  /** Drops instances that nobody reads. What cannot be dropped now is, when the lease is taken the next time. */
  async #drop(instances: readonly { readonly schema: string }[]): Promise<void> {
    for (const { schema } of instances) await dropInstance(this.database, schema).catch(() => undefined);
  }
}

/**
 * Does something that can be gone on with where the database, or another process, was in the way.
 * @returns undefined if that was so.
 */
async function untroubled<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted || isPoison(error)) throw error;
    return undefined;
  }
}

async function servingOf(
  connection: Queryable,
  { projection, schema }: Instance,
  lock: Sql = nothing,
): Promise<Serving | undefined> {
  const [serving] = await connection.query<Serving>(sql`
    SELECT schema, version, position FROM projections
    WHERE name = ${projection.name} AND schema <> ${schema} AND status IN ('live', 'failed') ORDER BY schema LIMIT 1 ${lock}`);
  return serving;
}

function sameVersion({ projection }: Instance, serving: Serving | undefined): Serving {
  if (serving?.version === projection.version) return serving;
  throw new Error(
    `${projection.name} version ${projection.version} does not serve yet; it can be verified when it does`,
  );
}
