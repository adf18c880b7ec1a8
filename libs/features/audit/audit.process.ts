import { Inject, Injectable } from '@nestjs/common';
import { EventStore, type ChainedEvent } from '#libs/event-store/event-store.js';
import { LogSearch } from '#libs/event-store/log-search.js';
import { notFound } from '#libs/kernel/caller.js';
import { CursorCodec, type CursorBinding } from '#libs/http/cursor.js';
import { invalidField } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { toAuditEvent } from './audit-event.js';
import type { AuditEventResponse, AuditEventsResponse } from './audit.answers.dto.js';
import type { AuditEventsQuery, StreamEventsQuery } from './audit.dto.js';
import {
  LogEventReader,
  StreamEventReader,
  type EventFilter,
  type EventReader,
  type ReaderState,
} from './event-readers.js';

const PAGE = 100;
const LARGEST_PAGE = 1_000;
/** A page ends when it holds so many bytes of bodies, or after so many milliseconds of searching. */
const PAGE_BYTES = 8_000_000;
const PAGE_MS = 2_000;
/** Events that are read at once: few at first, then as many as fit into these bytes. */
const CHUNK_BYTES = 2_000_000;
const FIRST_CHUNK = 10;
const LARGEST_CHUNK = 200;

/** The raw log of one owner: events as they are stored. */
@Injectable()
export class AuditLog {
  readonly #search: LogSearch;

  constructor(
    @Inject(EventStore) private readonly store: EventStore,
    private readonly cursors: CursorCodec,
  ) {
    this.#search = new LogSearch(store);
  }

  /** @throws Problem NOT_FOUND for a position without an event of the owner. */
  async event(position: bigint, { ownerId }: RequestContext): Promise<AuditEventResponse> {
    const found = position > 0n ? await this.#search.at(position, ownerId) : null;
    if (!found) throw notFound('event at position', String(position));
    return toAuditEvent(found);
  }

  /** A page may hold fewer events than its limit, even none, and still have a cursor. */
  async page(query: AuditEventsQuery, context: RequestContext): Promise<AuditEventsResponse> {
    const limit = query.limit ?? PAGE;
    if (limit > LARGEST_PAGE)
      throw invalidField('limit', `must be at most ${LARGEST_PAGE} unless the format is ndjson`);
    const binding = bindingOf(query, context);
    const reader = await this.#open(query, binding, context);
    const until = Date.now() + PAGE_MS;
    const events: AuditEventResponse[] = [];
    let bytes = 0;
    for await (const chunk of chunks(reader, limit)) {
      events.push(...chunk.map(toAuditEvent));
      bytes += bytesOf(chunk);
      if (bytes >= PAGE_BYTES || Date.now() >= until) break;
    }
    return { events, ...(reader.state ? { cursor: this.cursors.seal(binding, reader.state) } : {}) };
  }

  /** All matching events, a chunk at a time, up to what the log holds when it is asked. */
  async *all(
    query: AuditEventsQuery,
    context: RequestContext,
  ): AsyncGenerator<readonly AuditEventResponse[]> {
    const reader = await this.#open(query, bindingOf(query, context), context);
    for await (const chunk of chunks(reader, query.limit ?? Infinity)) yield chunk.map(toAuditEvent);
  }

  /** @throws Problem NOT_FOUND for a stream that is unknown or another owner's. */
  async assertOwnStream(stream: string, { ownerId }: RequestContext): Promise<void> {
    const [first] = await this.store.readStream(stream, { limit: 1 });
    if (first?.metadata.ownerId !== ownerId) throw notFound('stream', stream);
  }

  #open(query: AuditEventsQuery, binding: CursorBinding, { ownerId }: RequestContext): Promise<EventReader> {
    const { type: types, actor, from, to, after = 0n, order, stream, cursor } = query;
    const state = cursor === undefined ? undefined : (this.cursors.open(binding, cursor) as ReaderState);
    const filter: EventFilter = {
      ownerId,
      order,
      after,
      from,
      to,
      ...(types ? { types } : {}),
      ...(actor === undefined ? {} : { actor }),
    };
    return stream === undefined
      ? LogEventReader.open(this.store, this.#search, filter, state)
      : StreamEventReader.open(this.store, stream, filter, state);
  }
}

/** A cursor goes on in whatever format. */
function bindingOf(query: StreamEventsQuery, { ownerId }: RequestContext): CursorBinding {
  const { format: _, ...filters } = query;
  return { ownerId, route: 'audit/1', filters };
}

const bytesOf = (events: readonly ChainedEvent[]): number =>
  events.reduce((sum, { body }) => sum + body.length + 1_000, 0);

/** Reads up to a number of events, in chunks that are small where events are large. */
async function* chunks(reader: EventReader, limit: number): AsyncGenerator<readonly ChainedEvent[]> {
  let size = FIRST_CHUNK;
  for (let left = limit; left > 0 && reader.state;) {
    const chunk = await reader.read(Math.min(size, left));
    left -= chunk.length;
    const average = chunk.length > 0 ? bytesOf(chunk) / chunk.length : 1;
    size = Math.max(1, Math.min(LARGEST_CHUNK, Math.floor(CHUNK_BYTES / average)));
    yield chunk;
  }
}
