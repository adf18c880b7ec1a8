import type { Timeouts } from '#libs/database/connection.js';
import { Database, sqlState } from '#libs/database/database.js';
import { Notifications } from '#libs/database/notifications.js';
import { sql, type Sql } from '#libs/database/sql.js';
import {
  EventIdConflict,
  EventStore,
  LogCorrupt,
  VersionConflict,
  type AppendResult,
  type ExpectedVersion,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type SearchOptions,
  type SearchPage,
  type StoredEvent,
  type StreamTail,
  type SubscribeOptions,
} from '../event-store.js';
import { CLOSED, Signal, pullSubscription } from '../pull-subscription.js';
import { EVENT_COLUMNS, EVENT_COLUMNS_AS_TEXT, toStoredEvent, type EventRow } from './event-row.js';
import { searchEvents, tailsOf } from './event-search.js';
import { appendItem } from './append-statement.js';
import { GroupAppender } from './group-appender.js';

/** A body that is no text: valid, though codecs never write one. */
const NOT_IN_ENCODING = '22021';

export interface PostgresEventStoreOptions {
  readonly url: string;
  /** How long a subscription waits for a wake-up before it looks by itself, in milliseconds (default 250). */
  readonly pollMs?: number;
  readonly appendConnections?: number;
  /** Bytes of appends that may wait before further ones are refused (default 64 MB). */
  readonly maxWaitingBytes?: number;
  readonly timeouts?: Timeouts;
}

/** The log in Postgres: gapless positions, appends grouped into one commit. */
export class PostgresEventStore extends EventStore {
  readonly #database: Database;
  readonly #appender: GroupAppender;
  readonly #notifications: Notifications;
  readonly #appended = new Signal();
  readonly #closing = new AbortController();

  constructor(private readonly options: PostgresEventStoreOptions) {
    super();
    const { url, maxWaitingBytes } = options;
    const timeouts = options.timeouts && { timeouts: options.timeouts };
    this.#database = new Database({ url, max: 6, applicationName: 'makima-log', ...timeouts });
    this.#notifications = new Notifications(url, 'makima_log', () => this.#appended.notify());
    this.#notifications.listen();
    this.#appender = new GroupAppender({
      url: options.url,
      ...timeouts,
      ...(maxWaitingBytes === undefined ? {} : { maxWaitingBytes }),
      ...(options.appendConnections ? { connections: options.appendConnections } : {}),
      onCommitted: () => {
        this.#appended.notify();
        this.#notifications.announce();
      },
    });
  }

  override async append(
    stream: string,
    events: readonly NewEvent[],
    { expected }: { readonly expected: ExpectedVersion },
  ): Promise<AppendResult> {
    this.#assertOpen();
    const item = appendItem(stream, events, expected === 'any' ? -1 : expected);
    const outcome = await this.#appender.append(item);
    if (outcome.outcome === 'ok') return outcome.result;
    return this.#resolveRepetition(
      stream,
      events,
      expected,
      outcome.outcome === 'conflict' ? outcome.actual : undefined,
    );
  }

  /** The append was refused: because it was made before, because ids are taken, or because the stream moved on. */
  async #resolveRepetition(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedVersion,
    actual: number | undefined,
  ): Promise<AppendResult> {
    const held = new Map(
      (
        await this.findEvents(
          stream,
          events.map((event) => event.id),
        )
      ).map((e) => [e.id, e]),
    );
    if (held.size === 0) throw new VersionConflict(stream, expected, actual ?? 0);
    const same = events.every((event) => {
      const stored = held.get(event.id);
      return stored?.type === event.type && Buffer.compare(stored.body, event.body) === 0;
    });
    if (!same) throw new EventIdConflict(stream, [...held.keys()]);
    const last = held.get(events.at(-1)!.id)!;
    return { version: last.version, position: last.position, repeated: true };
  }

  /** The page is cut inside, along the index: cut outside, each page would sort the rest of the stream. */
  override async readStream(
    stream: string,
    options: ReadStreamOptions = {},
  ): Promise<readonly StoredEvent[]> {
    return this.#events(
      (columns) => sql`
      SELECT ${columns} FROM streams s CROSS JOIN LATERAL (
        SELECT * FROM events e
        WHERE e.stream_id = s.id AND e.version > ${options.after ?? 0}
          AND e.version <= ${options.upTo ?? Number.MAX_SAFE_INTEGER}
        ORDER BY e.version LIMIT ${options.limit ?? null}
      ) e WHERE s.name = ${stream} ORDER BY e.version`,
    );
  }

  override async findEvents(stream: string, ids: readonly string[]): Promise<readonly StoredEvent[]> {
    return this.#events(
      (columns) => sql`
      SELECT ${columns} FROM events e JOIN streams s ON s.id = e.stream_id
      WHERE s.name = ${stream} AND e.event_id = ANY (${ids}::uuid[]) ORDER BY e.version`,
    );
  }

  override async readAll({ after, upTo, limit }: ReadAllOptions): Promise<readonly StoredEvent[]> {
    const events = await this.#events(
      (columns) => sql`
      SELECT ${columns} FROM events e JOIN streams s ON s.id = e.stream_id
      WHERE e.position > ${after} AND e.position <= ${upTo ?? after + BigInt(limit)}
      ORDER BY e.position LIMIT ${limit}`,
    );
    events.forEach((event, index) => {
      const due = after + BigInt(index) + 1n;
      if (event.position !== due)
        throw new LogCorrupt(`position ${due} is missing; the next is ${event.position}`);
    });
    return events;
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<readonly StoredEvent[]> {
    return pullSubscription(
      {
        readAll: (page) => this.readAll(page),
        wakeUp: this.#appended,
        closing: this.#closing.signal,
        pollMs: this.options.pollMs ?? 250,
      },
      options,
    );
  }

  override async head(): Promise<bigint> {
    this.#assertOpen();
    const [row] = await this.#database.query<{ position: bigint }>(sql`SELECT position FROM log_head`);
    return row!.position;
  }

  /** Binary search along the primary key: recorded_at never decreases with the position. */
  override async positionAt(time: Date): Promise<bigint> {
    let low = 0n;
    let high = await this.head();
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      const [row] = await this.#database.query<{ early: boolean }>(
        sql`SELECT date_trunc('milliseconds', recorded_at) <= ${time} AS early FROM events WHERE position = ${middle}`,
      );
      if (row?.early) low = middle;
      else high = middle - 1n;
    }
    return low;
  }

  override async search(options: SearchOptions): Promise<SearchPage> {
    this.#assertOpen();
    return searchEvents(this.#database, options);
  }

  override async tails(ownerId: string, stream?: string): Promise<readonly StreamTail[]> {
    this.#assertOpen();
    return tailsOf(this.#database, ownerId, stream);
  }

  override close(): Promise<void> {
    return (this.#closed ??= this.#end());
  }

  #closed: Promise<void> | undefined;

  async #end(): Promise<void> {
    this.#closing.abort();
    await this.#appender.close();
    await this.#notifications.close();
    await this.#database.close();
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new Error(CLOSED);
  }

  async #events(statement: (columns: Sql) => Sql): Promise<StoredEvent[]> {
    this.#assertOpen();
    const rows = await this.#database
      .query<EventRow>(statement(EVENT_COLUMNS_AS_TEXT))
      .catch((error: unknown) => {
        if (sqlState(error) !== NOT_IN_ENCODING) throw error;
        return this.#database.query<EventRow>(statement(EVENT_COLUMNS));
      });
    return rows.map(toStoredEvent);
  }
}
