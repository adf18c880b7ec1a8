import type { EventCodec } from '#libs/event-store/codec.js';
import { EventUnreadable, type EventStore, type StoredEvent } from '#libs/event-store/event-store.js';
import type { EventMetadata, Recorded } from '#libs/kernel/event.js';
import type { Projection } from './projection.js';

/** A piece of the log: the events in it that some projection handles, and where it ends. */
export interface LogPage {
  readonly events: readonly Recorded[];
  /** Position of its last event, handled or not (inclusive). */
  readonly to: bigint;
}

/**
 * The log as projections read it, page by page. An event that cannot be read, body or metadata, stands in its page like
 * any other and throws when somebody looks into it: so it stops the projections that handle it, and them alone.
 */
export class LogPages {
  readonly #handled: ReadonlySet<string>;

  constructor(
    private readonly store: EventStore,
    private readonly codec: EventCodec,
    projections: readonly Projection[],
    /** Events a page at most. */
    private readonly limit: number,
  ) {
    this.#handled = new Set(projections.flatMap(({ handles }) => handles));
  }

  /** The page after a position (exclusive) and up to another (inclusive); null if there are no events between them. */
  async read(after: bigint, upTo: bigint): Promise<LogPage | null> {
    try {
      return this.#page(await this.store.readAll({ after, upTo, limit: this.limit }));
    } catch (error) {
      if (!(error instanceof EventUnreadable)) throw error;
      const { type, position } = error.event;
      const before = position - 1n;
      if (after < before) {
        const page = this.#page(await this.store.readAll({ after, upTo: before, limit: this.limit }));
        if (page) return page;
      }
      return { events: this.#handled.has(type) ? [withoutMetadata(error)] : [], to: position };
    }
  }

  /** All pages after a position (exclusive), then new ones as they come; null says once that the log's end is reached. */
  async *follow(after: bigint, signal: AbortSignal): AsyncGenerator<LogPage | null, void, undefined> {
    let cursor = after;
    while (!signal.aborted) {
      try {
        for await (const stored of this.store.subscribe({ after: cursor, signal, batchSize: this.limit })) {
          const page = this.#page(stored);
          yield page;
          cursor = page?.to ?? cursor;
        }
      } catch (error) {
        if (!(error instanceof EventUnreadable)) throw error;
        const page = await this.read(cursor, error.event.position);
        yield page;
        cursor = page?.to ?? cursor;
      }
    }
  }

  /** Events that no projection handles are passed over without being parsed. */
  #page(stored: readonly StoredEvent[]): LogPage | null {
    const last = stored.at(-1);
    if (!last) return null;
    const handled = stored.filter(({ type }) => this.#handled.has(type));
    return { events: handled.map((event) => this.#decoded(event)), to: last.position };
  }

  #decoded(stored: StoredEvent): Recorded {
    try {
      return this.codec.decode(stored);
    } catch (cause) {
      const { id, type, stream, version, position, recordedAt, metadata } = stored;
      const message = `event ${id} cannot be read: ${(cause as Error).message}`;
      const event = {
        type,
        get data(): never {
          throw new Error(message, { cause });
        },
      };
      return { event, id, stream, version, position, recordedAt, metadata };
    }
  }
}

function withoutMetadata(error: EventUnreadable): Recorded {
  const { id, type, stream, version, position, recordedAt } = error.event;
  const event = {
    type,
    get data(): never {
      throw error;
    },
  };
  return {
    event,
    id,
    stream,
    version,
    position,
    recordedAt,
    get metadata(): EventMetadata {
      throw error;
    },
  };
}
