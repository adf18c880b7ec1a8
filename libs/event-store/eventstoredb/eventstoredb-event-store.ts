import { checkAppend } from '../append-check.js';
import {
  EventStore,
  LogOverloaded,
  type AppendResult,
  type ExpectedVersion,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type StoredEvent,
  type SubscribeOptions,
} from '../event-store.js';
import { CLOSED, Signal, pullSubscription } from '../pull-subscription.js';
import { Connection } from './connection.js';
import { LogReader } from './log-reader.js';
import { prepare } from './stored-form.js';
import { StreamAppender } from './stream-appender.js';
import { StreamTails } from './stream-tails.js';
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
  /** Their bytes (default 64 MB). */
  readonly maxWaitingBytes?: number;
  /** Event ids kept in memory over all streams, about 100 bytes each (default 500,000). */
  readonly maxIds?: number;
}

const PAGE = 1_000;

/**
 * The log in EventStoreDB or KurrentDB: a position is an event's commit position. How an event is stored: see
 * stored-form.ts. Appends to one stream are made one after the other in each process, always with an exact expected
 * revision, so that every event is hashed onto the one before it. Streams must not be deleted or truncated, and the
 * user must be allowed to read `$all`.
 */
export class EventStoreDbEventStore extends EventStore {
  readonly #connection: Connection;
  readonly #tails: StreamTails;
  readonly #appender: StreamAppender;
  readonly #reader: LogReader;
  readonly #wakeUp: WakeUp;
  readonly #turns = new Turns();
  readonly #appended = new Signal();
  readonly #closing = new AbortController();

  private constructor(private readonly options: EventStoreDbOptions) {
    super();
    this.#connection = new Connection(options.url, options.idleMs ?? 30_000);
    this.#tails = new StreamTails(this.#connection, options.maxIds ?? 500_000);
    this.#appender = new StreamAppender(this.#connection, this.#tails, options.giveUpMs ?? 10_000);
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
    const bytes = checkAppend(
      stream,
      events,
      prepared.map(({ metadata }) => metadata),
    );
    this.#assertRoom(bytes);
    const append = () => this.#appender.append(stream, prepared, expected);
    const result = await this.#turns.take(stream, append, bytes);
    this.#appended.notify();
    return result;
  }

  override async readStream(
    stream: string,
    options: ReadStreamOptions = {},
  ): Promise<readonly StoredEvent[]> {
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
    return this.#turns.take(stream, async () =>
      this.#tails.find(stream, await this.#tails.current(stream), ids),
    );
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

  /** One append may always wait, however long it is. */
  #assertRoom(bytes: number): void {
    const { waiting, bytes: before } = this.#turns;
    const { maxWaiting = 10_000, maxWaitingBytes = 64_000_000 } = this.options;
    if (waiting >= maxWaiting || (before > 0 && before + bytes > maxWaitingBytes))
      throw new LogOverloaded(waiting);
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new Error(CLOSED);
  }
}
