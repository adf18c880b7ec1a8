import { GENESIS } from '#libs/event-store/event-hash.js';
import type { ChainedEvent, EventStore, SearchOptions, StoredEvent } from '#libs/event-store/event-store.js';
import { matches, type LogSearch } from '#libs/event-store/log-search.js';
import { parsePosition, positionToken } from '#libs/kernel/position.js';

/** Which events are wanted. */
export interface EventFilter extends Pick<SearchOptions, 'ownerId' | 'types' | 'actor' | 'order'> {
  /** Inclusive, by the time of recording. */
  readonly from?: Date | undefined;
  /** Inclusive. */
  readonly to?: Date | undefined;
  /** A position, exclusive. */
  readonly after: bigint;
}

/** Where a reader goes on: two bounds, of positions or of versions. */
export type ReaderState = readonly [after: string, upTo: string];

/** Reads matching events a few at a time. */
export interface EventReader {
  /** Null: everything was read. */
  readonly state: ReaderState | null;
  /** At most `limit` events; maybe none, although there is more to read. */
  read(limit: number): Promise<readonly ChainedEvent[]>;
}

/** Reads along the whole log. */
export class LogEventReader implements EventReader {
  private constructor(
    private readonly search: LogSearch,
    private readonly filter: EventFilter,
    public state: ReaderState | null,
  ) {}

  /** @param state where another reader of the same filter stopped. */
  static async open(
    store: EventStore,
    search: LogSearch,
    filter: EventFilter,
    state?: ReaderState,
  ): Promise<LogEventReader> {
    return new LogEventReader(search, filter, state ?? (await boundsOf(store, filter)));
  }

  async read(limit: number): Promise<readonly ChainedEvent[]> {
    if (!this.state) return [];
    const { ownerId, types, actor, order } = this.filter;
    const { events, rest } = await this.search.search({
      ownerId,
      order,
      limit,
      after: parsePosition(this.state[0]) ?? 0n,
      upTo: parsePosition(this.state[1]) ?? 0n,
      ...(types ? { types } : {}),
      ...(actor === undefined ? {} : { actor }),
    });
    this.state = rest && [positionToken(rest.after), positionToken(rest.upTo)];
    return events;
  }
}

/** Positions between which a filter's times lie, up to what the log holds now. */
async function boundsOf(store: EventStore, { from, to, after }: EventFilter): Promise<ReaderState | null> {
  const head = await store.head();
  const earliest = from ? await store.positionAt(new Date(from.getTime() - 1)) : 0n;
  const latest = to ? await store.positionAt(to) : head;
  const lower = after > earliest ? after : earliest;
  const upper = latest < head ? latest : head;
  return lower < upper ? [positionToken(lower), positionToken(upper)] : null;
}

/** Reads along one stream, whose versions are its bounds. */
export class StreamEventReader implements EventReader {
  private constructor(
    private readonly store: EventStore,
    private readonly stream: string,
    private readonly filter: EventFilter,
    public state: ReaderState | null,
  ) {}

  static async open(
    store: EventStore,
    stream: string,
    filter: EventFilter,
    state?: ReaderState,
  ): Promise<StreamEventReader> {
    const upTo = state ? undefined : await lastVersion(store, stream);
    return new StreamEventReader(store, stream, filter, state ?? (upTo ? ['0', String(upTo)] : null));
  }

  async read(limit: number): Promise<readonly ChainedEvent[]> {
    if (!this.state) return [];
    const [after, upTo] = this.state.map(Number) as [number, number];
    const oldest = this.filter.order === 'oldest';
    const from = oldest ? after : Math.max(after, upTo - limit);
    const to = oldest ? Math.min(upTo, after + limit) : upTo;
    const rest = oldest ? ([to, upTo] as const) : ([after, from] as const);
    this.state = rest[0] < rest[1] ? [String(rest[0]), String(rest[1])] : null;
    // One more than is wanted: the first one's hash is chained to it.
    const page = await this.store.readStream(this.stream, { after: Math.max(from - 1, 0), upTo: to });
    const chained = page.map((event, index) => ({
      ...event,
      previousHash: previousHash(event, page[index - 1]),
    }));
    const wanted = chained.filter((event) => event.version > from && this.#wants(event));
    return oldest ? wanted : wanted.reverse();
  }

  #wants(event: StoredEvent): boolean {
    const { from, to, after } = this.filter;
    if (event.position <= after || !matches(event, this.filter)) return false;
    return !(from && event.recordedAt < from) && !(to && event.recordedAt > to);
  }
}

function previousHash(event: StoredEvent, before: StoredEvent | undefined): Uint8Array | null {
  if (event.version === 1) return GENESIS;
  return before?.version === event.version - 1 ? before.hash : null;
}

/** A stream's last version, 0 for an unknown stream; found by halving, because logs are not asked for it. */
async function lastVersion(store: EventStore, stream: string): Promise<number> {
  const goesOnAfter = async (version: number): Promise<boolean> =>
    (await store.readStream(stream, { after: version, limit: 1 })).length > 0;
  if (!(await goesOnAfter(0))) return 0;
  let low = 0;
  let high = 1;
  while (await goesOnAfter(high)) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await goesOnAfter(middle)) low = middle;
    else high = middle;
  }
  return high;
}
