import { NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client';
import { checkAppend } from '../append-check.js';
import {
  EventIdConflict,
  EventStore,
  LogCorrupt,
  LogOverloaded,
  VersionConflict,
  type AppendResult,
  type ExpectedVersion,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type StoredEvent,
  type SubscribeOptions,
} from '../event-store.js';
import { CLOSED, Signal, pullSubscription } from '../pull-subscription.js';
import { Connection, isDefinite, pause } from './connection.js';
import { LogReader } from './log-reader.js';
import { link, prepare, type LinkedEvent, type PreparedEvent } from './stored-form.js';
import { StreamTails, advance, type Tail } from './stream-tails.js';
import { Turns } from './turns.js';
import { WakeUp } from './wake-up.js';

export interface EventStoreDbOptions {
  /** `esdb://[user:password@]host:port[,…][?tls=false…]` or `esdb+discover://…` */
  readonly url: string;
  /** How long to wait for the server at first, in milliseconds (default 8,000). */
  readonly connectMs?: number;
  /** How long a read waits for its next event, in milliseconds (default 30,000). */
  readonly idleMs?: number;
  /** How long an append is tried again while its outcome is unclear, in milliseconds (default 10,000). */
  readonly giveUpMs?: number;
  /** How long a subscription waits for a wake-up before it looks by itself, in milliseconds (default 1,000). */
  readonly pollMs?: number;
  /** Appends that may wait before further ones are refused (default 10,000). */
  readonly maxWaiting?: number;
  /** Event ids kept in memory over all streams, about 100 bytes each (default 500,000). */
  readonly maxIds?: number;
}

const PAGE = 1_000;
/** Found events that are at most so far apart are read in one go. */
const NEIGHBOURS = 50;
const MAX_TRIES = 100;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

type Outcome = { readonly position: bigint | undefined } | 'moved' | 'unclear';

/**
 * The log in EventStoreDB or KurrentDB: a position is an event's commit position. How an event is stored: see
 * stored-form.ts. Appends to one stream are made one after the other in each process, always with an exact expected
 * revision, so that every event is hashed onto the one before it. Streams must not be deleted or truncated.
 */
export class EventStoreDbEventStore extends EventStore {
  readonly #connection: Connection;
  readonly #tails: StreamTails;
  readonly #reader: LogReader;
  readonly #wakeUp: WakeUp;
  readonly #turns = new Turns();
  readonly #appended = new Signal();
  readonly #closing = new AbortController();

  private constructor(private readonly options: EventStoreDbOptions) {
    super();
    this.#connection = new Connection(options.url, options.idleMs ?? 30_000);
    this.#tails = new StreamTails(this.#connection, options.maxIds ?? 500_000);
    this.#reader = new LogReader(this.#connection);
    this.#wakeUp = new WakeUp(this.#connection.client, this.#appended);
  }

  /** @throws Error when the server cannot be reached; it names the server and the reason. */
  static async open(options: EventStoreDbOptions): Promise<EventStoreDbEventStore> {
    const store = new EventStoreDbEventStore(options);
    await store.#connection.connect(options.connectMs ?? 8_000);
    return store;
  }

  override async append(
    stream: string,
    events: readonly NewEvent[],
    { expected }: { readonly expected: ExpectedVersion },
  ): Promise<AppendResult> {
    this.#assertOpen();
    const prepared = events.map((event) => prepare(stream, event));
    checkAppend(stream, events, prepared.map(({ metadata }) => metadata));
    if (this.#turns.waiting >= (this.options.maxWaiting ?? 10_000)) throw new LogOverloaded(this.#turns.waiting);
    return this.#turns.take(stream, () => this.#append(stream, prepared, expected));
  }

  override async readStream(stream: string, options: ReadStreamOptions = {}): Promise<readonly StoredEvent[]> {
    this.#assertOpen();
    const { after = 0, upTo = Infinity, limit = Infinity } = options;
    const count = Math.min(limit, upTo - after);
    const found: StoredEvent[] = [];
    while (found.length < count) {
      const wanted = Math.min(PAGE, count - found.length);
      const page = await this.#tails.read(stream, after + found.length, wanted);
      found.push(...page);
      if (page.length < wanted) break;
    }
    return found;
  }

  override async findEvents(stream: string, ids: readonly string[]): Promise<readonly StoredEvent[]> {
    this.#assertOpen();
    return this.#turns.take(stream, async () => this.#find(stream, await this.#tails.current(stream), ids));
  }

  override async readAll(options: ReadAllOptions): Promise<readonly StoredEvent[]> {
    this.#assertOpen();
    return this.#reader.readAll(options);
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<readonly StoredEvent[]> {
    if (!this.#closing.signal.aborted) this.#wakeUp.start();
    return pullSubscription(
      {
        readAll: (page) => this.readAll(page),
        wakeUp: this.#appended,
        closing: this.#closing.signal,
        pollMs: this.options.pollMs ?? 1_000,
      },
      options,
    );
  }

  override async head(): Promise<bigint> {
    this.#assertOpen();
    return this.#reader.head();
  }

  override async positionAt(time: Date): Promise<bigint> {
    this.#assertOpen();
    return this.#reader.positionAt(time);
  }

  override async close(): Promise<void> {
    this.#closing.abort();
    this.#wakeUp.stop();
    await this.#turns.idle();
    await this.#connection.end();
  }

  /** Runs in the stream's turn. */
  async #append(
    stream: string,
    prepared: readonly PreparedEvent[],
    expected: ExpectedVersion,
  ): Promise<AppendResult> {
    const deadline = Date.now() + (this.options.giveUpMs ?? 10_000);
    const sent = new Set<string>();
    let tail = this.#tails.kept(stream);
    if (!tail || (expected !== 'any' && tail.version !== expected)) tail = await this.#tails.current(stream);
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const ids = prepared.map(({ event }) => event.id).filter((id) => tail!.ids.has(id));
      if (ids.length > 0) return this.#repetition(stream, tail, prepared, ids, sent);
      if (expected !== 'any' && tail.version !== expected) throw new VersionConflict(stream, expected, tail.version);
      const linked = link(prepared, tail);
      const outcome = await this.#send(stream, tail, linked);
      if (typeof outcome === 'object') {
        const { position = await this.#positionOf(stream, tail.version) } = outcome;
        this.#appended.notify();
        return { version: tail.version, position, repeated: false };
      }
      if (outcome === 'unclear') {
        sent.add(linked.at(-1)!.hash.toString('hex'));
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(tries, 10), LONGEST_PAUSE_MS));
      }
      tail = await this.#now(stream, deadline);
    }
    throw new LogOverloaded(this.#turns.waiting);
  }

  /** Sends an append with an exact expected revision, and moves the tail on when it was written. */
  async #send(stream: string, tail: Tail, linked: readonly LinkedEvent[]): Promise<Outcome> {
    const expectedRevision = tail.version === 0 ? NO_STREAM : BigInt(tail.version - 1);
    try {
      const data = linked.map((event) => event.data);
      const result = await this.#connection.client.appendToStream(stream, data, { expectedRevision });
      // The connection string may say that a wrong version is an answer rather than an error.
      if (!result.success) return 'moved';
      if (result.nextExpectedRevision !== BigInt(tail.version + linked.length - 1)) {
        this.#tails.forget(stream);
        throw new LogCorrupt(`stream ${stream} was deleted or truncated: its versions no longer count its events`);
      }
      for (const { id, hash } of linked) advance(tail, { id, hash, version: tail.version + 1 });
      this.#tails.keep(stream, tail);
      return { position: result.position?.commit };
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) return 'moved';
      if (error instanceof LogCorrupt || isDefinite(error)) throw error;
      return 'unclear';
    }
  }

  /** The tail as it is now, also after trouble with the connection, until the deadline. */
  async #now(stream: string, deadline: number): Promise<Tail> {
    for (;;) {
      try {
        if (Date.now() > deadline) throw new Error('no clear answer in time');
        return await this.#tails.current(stream);
      } catch (error) {
        if (error instanceof LogCorrupt || isDefinite(error)) throw error;
        if (Date.now() < deadline) {
          await pause(FIRST_PAUSE_MS);
          continue;
        }
        this.#tails.forget(stream);
        throw new Error(
          `EventStoreDB gave no clear answer: whether the append to ${stream} was written is not known; ` +
            'it may be repeated with the same event ids',
          { cause: error },
        );
      }
    }
  }

  /** Some of the ids stand in the stream: the append was made before, or it is refused. */
  async #repetition(
    stream: string,
    tail: Tail,
    prepared: readonly PreparedEvent[],
    ids: readonly string[],
    sent: ReadonlySet<string>,
  ): Promise<AppendResult> {
    const held = await this.#find(stream, tail, ids);
    const byId = new Map(held.map((stored) => [stored.id, stored]));
    const isSame = prepared.every(({ event, bodyHash }) => {
      const stored = byId.get(event.id);
      return stored?.type === event.type && bodyHash.equals(stored.bodyHash);
    });
    if (!isSame) throw new EventIdConflict(stream, ids);
    const last = held.at(-1)!;
    // When the answer to this very call was lost, it was this call that wrote.
    const repeated = !sent.has(Buffer.from(last.hash).toString('hex'));
    return { version: last.version, position: last.position, repeated };
  }

  async #find(stream: string, tail: Tail, ids: readonly string[]): Promise<StoredEvent[]> {
    const wanted = new Set(ids.map((id) => tail.ids.get(id)).filter((version) => version !== undefined));
    const versions = [...wanted].toSorted((one, other) => one - other);
    const found: StoredEvent[] = [];
    for (let index = 0; index < versions.length; ) {
      const first = versions[index]!;
      let last = first;
      while (index < versions.length && versions[index]! - last <= NEIGHBOURS) last = versions[index++]!;
      found.push(...(await this.#tails.read(stream, first - 1, last - first + 1)));
    }
    return found.filter(({ version }) => wanted.has(version));
  }

  /** Some server versions answer an append without a position. */
  async #positionOf(stream: string, version: number): Promise<bigint> {
    const [event] = await this.#tails.read(stream, version - 1, 1);
    if (!event) throw new LogCorrupt(`stream ${stream} does not show version ${version}, which was just written`);
    return event.position;
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new Error(CLOSED);
  }
}
