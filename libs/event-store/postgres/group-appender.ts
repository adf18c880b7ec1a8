import pg from 'pg';
import { closed, connectionConfig, SESSION, type Timeouts } from '#libs/database/connection.js';
import { isConnectionError, isTooSlow, sqlState } from '#libs/database/database.js';
import type { AppendResult } from '../event-store.js';
import { AppendQueue, type Waiting as WaitingFor } from './append-queue.js';
import { statement, type AppendItem } from './append-statement.js';

export type ItemOutcome =
  | { readonly outcome: 'ok'; readonly result: AppendResult }
  | { readonly outcome: 'conflict'; readonly actual: number }
  | { readonly outcome: 'duplicate' };

type Waiting = WaitingFor<ItemOutcome>;

export interface GroupAppenderOptions {
  readonly url: string;
  /** Batches under way at once: while one commits, the next is prepared (default 2). */
  readonly connections?: number;
  /** Appends that may wait before further ones are refused (default 10,000). */
  readonly maxWaiting?: number;
  /** Their bytes (default 64 MB). */
  readonly maxWaitingBytes?: number;
  readonly timeouts?: Timeouts;
  readonly onCommitted: (position: bigint) => void;
}

const APPEND_TIMEOUTS: Timeouts = { connectMs: 5_000, statementMs: 15_000 };
const MAX_TRIES = 5;
const UNIQUE_VIOLATION = '23505';

/** By the number that append_events answers. */
const OUTCOMES = ['ok', 'conflict', 'duplicate'] as const;

/**
 * Every statement of append_events looks a few rows up by key, so one plan is right for ever; and a plan that was made
 * while `streams` was small must not go on reading all of it when it has grown.
 */
const SETTINGS = 'SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off';

interface Try {
  /** Whether to look first for events that may have been written already. */
  readonly probe: boolean;
  readonly attempt: number;
  /** When the first try began. */
  readonly since: number;
}

/**
 * Groups the appends that wait into one call of one function and one commit. The function locks the counter row first
 * and then checks each item, so positions are gapless and one conflict fails no neighbour.
 */
export class GroupAppender {
  readonly #waiting: AppendQueue<ItemOutcome>;
  readonly #timeouts: Timeouts;
  readonly #idle: pg.Client[] = [];
  #underWay = 0;
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(private readonly options: GroupAppenderOptions) {
    this.#timeouts = options.timeouts ?? APPEND_TIMEOUTS;
    this.#waiting = new AppendQueue({
      items: options.maxWaiting ?? 10_000,
      bytes: options.maxWaitingBytes ?? 64_000_000,
      ageMs: this.#timeouts.statementMs,
    });
  }

  append(item: AppendItem): Promise<ItemOutcome> {
    if (this.#closed) return Promise.reject(new Error('the event store is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.add({ item, resolve, reject });
      if (this.#waiting.length === 1) this.#pumpSoon();
    });
  }

  /** Waits for the appends under way and closes the connections. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#waiting.length > 0 || this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        this.#pump();
      });
    }
    await Promise.all(this.#idle.splice(0).map((client) => closed(client.end())));
  }

  /**
   * Callers that one answer woke go together: a tick comes after all of their continuations. While a batch is under
   * way there is time to gather those that other I/O of this turn wakes, too.
   */
  #pumpSoon(): void {
    if (this.#underWay === 0) process.nextTick(() => this.#pump());
    else setImmediate(() => this.#pump());
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#underWay < (this.options.connections ?? 2)) {
      const batch = this.#waiting.next();
      this.#underWay += 1;
      void this.#write(batch, { probe: false, attempt: 1, since: performance.now() }).finally(() => {
        this.#underWay -= 1;
        this.#waiting.refuseOld();
        this.#pump();
      });
    }
    if (this.#closed && this.#underWay === 0 && this.#waiting.length === 0) this.#drained?.();
  }

  /** Writes a batch; after an unclear failure once more, looking the ids up first, because it may have been written. */
  async #write(batch: readonly Waiting[], { probe, attempt, since }: Try): Promise<void> {
    let client: pg.Client | undefined;
    try {
      client = await this.#connect();
      const items = batch.map(({ item }) => item);
      const { rows } = await client.query<[string]>(statement(items, probe));
      this.#idle.push(client);
      this.#answer(batch, rows[0]![0].slice(1, -1).split(','));
    } catch (error) {
      if (client) this.#discard(client, error);
      const unclear = isConnectionError(error);
      const again = attempt < MAX_TRIES && performance.now() - since < this.#timeouts.statementMs;
      if (again && (unclear || sqlState(error) === UNIQUE_VIOLATION)) {
        if (unclear) await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** attempt));
        return this.#write(batch, { probe: true, attempt: attempt + 1, since });
      }
      // One bad item must not fail its neighbours: alone, each gets its own answer.
      if (batch.length > 1 && !unclear && !isTooSlow(error)) {
        for (const one of batch) await this.#write([one], { probe: true, attempt, since: performance.now() });
        return;
      }
      for (const { reject } of batch) reject(error);
    }
  }

  /** `numbers`: outcome, version and position of each item. */
  #answer(batch: readonly Waiting[], numbers: readonly string[]): void {
    let committed = 0n;
    batch.forEach(({ resolve }, index) => {
      const outcome = OUTCOMES[Number(numbers[index * 3])]!;
      const version = Number(numbers[index * 3 + 1]);
      if (outcome === 'ok') {
        committed = BigInt(numbers[index * 3 + 2]!);
        resolve({ outcome, result: { version, position: committed, repeated: false } });
      } else if (outcome === 'conflict') resolve({ outcome, actual: version });
      else resolve({ outcome });
    });
    if (committed > 0n) this.options.onCommitted(committed);
  }

  async #connect(): Promise<pg.Client> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    const client = new pg.Client({
      connectionString: this.options.url,
      application_name: 'makima-log',
      options: SESSION,
      ...connectionConfig(this.#timeouts),
    });
    client.on('error', () => {
      const at = this.#idle.indexOf(client);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    try {
      await client.connect();
      await client.query(SETTINGS);
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
    return client;
  }

  #discard(client: pg.Client, error: unknown): void {
    if (error instanceof pg.DatabaseError && !isConnectionError(error)) this.#idle.push(client);
    else void client.end().catch(() => undefined);
  }
}
