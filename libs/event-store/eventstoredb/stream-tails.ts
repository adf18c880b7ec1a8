import { FORWARDS, StreamNotFoundError } from '@eventstore/db-client';
import { GENESIS } from '../event-hash.js';
import { LogCorrupt, type StoredEvent } from '../event-store.js';
import type { Connection } from './connection.js';
import { storedEvent } from './stored-form.js';

/** What an append must know of a stream: where it ends, and every event id that it holds. */
export interface Tail {
  version: number;
  hash: Uint8Array;
  /** By event id: the event's version. */
  readonly ids: Map<string, number>;
}

const PAGE = 500;
/** Found events that are at most so far apart are read in one go. */
const NEIGHBOURS = 50;
/** What keeping a stream costs besides its ids, in ids. */
const STREAM_COST = 10;

/** Reads streams, and keeps the ends of those that were used last. */
export class StreamTails {
  /** Least recently used first. */
  readonly #kept = new Map<string, { readonly tail: Tail; readonly cost: number }>();
  #cost = 0;

  /** @param maxIds event ids kept over all streams, about 100 bytes each. */
  constructor(
    private readonly connection: Connection,
    private readonly maxIds: number,
  ) {}

  /** The kept end, which may be behind the stream when other processes write to it. */
  kept(stream: string): Tail | undefined {
    return this.#kept.get(stream)?.tail;
  }

  /**
   * The stream's end as it is now: reads what is newer than the kept one. A stream that is not kept is read as a
   * whole, once: the server has no index of event ids, and an id must not be written twice.
   */
  async current(stream: string): Promise<Tail> {
    const tail = this.kept(stream) ?? { version: 0, hash: GENESIS, ids: new Map<string, number>() };
    for (;;) {
      const page = await this.read(stream, tail.version, PAGE);
      for (const event of page) advance(tail, event);
      if (page.length < PAGE) break;
    }
    this.keep(stream, tail);
    return tail;
  }

  /** Keeps an end, and forgets the least recently used ones beyond the bound. */
  keep(stream: string, tail: Tail): void {
    this.forget(stream);
    const cost = tail.ids.size + STREAM_COST;
    this.#kept.set(stream, { tail, cost });
    this.#cost += cost;
    for (const [other] of this.#kept) {
      if (this.#cost <= this.maxIds || other === stream) break;
      this.forget(other);
    }
  }

  forget(stream: string): void {
    this.#cost -= this.#kept.get(stream)?.cost ?? 0;
    this.#kept.delete(stream);
  }

  /** The events with these ids, in order; ids that the tail does not hold are passed over. */
  async find(stream: string, tail: Tail, ids: readonly string[]): Promise<StoredEvent[]> {
    const wanted = new Set(ids.map((id) => tail.ids.get(id)).filter((version) => version !== undefined));
    const versions = [...wanted].toSorted((one, other) => one - other);
    const found: StoredEvent[] = [];
    for (let index = 0; index < versions.length;) {
      const first = versions[index]!;
      let last = first;
      while (index < versions.length && versions[index]! - last <= NEIGHBOURS) last = versions[index++]!;
      found.push(...(await this.read(stream, first - 1, last - first + 1)));
    }
    return found.filter(({ version }) => wanted.has(version));
  }

  /** Events after a version, in order; from the leader, because a follower may be behind. */
  async read(stream: string, after: number, limit: number): Promise<StoredEvent[]> {
    try {
      const events = await this.connection.collect(() =>
        this.connection.client.readStream(stream, {
          direction: FORWARDS,
          fromRevision: BigInt(after),
          maxCount: limit,
          requiresLeader: true,
        }),
      );
      return events.map(({ event }) => {
        const stored = event && storedEvent(event);
        if (!stored) throw new LogCorrupt(`stream ${stream} holds an event that makima did not write`);
        return stored;
      });
    } catch (error) {
      if (error instanceof StreamNotFoundError) return [];
      throw error;
    }
  }
}

/** Moves an end on by the stream's next event. */
export function advance(tail: Tail, event: Pick<StoredEvent, 'id' | 'version' | 'hash'>): void {
  tail.version = event.version;
  tail.hash = event.hash;
  tail.ids.set(event.id, event.version);
}
