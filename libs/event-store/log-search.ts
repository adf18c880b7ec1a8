import { GENESIS } from './event-hash.js';
import type { ChainedEvent, EventStore, SearchOptions, SearchPage, StoredEvent } from './event-store.js';

const PAGE = 1_000;
/** Events read in one call before what is left is left to the next one. */
const MOST_READ = 20_000;
const FIRST_WINDOW_MS = 60_000;
const WINDOW_GROWTH = 4;
/** To this precision the time is looked for at which the log had reached a position. */
const PRECISION_MS = 1_000;
const MOST_KNOWN = 10_000;

/** Whether an event is what somebody looks for, wherever it stands in the log. */
export function matches(
  event: StoredEvent,
  { ownerId, types, actor }: Pick<SearchOptions, 'ownerId' | 'types' | 'actor'>,
): boolean {
  const { actor: by, ownerId: owner } = event.metadata;
  if (owner !== ownerId || (types && !types.includes(event.type))) return false;
  return actor === undefined || actor === by.id || actor === by.kind || actor === `${by.kind}:${by.id}`;
}

/** Finds events in a log: by the engine's own means, or by reading it in pages. Every call does a bounded amount of work. */
export class LogSearch {
  /** Positions of events, from which a log can be read: not every engine can start between two events. */
  readonly #starts = new Set<bigint>();
  /** By position: a time (milliseconds since 1970) by which the log had reached it. */
  readonly #times = new Map<bigint, number>();

  constructor(private readonly store: EventStore) {}

  async search(options: SearchOptions): Promise<SearchPage> {
    if (options.after >= options.upTo) return { events: [], rest: null };
    if (this.store.search) return this.store.search(options);
    const page = options.order === 'oldest' ? await this.#oldest(options) : await this.#newest(options);
    return { ...page, events: await this.#chained(page.events) };
  }

  /** The owner's event at a position; null if there is none. */
  async at(position: bigint, ownerId: string): Promise<ChainedEvent | null> {
    let after = position - 1n;
    for (;;) {
      const { events, rest } = await this.search({
        ownerId,
        after,
        upTo: position,
        order: 'oldest',
        limit: PAGE,
      });
      const found = events.find((event) => event.position === position);
      if (found || !rest) return found ?? null;
      after = rest.after;
    }
  }

  async #oldest(options: SearchOptions): Promise<{ events: StoredEvent[]; rest: SearchPage['rest'] }> {
    const found: StoredEvent[] = [];
    let after = await this.#startAtOrBefore(options.after);
    for (let read = 0; read < MOST_READ; read += PAGE) {
      const page = await this.store.readAll({ after, upTo: options.upTo, limit: PAGE });
      for (const event of page) {
        if (event.position <= options.after || !matches(event, options)) continue;
        found.push(event);
        if (found.length === options.limit)
          return { events: found, rest: this.#restAfter(event.position, options) };
      }
      if (page.length < PAGE) return { events: found, rest: null };
      after = page.at(-1)!.position;
    }
    return { events: found, rest: this.#restAfter(after, options) };
  }

  #restAfter(position: bigint, { after, upTo }: SearchOptions): SearchPage['rest'] {
    remember(this.#starts, position);
    const from = position > after ? position : after;
    return from < upTo ? { after: from, upTo } : null;
  }

  /** Logs are read forwards only, so it goes back in windows of time that grow, and reads each window forwards. */
  async #newest(options: SearchOptions): Promise<{ events: StoredEvent[]; rest: SearchPage['rest'] }> {
    const { after, upTo, limit } = options;
    let found: StoredEvent[] = [];
    let upper = upTo;
    let until = this.#times.get(upTo) ?? (await this.#whenReached(upTo)).by;
    for (
      let span = FIRST_WINDOW_MS, read = 0;
      read < MOST_READ && found.length < limit;
      span *= WINDOW_GROWTH
    ) {
      until -= span;
      const lower = await this.store.positionAt(new Date(Math.max(until, 0)));
      remember(this.#starts, lower);
      if (lower >= upper) continue;
      const window = await this.#lastIn({
        ...options,
        after: lower > after ? lower : after,
        upTo: upper,
        limit: limit - found.length,
      });
      found = [...found, ...window.events];
      read += window.read;
      upper = lower;
      if (upper <= after) break;
    }
    const last = found.length === limit ? found.at(-1)! : null;
    const rest = { after, upTo: last ? last.position - 1n : upper };
    if (last) {
      if (this.#times.size >= MOST_KNOWN) this.#times.clear();
      this.#times.set(rest.upTo, last.recordedAt.getTime());
    }
    return { events: found, rest: rest.after < rest.upTo ? rest : null };
  }

  /** The last matches of a part of the log, newest first. */
  async #lastIn(options: SearchOptions): Promise<{ events: StoredEvent[]; read: number }> {
    let last: StoredEvent[] = [];
    let read = 0;
    let after = await this.#startAtOrBefore(options.after);
    for (;;) {
      const page = await this.store.readAll({ after, upTo: options.upTo, limit: PAGE });
      read += page.length;
      const matching = page.filter((event) => event.position > options.after && matches(event, options));
      last = [...last, ...matching].slice(-options.limit);
      if (page.length < PAGE) return { events: last.reverse(), read };
      after = page.at(-1)!.position;
    }
  }

  /** Position of an event at or before a position, from which the log can be read. */
  async #startAtOrBefore(position: bigint): Promise<bigint> {
    if (position === 0n || this.#starts.has(position)) return position;
    const { before } = await this.#whenReached(position + 1n);
    const start = await this.store.positionAt(new Date(before));
    remember(this.#starts, start);
    return start;
  }

  /** A time at which the log had not reached a position yet, and one at most a second later at which it had (or now). */
  async #whenReached(position: bigint): Promise<{ readonly before: number; readonly by: number }> {
    const reachedAt = async (time: number): Promise<boolean> =>
      (await this.store.positionAt(new Date(time))) >= position;
    let by = Date.now();
    let span = PRECISION_MS;
    while (by > 0 && (await reachedAt(Math.max(by - span, 0)))) {
      by = Math.max(by - span, 0);
      span *= WINDOW_GROWTH;
    }
    let before = by - span;
    while (by - before > PRECISION_MS) {
      const middle = Math.floor((before + by) / 2);
      if (await reachedAt(Math.max(middle, 0))) by = middle;
      else before = middle;
    }
    return { before: Math.max(before, 0), by };
  }

  /** Adds to each event the hash of the one before it in its stream. */
  async #chained(events: readonly StoredEvent[]): Promise<ChainedEvent[]> {
    const places = new Map(events.map((event) => [`${event.version} ${event.stream}`, event]));
    return Promise.all(
      events.map(async (event) => {
        if (event.version === 1) return { ...event, previousHash: GENESIS };
        const near = places.get(`${event.version - 1} ${event.stream}`);
        const [before] = near
          ? [near]
          : await this.store.readStream(event.stream, { after: event.version - 2, upTo: event.version - 1 });
        return { ...event, previousHash: before?.hash ?? null };
      }),
    );
  }
}

function remember(positions: Set<bigint>, position: bigint): void {
  if (positions.size >= MOST_KNOWN) positions.clear();
  positions.add(position);
}
