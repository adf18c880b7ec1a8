import pg from 'pg';
import { binaryArray } from '#libs/database/binary-array.js';
import { isConnectionError, sqlState } from '#libs/database/database.js';
import { checkAppend } from '../append-check.js';
import { contentDigest, metadataBytes, sha256 } from '../event-hash.js';
import { LogOverloaded, type AppendResult, type NewEvent } from '../event-store.js';

/** One caller's append, with everything computed that does not depend on the stream's state. */
export interface AppendItem {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  /** -1: any. */
  readonly expected: number;
  readonly metadata: readonly Buffer[];
  readonly bodyHashes: readonly Buffer[];
  readonly digests: readonly Buffer[];
  readonly bytes: number;
}

export type ItemOutcome =
  | { readonly outcome: 'ok'; readonly result: AppendResult }
  | { readonly outcome: 'conflict'; readonly actual: number }
  | { readonly outcome: 'duplicate' };

interface Waiting {
  readonly item: AppendItem;
  readonly resolve: (outcome: ItemOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupAppenderOptions {
  readonly url: string;
  /** Batches under way at once: while one commits, the next is prepared (default 2). */
  readonly connections?: number;
  /** Appends that may wait before further ones are refused (default 10,000). */
  readonly maxWaiting?: number;
  readonly onCommitted: (position: bigint) => void;
}

const MAX_ITEMS = 500;
const MAX_BYTES = 4_000_000;
const MAX_TRIES = 5;
const UNIQUE_VIOLATION = '23505';

/** The answer stays the text that Postgres sends: `{0,17,4711,…}`, three numbers an item. */
const AS_TEXT = { rowMode: 'array', types: { getTypeParser: () => (text: string) => text } } as const;
const APPEND_ONE = {
  ...AS_TEXT,
  name: 'append_event',
  text: 'SELECT append_event($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)',
};
const APPEND_MANY = {
  ...AS_TEXT,
  name: 'append_events',
  text: 'SELECT append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)',
};

/** By the number that append_events answers. */
const OUTCOMES = ['ok', 'conflict', 'duplicate'] as const;

/**
 * Every statement of append_events looks a few rows up by key, so one plan is right for ever; and a plan that was made
 * while `streams` was small must not go on reading all of it when it has grown.
 */
const SETTINGS = 'SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off';

/**
 * Prepares an append: the bytes and hashes are computed before the item waits for its turn.
 * @throws RangeError, EventTooLarge or AppendTooLarge for what no engine takes.
 */
export function appendItem(stream: string, events: readonly NewEvent[], expected: number): AppendItem {
  const metadata: Buffer[] = [];
  const bodyHashes: Buffer[] = [];
  const digests: Buffer[] = [];
  let bytes = 0;
  for (const event of events) {
    const meta = metadataBytes(event.metadata);
    const bodyHash = sha256(event.body);
    metadata.push(meta);
    bodyHashes.push(bodyHash);
    digests.push(contentDigest(stream, event, meta, bodyHash));
    bytes += meta.length + event.body.length + 200;
  }
  checkAppend(stream, events, metadata);
  return { stream, events, expected, metadata, bodyHashes, digests, bytes };
}

/**
 * Groups the appends that wait into one call of one function and one commit. The function locks the counter row first
 * and then checks each item, so positions are gapless and one conflict fails no neighbour.
 */
export class GroupAppender {
  readonly #waiting: Waiting[] = [];
  readonly #idle: pg.Client[] = [];
  #underWay = 0;
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(private readonly options: GroupAppenderOptions) {}

  append(item: AppendItem): Promise<ItemOutcome> {
    if (this.#closed) return Promise.reject(new Error('the event store is closed'));
    if (this.#waiting.length >= (this.options.maxWaiting ?? 10_000)) {
      return Promise.reject(new LogOverloaded(this.#waiting.length));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
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
    await Promise.all(this.#idle.splice(0).map((client) => client.end().catch(() => undefined)));
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
      const batch = this.#nextBatch();
      this.#underWay += 1;
      void this.#write(batch, false, 1).finally(() => {
        this.#underWay -= 1;
        this.#pump();
      });
    }
    if (this.#closed && this.#underWay === 0 && this.#waiting.length === 0) this.#drained?.();
  }

  #nextBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && count < MAX_ITEMS) {
      bytes += this.#waiting[count]!.item.bytes;
      if (count > 0 && bytes > MAX_BYTES) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /** Writes a batch; after an unclear failure once more, looking the ids up first, because it may have been written. */
  async #write(batch: readonly Waiting[], probe: boolean, attempt: number): Promise<void> {
    let client: pg.Client | undefined;
    try {
      client = await this.#connect();
      const { rows } = await client.query<[string]>(statement(batch, probe));
      this.#idle.push(client);
      this.#answer(batch, rows[0]![0].slice(1, -1).split(','));
    } catch (error) {
      if (client) this.#discard(client, error);
      const unclear = isConnectionError(error);
      if (attempt < MAX_TRIES && (unclear || sqlState(error) === UNIQUE_VIOLATION)) {
        if (unclear) await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** attempt));
        return this.#write(batch, true, attempt + 1);
      }
      // One bad item must not fail its neighbours: alone, each gets its own answer.
      if (batch.length > 1 && !unclear) {
        for (const one of batch) await this.#write([one], true, attempt);
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
    const client = new pg.Client({ connectionString: this.options.url, application_name: 'makima-log' });
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

/** The call that writes a batch. One event without a look for its id, by far the most frequent, has a cheaper one. */
function statement(batch: readonly Waiting[], probe: boolean): pg.QueryArrayConfig {
  const [{ item }] = batch as readonly [Waiting];
  return batch.length === 1 && item.events.length === 1 && !probe
    ? { ...APPEND_ONE, values: oneEvent(item) }
    : { ...APPEND_MANY, values: manyEvents(batch, probe) };
}

function oneEvent({ stream, expected, events, metadata, bodyHashes, digests }: AppendItem): unknown[] {
  const { id, type, schemaVersion, metadata: meta, body } = events[0]!;
  return [
    stream,
    meta.ownerId,
    expected,
    id,
    type,
    schemaVersion,
    metadata[0],
    body,
    bodyHashes[0],
    digests[0],
  ];
}

function manyEvents(batch: readonly Waiting[], probe: boolean): unknown[] {
  const items = batch.map(({ item }) => item);
  const events = items.flatMap((item) => item.events);
  return [
    binaryArray(
      'text',
      items.map((item) => item.stream),
    ),
    binaryArray(
      'uuid',
      items.map((item) => item.events[0]!.metadata.ownerId),
    ),
    binaryArray(
      'int8',
      items.map((item) => item.expected),
    ),
    binaryArray(
      'int4',
      items.map((item) => item.events.length),
    ),
    binaryArray(
      'uuid',
      events.map((event) => event.id),
    ),
    binaryArray(
      'text',
      events.map((event) => event.type),
    ),
    binaryArray(
      'int2',
      events.map((event) => event.schemaVersion),
    ),
    binaryArray(
      'bytea',
      items.flatMap((item) => item.metadata),
    ),
    binaryArray(
      'bytea',
      events.map((event) => event.body),
    ),
    binaryArray(
      'bytea',
      items.flatMap((item) => item.bodyHashes),
    ),
    binaryArray(
      'bytea',
      items.flatMap((item) => item.digests),
    ),
    probe,
  ];
}
