import type { EventMetadata } from '#libs/kernel/event.js';

/** An event as it is handed to the log. Its body is bytes and stays byte for byte what it was. */
export interface NewEvent {
  /** UUID, unique in its stream. Retrying an append with the same ids is safe. */
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly metadata: EventMetadata;
  /** UTF-8 JSON, at most MAX_EVENT_BYTES. */
  readonly body: Uint8Array;
}

/** An event as it stands in the log. */
export interface StoredEvent extends NewEvent {
  readonly stream: string;
  /** 1 for the first event of the stream. */
  readonly version: number;
  /** Grows along the whole log; gapless on Postgres only. */
  readonly position: bigint;
  readonly recordedAt: Date;
  /** The metadata's bytes as stored; `metadata` is their parsed form. */
  readonly metadataBytes: Uint8Array;
  /** SHA-256 of the body as stored. */
  readonly bodyHash: Uint8Array;
  /** Hash of the chain up to and including this event. */
  readonly hash: Uint8Array;
}

/** The stream's version before the append (0 = the stream must not exist), or 'any'. */
export type ExpectedVersion = number | 'any';

export interface AppendResult {
  /** The stream's version after the append. */
  readonly version: number;
  /** Position of the last event of the append. */
  readonly position: bigint;
  /** True if the log already held these events and nothing was written. */
  readonly repeated: boolean;
}

export interface ReadStreamOptions {
  /** Exclusive; 0 reads from the beginning. */
  readonly after?: number;
  /** Inclusive. */
  readonly upTo?: number;
  readonly limit?: number;
}

export interface ReadAllOptions {
  /** Exclusive; 0n reads from the beginning. */
  readonly after: bigint;
  /** Inclusive. */
  readonly upTo?: bigint;
  readonly limit: number;
}

export interface SubscribeOptions {
  /** Exclusive. */
  readonly after: bigint;
  readonly signal: AbortSignal;
  /** Most events handed over at once (default 1,000). */
  readonly batchSize?: number;
}

/** What an auditor looks for. Every condition must hold. */
export interface SearchOptions {
  readonly ownerId: string;
  readonly types?: readonly string[];
  /** An actor's id, its kind, or `kind:id`. */
  readonly actor?: string;
  /** Exclusive. */
  readonly after: bigint;
  /** Inclusive. */
  readonly upTo: bigint;
  readonly order: 'oldest' | 'newest';
  /** Events at most. */
  readonly limit: number;
}

/** A stored event with the hash that its own was chained to; null where the event before it is missing. */
export interface ChainedEvent extends StoredEvent {
  readonly previousHash: Uint8Array | null;
}

export interface SearchPage {
  /** In the order that was asked for; there may be fewer than the limit, even none, before everything was searched. */
  readonly events: readonly ChainedEvent[];
  /** Bounds of what is left to search; null: nothing. */
  readonly rest: { readonly after: bigint; readonly upTo: bigint } | null;
}

/** What an engine itself keeps on record about a stream, besides the stream's events. */
export interface StreamTail {
  readonly stream: string;
  readonly version: number;
  /** Hash of the last event. */
  readonly hash: Uint8Array;
}

/** The append-only log. One stream at a time: no feature may need more, because not every engine can. */
export abstract class EventStore {
  /**
   * Appends all events or none.
   * @throws VersionConflict when the stream is not at `expected`.
   * @throws EventIdConflict when an id stands in the stream already with another body, or only some of the ids do.
   * @throws LogOverloaded when the queue is full: nothing was written, try again later.
   * @throws EventTooLarge when a body exceeds MAX_EVENT_BYTES.
   * @throws AppendTooLarge when the events together exceed MAX_APPEND_BYTES.
   */
  abstract append(
    stream: string,
    events: readonly NewEvent[],
    options: { readonly expected: ExpectedVersion },
  ): Promise<AppendResult>;

  /** The stream's events in order; empty for an unknown stream. Without a limit: all of them. */
  abstract readStream(stream: string, options?: ReadStreamOptions): Promise<readonly StoredEvent[]>;

  /** The stream's events with these ids, in order. */
  abstract findEvents(stream: string, ids: readonly string[]): Promise<readonly StoredEvent[]>;

  /** The log's events in order of position. */
  abstract readAll(options: ReadAllOptions): Promise<readonly StoredEvent[]>;

  /**
   * Everything after a position, then whatever is appended, until the signal aborts. Events are pulled: a slow
   * consumer delays nobody and nothing is buffered for it. An empty batch says once that the head was reached.
   */
  abstract subscribe(options: SubscribeOptions): AsyncIterable<readonly StoredEvent[]>;

  /** Position of the last event, 0n in an empty log. */
  abstract head(): Promise<bigint>;

  /** Position of the last event recorded at or before a time, 0n if there is none. */
  abstract positionAt(time: Date): Promise<bigint>;

  /** Searches a bounded part of the log, where the engine does so faster than reading all of it: see log-search.ts. */
  search?(options: SearchOptions): Promise<SearchPage>;

  /**
   * An owner's streams (or the one of this name) as the engine has them on record, for engines that keep a record apart
   * from the events: a missing last event shows only against it.
   */
  tails?(ownerId: string, stream?: string): Promise<readonly StreamTail[]>;

  /** Ends subscriptions, waits for appends under way, and frees connections. */
  abstract close(): Promise<void>;
}

/** No engine holds more than 1 MiB; what is longer belongs to the blob store (see codec.ts). */
export const MAX_EVENT_BYTES = 900_000;

/** The most that one append may hold, counted as in append-check.ts: an engine takes it in one message or not at all. */
export const MAX_APPEND_BYTES = 1_000_000;

export class VersionConflict extends Error {
  override readonly name = 'VersionConflict';
  constructor(
    readonly stream: string,
    readonly expected: ExpectedVersion,
    readonly actual: number,
  ) {
    super(`stream ${stream} is at version ${actual}, not ${expected}`);
  }
}

export class EventIdConflict extends Error {
  override readonly name = 'EventIdConflict';
  constructor(
    readonly stream: string,
    /** The ids that the stream holds already. */
    readonly ids: readonly string[],
  ) {
    super(`stream ${stream} already holds ${ids.length} of these event ids: ${ids.slice(0, 3).join(', ')}`);
  }
}

export class LogOverloaded extends Error {
  override readonly name = 'LogOverloaded';
  constructor(readonly waiting: number) {
    super(`${waiting} appends are waiting; try again later`);
  }
}

export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
  constructor(
    readonly eventId: string,
    readonly bytes: number,
  ) {
    super(`event ${eventId} has ${bytes} bytes, more than ${MAX_EVENT_BYTES}`);
  }
}

/** An append cannot be split, because it is all or nothing: the caller appends less at a time. */
export class AppendTooLarge extends Error {
  override readonly name = 'AppendTooLarge';
  constructor(
    readonly stream: string,
    readonly bytes: number,
  ) {
    super(`an append to ${stream} has ${bytes} bytes, more than ${MAX_APPEND_BYTES}`);
  }
}

/** The log contradicts itself (a gap on an engine without gaps, a broken chain). An alarm, never normal. */
export class LogCorrupt extends Error {
  override readonly name: string = 'LogCorrupt';
}

/** An event whose stored bytes cannot be read: somebody changed them in the database. */
export class EventUnreadable extends LogCorrupt {
  override readonly name = 'EventUnreadable';
  constructor(
    readonly event: Pick<StoredEvent, 'id' | 'stream' | 'version' | 'position' | 'type' | 'recordedAt'>,
    options: { readonly cause: unknown },
  ) {
    super(
      `event ${event.id} (${event.stream}, version ${event.version}, position ${event.position}) has unreadable metadata`,
      options,
    );
  }
}
