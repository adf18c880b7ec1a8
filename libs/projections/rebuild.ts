import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Queryable } from '#libs/database/database.js';
import { nothing, sql, type Sql } from '#libs/database/sql.js';
import { newId } from '#libs/kernel/ids.js';
import { compareTables, type TableComparison } from './comparison.js';
import { createInstance, dropInstance, isPoison, type Instance, type InstanceStatus } from './instance.js';
import type { Projection } from './projection.js';
import type { ProjectionRunner } from './runner.js';
import { ScratchClaim } from './scratch-claim.js';
import { showIn } from './view.js';

/** Told how far a rebuild is: the position reached, and the one to reach. */
export type Progress = (position: bigint, target: bigint) => void;

/** The instance that people read. */
interface Serving {
  readonly schema: string;
  readonly version: number;
  readonly position: bigint;
}

const PROGRESS_MS = 200;
const RETRY_MS = 500;
/** Between two looks at whether an instance has caught up with the one that it is beside. */
const JOIN_MS = 20;
/** A rest that was caught up with in this time is short enough for the serving instance to wait for. */
const SHORT_MS = 30;
/** Rounds of catching up before the serving instance has to wait however long the rest is: else it might never end. */
const MOST_ROUNDS = 50;

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
  /** What this process builds now: taking the lease anew, it must not begin with the same a second time. */
  readonly #underWay = new Set<string>();
  readonly #claim: ScratchClaim;

  constructor(
    private readonly database: Database,
    private readonly runner: ProjectionRunner,
  ) {
    this.#claim = new ScratchClaim(database);
  }

  /**
   * Builds projections from the log's beginning while the present ones serve, then swaps them. They read the log
   * together, once.
   */
  async rebuild(projections: readonly Projection[], progress: Progress, signal: AbortSignal): Promise<void> {
    const group = scratchOf(projections, 'building');
    await this.#claimed(group, async () => {
      await this.#create(group);
      try {
        await this.#catchUp(group, await this.runner.head(), progress, signal);
        for (const instance of group) await this.#serve(instance, signal);
      } catch (error) {
        // What a stop interrupts goes on at the next start; what failed leaves nothing behind.
        if (!signal.aborted) await this.#drop(group.map(({ schema }) => schema));
        throw error;
      }
    });
  }

  /**
   * Goes on with an instance whose building was interrupted, until it serves. Trouble of the database is waited out.
   * @returns false if this process builds it already.
   */
  async resume(instance: Instance, signal: AbortSignal): Promise<boolean> {
    if (this.#underWay.has(instance.schema)) return false;
    await this.#claimed([instance], async () => {
      await this.#persisting(instance, signal, async () => {
        if (instance.status !== 'building') return;
        await this.#catchUp([instance], await this.runner.head(), () => undefined, signal);
      });
      await this.#serve(instance, signal);
    });
    return true;
  }

  /**
   * Builds projections in scratch schemas and compares their tables with those that serve, at the same position.
   * @throws Error when another version serves, or an event cannot be taken.
   */
  async verify(
    projections: readonly Projection[],
    progress: Progress,
    signal: AbortSignal,
  ): Promise<readonly TableComparison[]> {
    const group = scratchOf(projections, 'retired');
    return this.#claimed(group, async () => {
      await this.#create(group);
      try {
        await this.#catchUp(group, await this.#lowestServing(group), progress, signal);
        const comparisons: TableComparison[] = [];
        for (const instance of group) comparisons.push(...(await this.#compare(instance, signal)));
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
    await this.#claim.unlessHeld(async (connection) => {
      const left = await connection.query<{ schema: string }>(sql`
        SELECT n.nspname AS schema FROM pg_namespace n LEFT JOIN projections p ON p.schema = n.nspname
        WHERE n.nspname ~ ${`^(${names})_v[0-9]+(_[0-9a-z]+)?$`} AND (p.schema IS NULL OR p.status = 'retired')`);
      await this.#drop(left.map(({ schema }) => schema));
    });
  }

  async #claimed<T>(group: readonly Instance[], work: () => Promise<T>): Promise<T> {
    for (const { schema } of group) this.#underWay.add(schema);
    try {
      return await this.#claim.during(work);
    } finally {
      for (const { schema } of group) this.#underWay.delete(schema);
    }
  }

  /** Makes an instance the one that people read. */
  #serve(instance: Instance, signal: AbortSignal): Promise<void> {
    return this.#persisting(instance, signal, () =>
      this.#inTurn(() => this.#claim.alone(instance.projection.name, () => this.#swap(instance, signal))),
    );
  }

  /**
   * Beside one of its own version the instance follows the log from now on, so that it does not matter which of the two
   * a view shows. A former version stands still, and is replaced as it is. Each view is replaced by itself: whoever
   * replaced several at once would wait for readers who wait for them.
   */
  async #swap(instance: Instance, signal: AbortSignal): Promise<void> {
    const { projection, schema } = instance;
    if (instance.status === 'building') {
      await this.#approach(instance, () => this.runner.head(), signal);
      const beside = await servingOf(this.database, instance);
      if (beside?.version === projection.version) await this.#join(instance, signal);
    }
    for (const view of Object.keys(projection.views)) await showIn(this.database, projection, schema, view);
    const former = await this.database.query<{ schema: string }>(sql`
      UPDATE projections SET status = CASE schema WHEN ${schema} THEN 'live' ELSE 'retired' END, error = NULL, updated_at = now()
      WHERE name = ${projection.name} AND (schema = ${schema} OR status IN ('live', 'failed')) RETURNING schema`);
    await this.runner.refresh();
    await this.#drop(former.filter((row) => row.schema !== schema).map((row) => row.schema));
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
  #compare(instance: Instance, signal: AbortSignal): Promise<readonly TableComparison[]> {
    return this.#inTurn(async () => {
      await this.#approach(instance, () => this.#lowestServing([instance]), signal);
      const comparing = async (snapshot: Queryable): Promise<readonly TableComparison[]> => {
        const schema = await this.#level(instance, signal, async (serving) => {
          await snapshot.query(sql`SELECT FROM projections`);
          return sameVersion(instance, serving).schema;
        });
        return compareTables(snapshot, instance.projection, schema, instance.schema);
      };
      return this.database.transaction(comparing, { snapshot: true });
    });
  }

  #turn: Promise<unknown> = Promise.resolve();

  /** One at a time: each needs several connections, and the pool has only so many. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Catches up with something that goes on, until what is left takes but a moment. */
  async #approach(instance: Instance, target: () => Promise<bigint>, signal: AbortSignal): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const begin = performance.now();
      await this.#reach([instance], await target(), signal);
      if (performance.now() - begin < SHORT_MS) return;
    }
  }

  /** Holds the serving instance where it stands, brings the other one there, and does something with both. */
  #level<T>(
    instance: Instance,
    signal: AbortSignal,
    work: (serving: Serving | undefined) => Promise<T>,
  ): Promise<T> {
    return this.database.transaction(async (connection) => {
      const serving = await servingOf(connection, instance, sql`FOR UPDATE`);
      await this.#reach([instance], serving?.position ?? 0n, signal);
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

  /** Tries again, from where the instance stands by then, for as long as nothing but the database is in the way. */
  async #persisting<T>(instance: Instance, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const [row] = await this.database.query<{ position: bigint; status: InstanceStatus }>(
          sql`SELECT position, status FROM projections WHERE schema = ${instance.schema}`,
        );
        if (!row || row.status === 'retired') throw new Error('another rebuild has taken its place');
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
        await createInstance(connection, projection, schema, status);
    });
  }

  /** Drops instances that nobody reads. What cannot be dropped now is, when the lease is taken the next time. */
  async #drop(schemas: readonly string[]): Promise<void> {
    for (const schema of schemas) await dropInstance(this.database, schema).catch(() => undefined);
  }

  async #catchUp(
    group: readonly Instance[],
    target: bigint,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void> {
    const timer = setInterval(() => progress(group[0]?.position ?? target, target), PROGRESS_MS);
    try {
      await this.#reach(group, target, signal);
    } finally {
      clearInterval(timer);
    }
    progress(target, target);
  }

  /** @throws Error when the server stops, or an event stops one of the group. */
  async #reach(group: readonly Instance[], target: bigint, signal: AbortSignal): Promise<void> {
    await this.runner.catchUp(group, target, signal);
    if (signal.aborted) throw new Error('the server stopped; a rebuild goes on at its next start');
    const stopped = group.find(({ failure }) => failure);
    if (!stopped?.failure) return;
    const { eventId, type, message } = stopped.failure;
    throw new Error(`${stopped.projection.name} stopped at event ${eventId} (${type}): ${message}`);
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
