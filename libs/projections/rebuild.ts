import { setTimeout as delay } from 'node:timers/promises';
import { isConnectionError, type Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { newId } from '#libs/kernel/ids.js';
import { approach, read, type Progress } from './catching-up.js';
import { whileClaimed } from './claim.js';
import type { TableComparison } from './comparison.js';
import type { Standstill } from './instances.js';
import { completeIndexes } from './indexes.js';
import {
  createInstance,
  dropInstance,
  isPoison,
  PositionMoved,
  type Instance,
  type InstanceStatus,
} from './instance.js';
import type { Projection } from './projection.js';
import type { ProjectionRunner } from './runner.js';
import { compareWithServing, lowestServing, servingOf } from './serving.js';
import { skippedBy, skipsOf, type Skip } from './skips.js';
import { showIn } from './view.js';

/** What building projections beside those that serve has shown. */
export interface Verification {
  readonly tables: readonly TableComparison[];
  /** Of those that stand still, the tables were compared up to there. */
  readonly standing: readonly Standstill[];
  readonly skipped: readonly Skip[];
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
    private readonly log: (line: string) => void = () => undefined,
  ) {}

  /**
   * Builds projections from the log's beginning while the present ones serve, then swaps them. They read the log
   * together, once.
   * @returns the events that they passed over.
   */
  async rebuild(
    projections: readonly Projection[],
    progress: Progress,
    signal: AbortSignal,
  ): Promise<readonly Skip[]> {
    const group = scratchOf(projections, 'building');
    try {
      const skipped = await this.#alone(projections, signal, async () => {
        const skips = await this.#create(group);
        await this.#untroubled(group[0]!, progress, signal, async () => {
          await read(this.runner, group, await this.runner.head(), progress, signal);
          for (const instance of group) await this.#finish(instance, progress, signal);
        });
        return skips;
      });
      for (const instance of group) await this.resume(instance, signal, progress);
      return skipped;
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
      const finished = await this.#untroubled(instance, progress, signal, finish);
      if (finished !== undefined) return finished;
      await delay(RETRY_MS, undefined, { signal });
    }
  }

  /**
   * Builds projections in scratch schemas and compares their tables with those that serve, at the same position.
   * @throws Error when another version serves, or an event cannot be taken.
   */
  verify(projections: readonly Projection[], progress: Progress, signal: AbortSignal): Promise<Verification> {
    const group = scratchOf(projections, 'retired');
    return this.#alone(projections, signal, async () => {
      const skipped = await this.#create(group);
      try {
        await read(this.runner, group, await lowestServing(this.database, group), progress, signal);
        const tables: TableComparison[] = [];
        const standing: Standstill[] = [];
        for (const instance of group) {
          progress('comparing', instance.position, instance.position);
          const compared = await compareWithServing(this.database, this.runner, instance, signal);
          tables.push(...compared.tables);
          const { position, failure } = compared.serving;
          if (failure) standing.push({ projection: instance.projection, position, failure });
        }
        return { tables, standing, skipped };
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

  /** @returns the events that they will pass over. */
  #create(group: readonly Instance[]): Promise<readonly Skip[]> {
    return this.database.transaction(async (connection) => {
      const projections = group.map(({ projection }) => projection);
      const skips = await skipsOf(connection, projections);
      for (const instance of group) {
        const { projection, schema, status } = instance;
        instance.skipped = skippedBy(projection, skips);
        await createInstance(connection, projection, schema, status);
      }
      return skips;
    });
  }

  /**
   * Does something that can be gone on with where the database, or another process, was in the way; says what was.
   * @returns undefined if that was so.
   */
  async #untroubled<T>(
    { projection: { name }, position }: Instance,
    progress: Progress,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || isPoison(error)) throw error;
      const { message } = error as Error;
      progress('waiting', position, position, message);
      // A connection that ended, and another process that was faster, are no news.
      const isNews = !isConnectionError(error) && !(error instanceof PositionMoved);
      if (isNews && this.#troubles.get(name) !== message)
        this.log(`building projection ${name} is tried again, because of this: ${message}`);
      this.#troubles.set(name, message);
      return undefined;
    }
  }

  /** What was last in the way, by projection: it is logged once. */
  readonly #troubles = new Map<string, string>();

  /** Drops instances that nobody reads. What cannot be dropped now is, when the lease is taken the next time. */
  async #drop(instances: readonly { readonly schema: string }[]): Promise<void> {
    for (const { schema } of instances) await dropInstance(this.database, schema).catch(() => undefined);
  }
}
