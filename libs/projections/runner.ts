import { setTimeout as delay } from 'node:timers/promises';
import { isConnectionError, type Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import type { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore, StoredEvent } from '#libs/event-store/event-store.js';
import type { Recorded } from '#libs/kernel/event.js';
import {
  PositionMoved,
  advance,
  createInstance,
  findPoison,
  isPoison,
  markFailed,
  type Instance,
  type InstanceStatus,
} from './instance.js';
import { Progress } from './progress.js';
import type { Projection } from './projection.js';

export interface RunnerOptions {
  readonly database: Database;
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly projections: readonly Projection[];
  /** Events a transaction (default 1,000). */
  readonly batchSize?: number;
  readonly log?: (line: string) => void;
  /** Called with the instances whose building was not finished, when this process takes the lease. */
  readonly onLead?: (building: readonly Instance[]) => void;
}

const RETRY_MS = 250;
/** How often a process asks for the lease that another one holds. */
const LEASE_MS = 1_000;
/** The key of the advisory lock that says which process runs the projections. */
const LEASE_KEY = 7_420_001;

/**
 * Runs the projections from the log into their tables. Those that stand together read the log once and move in one
 * transaction; a poison event stops its projection alone. One process at a time holds the lease; another takes over
 * when it goes.
 */
export class ProjectionRunner {
  readonly #instances: Instance[] = [];
  readonly #stop = new AbortController();
  readonly #progress: Progress;
  #loop: Promise<void> = Promise.resolve();

  constructor(private readonly options: RunnerOptions) {
    this.#progress = new Progress(this, options.database.options.url);
  }

  /** Creates what is missing and starts to follow the log. */
  async start(): Promise<void> {
    await this.#prepare();
    this.#progress.listen();
    this.#loop = this.#lead();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#progress.close();
  }

  /** Aborts when the runner stops. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** The instances that serve, for tests and the admin's view. */
  get instances(): readonly Instance[] {
    return this.#instances;
  }

  /**
   * Waits until what people read reflects a position, or the time is over.
   * @returns whether it does.
   */
  caughtUp(position: bigint, timeoutMs: number, names?: readonly string[]): Promise<boolean> {
    return this.#progress.caughtUp(position, timeoutMs, names);
  }

  /** The position now and whenever it moves. */
  positions(signal: AbortSignal): AsyncIterable<bigint> {
    return this.#progress.positions(signal);
  }

  /** Whether a projection has stopped at an event. */
  hasStopped(name: string): boolean {
    return this.#instances.some((i) => i.projection.name === name && i.status === 'failed');
  }

  /** The position that everything which serves (or what is named) reflects. */
  async lowest(names?: readonly string[]): Promise<bigint> {
    const mine = this.#instances.filter(
      (i) => i.status === 'live' && (!names || names.includes(i.projection.name)),
    );
    const inMemory = mine.reduce((low, i) => (i.position < low ? i.position : low), mine[0]?.position ?? 0n);
    if (this.#leading) return inMemory;
    const [row] = await this.options.database.query<{ position: bigint | null }>(sql`
      SELECT min(position) AS position FROM projections
      WHERE status = 'live' AND (${names ?? null}::text[] IS NULL OR name = ANY (${names ?? null}))`);
    return row?.position ?? 0n;
  }

  #leading = false;

  /** Adopts what the database holds; a projection that has no instance of its version yet gets one. */
  async #prepare(): Promise<void> {
    const { database, projections } = this.options;
    await database.transaction(async (connection) => {
      await connection.query(sql`SELECT pg_advisory_xact_lock(${LEASE_KEY + 1})`);
      const rows = await connection.query<{ name: string; version: number; status: InstanceStatus }>(
        sql`SELECT name, version, status FROM projections WHERE status <> 'retired'`,
      );
      for (const projection of projections) {
        const ofName = rows.filter((row) => row.name === projection.name);
        if (ofName.some((row) => row.version === projection.version)) continue;
        const serving = ofName.some((row) => row.status === 'live' || row.status === 'failed');
        const schema = `${projection.name}_v${projection.version}`;
        await createInstance(connection, projection, schema, serving ? 'building' : 'live');
      }
    });
    await this.#reload();
  }

  async #reload(): Promise<void> {
    const rows = await this.options.database.query<{
      name: string;
      version: number;
      schema: string;
      position: bigint;
      status: InstanceStatus;
    }>(
      sql`SELECT name, version, schema, position, status FROM projections WHERE status IN ('live', 'building', 'failed')`,
    );
    this.#instances.length = 0;
    for (const row of rows) {
      const projection = this.options.projections.find(
        (p) => p.name === row.name && p.version === row.version,
      );
      if (projection)
        this.#instances.push({ projection, schema: row.schema, position: row.position, status: row.status });
    }
  }

  /** Takes the lease when it is free, and follows the log while it holds it. */
  async #lead(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let pauseMs = RETRY_MS;
      try {
        await this.options.database.withConnection(async (connection) => {
          const [row] = await connection.query<{ mine: boolean }>(
            sql`SELECT pg_try_advisory_lock(${LEASE_KEY}) AS mine`,
          );
          if (!row?.mine) return void (pauseMs = LEASE_MS);
          try {
            await this.#reload();
            this.#leading = true;
            this.options.onLead?.(this.#instances.filter(({ status }) => status === 'building'));
            await this.#follow();
          } finally {
            this.#leading = false;
            await connection.query(sql`SELECT pg_advisory_unlock(${LEASE_KEY})`);
          }
        });
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (!isConnectionError(error) && !(error instanceof PositionMoved)) this.#complain(error as Error);
      }
      await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Says what keeps the projections from going on: once, however often it is tried again. */
  #complain({ message }: Error): void {
    if (message === this.#complaint) return;
    this.#complaint = message;
    this.options.log?.(`projections: ${message}`);
  }
  #complaint = '';

  /** Follows the log with those that stand furthest; the ones behind catch up beside it and join. */
  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const signal = AbortSignal.any([this.#stop.signal, this.#regroup.signal]);
      let cursor = this.#serving().reduce((high, i) => (i.position > high ? i.position : high), 0n);
      const batchSize = this.#batchSize;
      for await (const batch of this.options.store.subscribe({ after: cursor, signal, batchSize })) {
        await this.#gather(cursor, signal);
        const last = batch.at(-1);
        if (!last) continue;
        await this.#advance(
          this.#serving().filter((i) => i.position === cursor),
          batch,
        );
        cursor = last.position;
      }
    }
  }

  get #batchSize(): number {
    return this.options.batchSize ?? 1_000;
  }

  #serving(): readonly Instance[] {
    return this.#instances.filter((instance) => instance.status === 'live');
  }

  readonly #behind = new Set<Instance>();

  /** Brings those that are behind up to the cursor: at once if it is a few batches, else beside the others. */
  async #gather(cursor: bigint, signal: AbortSignal): Promise<void> {
    for (const instance of this.#serving()) {
      if (instance.position >= cursor || this.#behind.has(instance)) continue;
      if (await this.catchUp([instance], cursor, signal, 3)) continue;
      this.#behind.add(instance);
      void this.catchUp([instance], cursor, signal)
        .catch((error: Error) =>
          this.options.log?.(`projection ${instance.projection.name}: ${error.message}`),
        )
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
    const read = (after: bigint) => this.options.store.readAll({ after, upTo: to, limit: this.#batchSize });
    let next = position() < to ? read(position()) : undefined;
    for (let batches = 0; next && position() < to; batches += 1) {
      const page = await next;
      if (signal.aborted || batches >= maxBatches) return false;
      const last = page.at(-1)?.position;
      next = last !== undefined && last < to ? read(last) : undefined;
      // What is read ahead may fail before anybody waits for it.
      next?.catch(() => undefined);
      if (last === undefined) await advance(this.options.database, group, [], to);
      else await this.#advance(group, page);
      if (group.some(({ status }) => status === 'failed')) return false;
    }
    return true;
  }

  #regroup = new AbortController();

  /** Makes the runner look again at which instances there are, after an admin changed them. */
  async refresh(): Promise<void> {
    const regroup = this.#regroup;
    this.#regroup = new AbortController();
    await this.#reload();
    regroup.abort();
  }

  async #advance(group: readonly Instance[], stored: readonly StoredEvent[]): Promise<void> {
    const events = this.decode(stored);
    const to = stored.at(-1)!.position;
    try {
      await advance(this.options.database, group, events, to);
    } catch (error) {
      if (!isPoison(error)) throw error;
      for (const instance of group) await this.#advanceAlone(instance, events, to);
    }
    this.#complaint = '';
    this.#progress.announce();
  }

  async #advanceAlone(instance: Instance, events: readonly Recorded[], to: bigint): Promise<void> {
    try {
      await advance(this.options.database, [instance], events, to);
    } catch (error) {
      if (!isPoison(error)) throw error;
      const failure = await findPoison(this.options.database, instance, events, to);
      if (!failure) return;
      await markFailed(this.options.database, instance, failure);
      this.options.log?.(
        `projection ${instance.projection.name} stopped at event ${failure.eventId} (${failure.type}): ${failure.message}`,
      );
    }
  }

  /** Decodes a batch; events that no projection handles are passed over without being parsed. */
  decode(stored: readonly StoredEvent[]): readonly Recorded[] {
    return stored.filter((event) => this.#handled.has(event.type)).map((event) => this.#decoded(event));
  }

  /** An event that cannot be decoded fails those that look into it, and them alone. */
  #decoded(stored: StoredEvent): Recorded {
    try {
      return this.options.codec.decode(stored);
    } catch (cause) {
      const { id, type, stream, version, position, recordedAt, metadata } = stored;
      const event = Object.defineProperty({ type, data: undefined }, 'data', {
        get: () => {
          throw new Error(`event ${id} cannot be read: ${(cause as Error).message}`, { cause });
        },
      });
      return { event, id, stream, version, position, recordedAt, metadata };
    }
  }

  get #handled(): ReadonlySet<string> {
    return (this.#handledTypes ??= new Set(this.options.projections.flatMap((p) => p.handles)));
  }
  #handledTypes: ReadonlySet<string> | undefined;

  /** Position of the log's last event. */
  head(): Promise<bigint> {
    return this.options.store.head();
  }

  /** The projections that this version of makima has. */
  get projections(): readonly Projection[] {
    return this.options.projections;
  }

  /**
   * Lets a failed projection go on after the event that stopped it.
   * @returns the position that it goes on from, or null if it has not failed at that event.
   */
  async skip(name: string, eventId: string): Promise<bigint | null> {
    const rows = await this.options.database.query<{ position: bigint }>(sql`
      UPDATE projections SET position = (error ->> 'position')::bigint, status = 'live', error = NULL, updated_at = now()
      WHERE name = ${name} AND status = 'failed' AND error ->> 'eventId' = ${eventId} RETURNING position`);
    if (rows.length > 0) await this.refresh();
    return rows[0]?.position ?? null;
  }
}
