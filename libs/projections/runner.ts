import { setTimeout as delay } from 'node:timers/promises';
import { isConnectionError, type Database, type Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import type { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { advance, advanceOrStop, isPoison, PositionMoved, type Instance } from './instance.js';
import { Instances, standingLine, type Standstill } from './instances.js';
import { LogPages, type LogPage } from './log-pages.js';
import { Progress } from './progress.js';
import { Tidying } from './tidying.js';
import type { Projection } from './projection.js';

export interface RunnerOptions {
  readonly database: Database;
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly projections: readonly Projection[];
  /** Events a transaction (default 1,000). */
  readonly batchSize?: number;
  readonly log?: (line: string) => void;
  /** False: this process leaves the projections to others, and only knows how far they are (default true). */
  readonly leads?: boolean;
  /** Called with instances whose building has to go on: when this process takes the lease, or an admin lets one go on. */
  readonly onUnfinished?: (building: readonly Instance[]) => void;
}

const RETRY_MS = 250;
/** How often a process asks for the lease that another one holds. */
const LEASE_MS = 1_000;
/** How often the process that leads looks whether another one has changed which instances serve. */
const WATCH_MS = 1_000;
/** The key of the advisory lock that says which process runs the projections. */
const LEASE_KEY = 7_420_001;

/**
 * Runs the projections from the log into their tables. Those that stand together read the log once and move in one
 * transaction; a poison event stops its projection alone. One process at a time holds the lease; another takes over
 * when it goes.
 */
export class ProjectionRunner {
  readonly #instances: Instances;
  readonly #pages: LogPages;
  readonly #stop = new AbortController();
  readonly #progress: Progress;
  readonly #tidying: Tidying;
  #loop: Promise<void> = Promise.resolve();

  constructor(private readonly options: RunnerOptions) {
    const { database, store, codec, projections, batchSize = 1_000 } = options;
    this.#instances = new Instances(database, projections);
    this.#pages = new LogPages(store, codec, projections, batchSize);
    this.#progress = new Progress(this, options.database.options.url);
    this.#tidying = new Tidying(database);
  }

  /** Creates what is missing, says what stands still, and starts to follow the log. */
  async start(): Promise<void> {
    await this.#instances.prepare();
    const head = await this.head();
    for (const one of this.standing) this.options.log?.(standingLine(one, head));
    this.#progress.listen();
    this.#loop = this.#lead();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#tidying.stop();
    await this.#loop;
    await this.#progress.close();
  }

  /** Aborts when the runner stops. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** The instances of this version of makima: those that serve and those that are being built. */
  get instances(): readonly Instance[] {
    return this.#instances.all;
  }

  /** The projections that people read and that stand still. */
  get standing(): readonly Standstill[] {
    return this.#instances.standing;
  }

  /**
   * Waits until what goes on, or the projections named, reflect a position, or the time is over; not at all for one that
   * stands still below it.
   * @returns whether they do.
   */
  caughtUp(position: bigint, timeoutMs: number, names?: readonly string[]): Promise<boolean> {
    return this.#progress.caughtUp(position, timeoutMs, names);
  }

  /** Whether one of the projections named stands still below a position. */
  standsBelow(position: bigint, names: readonly string[]): boolean {
    return this.standing.some((one) => names.includes(one.projection.name) && one.position < position);
  }

  /** The position that everything which goes on reflects, and what is named even if it stands still. */
  async reflected(names: readonly string[]): Promise<bigint> {
    const [all, named] = await Promise.all([this.lowest(), this.lowest(names)]);
    return all < named ? all : named;
  }

  /** The same now and whenever it moves. */
  positions(signal: AbortSignal, names: readonly string[]): AsyncIterable<bigint> {
    return this.#progress.positions(signal, names);
  }

  /**
   * The position that everything which goes on reflects. Of projections that are named: what they reflect, whether they
   * go on or not.
   */
  async lowest(names?: readonly string[]): Promise<bigint> {
    const isMeant = ({ projection }: { readonly projection: Projection }): boolean =>
      !names || names.includes(projection.name);
    const moving = this.#instances.moving.filter(isMeant);
    const standing = names || moving.length === 0 ? this.standing.filter(isMeant) : [];
    const stored =
      this.#leading || moving.length === 0 ? null : ((await this.#instances.lowestStored(names)) ?? 0n);
    const positions = [...(stored === null ? moving : [{ position: stored }]), ...standing];
    return (
      positions.reduce<bigint | null>(
        (low, { position }) => (low === null || position < low ? position : low),
        null,
      ) ?? 0n
    );
  }

  #leading = false;

  /** Takes the lease when it is free, and follows the log while it holds it. */
  async #lead(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let pauseMs = RETRY_MS;
      try {
        await this.options.database.withConnection(async (connection) => {
          const isMine = this.options.leads !== false && (await isLeaseTaken(connection));
          await this.#instances.reload();
          if (!isMine) return void (pauseMs = LEASE_MS);
          const watch = setInterval(() => void this.#watch(), WATCH_MS);
          try {
            this.#leading = true;
            this.options.onUnfinished?.(this.#instances.unfinished);
            await this.#follow();
          } finally {
            clearInterval(watch);
            this.#leading = false;
            await connection.query(sql`SELECT pg_advisory_unlock(${LEASE_KEY})`);
          }
        });
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#complain(error as Error);
      }
      await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /**
   * Says what keeps the projections from going on: once, however often it is tried again. A connection that ended, and
   * another process that was faster, keep nothing.
   */
  #complain(error: Error): void {
    const { message } = error;
    if (isConnectionError(error) || error instanceof PositionMoved || message === this.#complaint) return;
    this.#complaint = message;
    this.options.log?.(`projections: ${message}`);
  }
  #complaint = '';

  /** A swap, skip or retry by another process shows in the table alone. */
  async #watch(): Promise<void> {
    const changed = await this.#instances.differ().catch(() => false);
    if (changed) await this.refresh().catch(() => undefined);
  }

  /** Follows the log with those that stand furthest; the ones behind catch up beside it and join. */
  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const signal = AbortSignal.any([this.#stop.signal, this.#regroup.signal]);
      let cursor = this.#instances.moving.reduce((high, i) => (i.position > high ? i.position : high), 0n);
      for await (const page of this.#pages.follow(cursor, signal)) {
        await this.#gather(cursor, signal);
        if (!page) continue;
        await this.#advance(
          this.#instances.moving.filter((i) => i.position === cursor),
          page,
        );
        cursor = page.to;
      }
    }
  }

  readonly #behind = new Set<Instance>();

  /** Brings those that are behind up to the cursor: at once if it is a few batches, else beside the others. */
  async #gather(cursor: bigint, signal: AbortSignal): Promise<void> {
    for (const instance of this.#instances.moving) {
      if (instance.position >= cursor || this.#behind.has(instance)) continue;
      if (await this.catchUp([instance], cursor, signal, 3)) continue;
      this.#behind.add(instance);
      void this.catchUp([instance], cursor, signal)
        .catch((error: Error) => this.#complain(error))
        .finally(() => this.#behind.delete(instance));
    }
  }

  /**
   * Moves instances that stand together to a position; while a batch is written, the next one is read.
   * @returns false when it took more batches than allowed, or one of them stopped.
   */
  async catchUp(
    group: readonly Instance[],
    to: bigint,
    signal: AbortSignal,
    maxBatches = Infinity,
  ): Promise<boolean> {
    const position = (): bigint => group[0]?.position ?? to;
    let next = position() < to ? this.#pages.read(position(), to) : undefined;
    for (let batches = 0; next && position() < to; batches += 1) {
      const page = await next;
      if (signal.aborted || batches >= maxBatches) return false;
      next = page && page.to < to ? this.#pages.read(page.to, to) : undefined;
      // What is read ahead may fail before anybody waits for it.
      next?.catch(() => undefined);
      await this.#advance(group, page ?? { events: [], to });
      if (group.some(({ failure }) => failure)) return false;
    }
    return true;
  }

  #regroup = new AbortController();

  /** Makes the runner look again at which instances there are, after an admin changed them. */
  async refresh(): Promise<void> {
    const regroup = this.#regroup;
    this.#regroup = new AbortController();
    try {
      await this.#instances.reload();
    } finally {
      regroup.abort();
    }
  }

  async #advance(group: readonly Instance[], { events, to }: LogPage): Promise<void> {
    try {
      await advance(this.options.database, group, events, to);
    } catch (error) {
      if (!isPoison(error)) throw error;
      for (const instance of group) {
        const failure = await advanceOrStop(this.options.database, instance, events, to);
        if (!failure) continue;
        const { eventId, type, message } = failure;
        this.options.log?.(
          `projection ${instance.projection.name} stopped at event ${eventId} (${type}): ${message}`,
        );
      }
    }
    this.#complaint = '';
    this.#tidying.noted(group, events.length);
    this.#progress.announce();
  }

  /** Position of the log's last event. */
  head(): Promise<bigint> {
    return this.options.store.head();
  }

  /** The projections that this version of makima has. */
  get projections(): readonly Projection[] {
    return this.options.projections;
  }

  /**
   * Lets what an event has stopped go on: after the event (it is left out), or with the event once more.
   * @returns the position that it goes on from, or null if that event has not stopped it.
   */
  async release(projection: Projection, eventId: string, from: 'after' | 'with'): Promise<bigint | null> {
    const released = await this.#instances.release(projection, eventId, from);
    if (!released) return null;
    await this.refresh();
    if (released.status === 'building')
      this.options.onUnfinished?.(this.#instances.unfinished.filter((one) => one.projection === projection));
    return released.position;
  }
}

/** Takes the lease, unless another process holds it. */
async function isLeaseTaken(connection: Queryable): Promise<boolean> {
  const [row] = await connection.query<{ mine: boolean }>(
    sql`SELECT pg_try_advisory_lock(${LEASE_KEY}) AS mine`,
  );
  return row?.mine === true;
}
