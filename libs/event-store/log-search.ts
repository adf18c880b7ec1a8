import { GENESIS } from './event-hash.js';
import type { ChainedEvent, EventStore, SearchOptions, SearchPage, StoredEvent } from './event-store.js';

const PAGE = 1_000;
/** Events read in one call before what is left is left to the next one. */
const MOST_READ = 20_000;
const FIRST_WINDOW_MS = 60_000;
const WINDOW_GROWTH = 4;
const MOST_KNOWN = 10_000;

/** Whether an event is what somebody looks for, wherever it stands in the log. */
export function matches(event: StoredEvent, { ownerId, types, actor }: Pick<SearchOptions, 'ownerId' | 'types' | 'actor'>): boolean {
  const { actor: by, ownerId: owner } = event.metadata;
  if (owner !== ownerId || (types && !types.includes(event.type))) return false;
  return actor === undefined || actor === by.id || actor === by.kind || actor === `${by.kind}:${by.id}`;
}

/** Finds events in a log: by the engine's own means, or by reading it in pages. Every call does a bounded amount of work. */
export class LogSearch {
  /** Positions of events: a log may be read from these only, because not every engine can start between two events. */
  readonly #known = new Set<bigint>();

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
      const { events, rest } = await this.search({ ownerId, after, upTo: position, order: 'oldest', limit: PAGE });
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
        if (found.length === options.limit) return { events: found, rest: this.#restAfter(event.position, options) };
      }
      if (page.length < PAGE) return { events: found, rest: null };
      after = page.at(-1)!.position;
    }
    return { events: found, rest: this.#restAfter(after, options) };
  }

  #restAfter(position: bigint, { after, upTo }: SearchOptions): SearchPage['rest'] {
    this.#remember(position);
    const from = position > after ? position : after;
    return from < upTo ? { after: from, upTo } : null;
  }

  /** Logs are read forwards only, so it goes back in windows of time that grow, and reads each window forwards. */
  async #newest(options: SearchOptions): Promise<{ events: StoredEvent[]; rest: SearchPage['rest'] }> {
    const { after, upTo, limit } = options;
    let found: StoredEvent[] = [];
    let upper = upTo;
    let until = await this.#timeOf(upTo);
    for (let span = FIRST_WINDOW_MS, read = 0; read < MOST_READ && found.length < limit; span *= WINDOW_GROWTH) {
      until -= span;
      const lower = await this.store.positionAt(new Date(Math.max(until, 0)));
      if (lower >= upper) continue;
      const window = await this.#lastIn({ ...options, after: lower > after ? lower : after, upTo: upper, limit: limit - found.length });
      found = [...found, ...window.events];
      read += window.read;
      upper = lower;
      if (upper <= after) break;
    }
    const last = found.length === limit ? found.at(-1)!.position - 1n : upper;
    return { events: found, rest: last > after ? { after, upTo: last } : null };
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
    if (position === 0n || this.#known.has(position)) return position;
    const start = await this.store.positionAt(new Date((await this.#timeOf(position + 1n)) - 1));
    this.#remember(start);
    return start;
  }

  /** The first millisecond at which the log had reached a position; now, if it has not yet. */
  async #timeOf(position: bigint): Promise<number> {
    let low = 0;
    let high = Date.now();
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((await this.store.positionAt(new Date(middle))) >= position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #remember(position: bigint): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.add(position);
  }

  /** Adds to each event the hash of the one before it in its stream. */
  async #chained(events: readonly StoredEvent[]): Promise<ChainedEvent[]> {
    const places = new Map(events.map((event) => [`${event.version} ${event.stream}`, event]));
    return Promise.all(
      events.map(async (event) => {
        if (event.version === 1) return { ...event, previousHash: GENESIS };
        const near = places.get(`${event.version - 1} ${event.stream}`);
        const [before] = near ? [near] : await this.store.readStream(event.stream, { after: event.version - 2, upTo: event.version - 1 });
        return { ...event, previousHash: before?.hash ?? null };
      }),
    );
  }
}
