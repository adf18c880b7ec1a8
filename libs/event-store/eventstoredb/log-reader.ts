import {
  BACKWARDS,
  END,
  FORWARDS,
  START,
  type AllStreamResolvedEvent,
  type ReadPosition,
} from '@eventstore/db-client';
import type { ReadAllOptions, StoredEvent } from '../event-store.js';
import type { Connection } from './connection.js';
import { storedEvent } from './stored-form.js';

/** Events a page at least, so that runs of the server's own events are passed over quickly. */
const MIN_PAGE = 64;
const MAX_PAGE = 1_000;
/** The last event is mostly ours; if not, the pages grow. */
const HEAD_PAGE = 4;
const MAX_SKIPS = 100;
const MAX_LANDMARKS = 10_000;

/** Reads the log as a whole. The server's own events and other programs' are left out. */
export class LogReader {
  /** After the key's position comes nothing of ours up to the value's: the next read starts there. */
  readonly #skips = new Map<bigint, bigint>();
  /** Times seen on the way back through the log, latest first: a later walk starts at the nearest. */
  readonly #landmarks: { readonly time: number; readonly position: bigint }[] = [];
  /** Our last event at or below `scanned`. */
  #head = { scanned: 0n, position: 0n };

  constructor(private readonly connection: Connection) {}

  async readAll({ after, upTo, limit }: ReadAllOptions): Promise<StoredEvent[]> {
    const found: StoredEvent[] = [];
    let scanned = this.#skips.get(after) ?? after;
    for await (const event of this.#forwards(scanned, limit)) {
      const position = positionOf(event);
      if (upTo !== undefined && position > upTo) return found;
      scanned = position;
      const stored = event.event && storedEvent(event.event);
      if (stored && found.push(stored) >= limit) return found;
    }
    if (found.length === 0 && scanned > after) this.#remember(after, scanned);
    return found;
  }

  async head(): Promise<bigint> {
    const before = this.#head;
    let scanned: bigint | undefined;
    for await (const event of this.#backwards(END, HEAD_PAGE)) {
      const position = positionOf(event);
      scanned ??= position;
      const isOurs = event.event !== undefined && storedEvent(event.event) !== undefined;
      if (!isOurs && position > before.scanned) continue;
      this.#head = { scanned, position: isOurs ? position : before.position };
      return this.#head.position;
    }
    if (scanned !== undefined) this.#head = { scanned, position: 0n };
    return 0n;
  }

  /** Walks back through the log, which takes its time for times long ago; later walks are shorter. */
  async positionAt(time: Date): Promise<bigint> {
    const start = this.#landmarks.findLast((landmark) => landmark.time > time.getTime());
    let seen = 0;
    for await (const { event } of this.#backwards(start ? at(start.position) : END, MAX_PAGE)) {
      const stored = event && storedEvent(event);
      if (!stored) continue;
      if (stored.recordedAt <= time) return stored.position;
      seen += 1;
      if (seen % MAX_PAGE === 0) this.#landmark(stored);
    }
    return 0n;
  }

  #landmark({ recordedAt, position }: StoredEvent): void {
    if (this.#landmarks.length >= MAX_LANDMARKS) return;
    const index = this.#landmarks.findIndex((landmark) => landmark.position <= position);
    const isKnown = this.#landmarks[index]?.position === position;
    if (isKnown) return;
    this.#landmarks.splice(index < 0 ? this.#landmarks.length : index, 0, {
      time: recordedAt.getTime(),
      position,
    });
  }

  #remember(after: bigint, scanned: bigint): void {
    this.#skips.delete(after);
    this.#skips.set(after, scanned);
    for (const [oldest] of this.#skips) {
      if (this.#skips.size <= MAX_SKIPS) break;
      this.#skips.delete(oldest);
    }
  }

  /** Everything after a position. For the server a position is inclusive: its event comes first and is left out. */
  async *#forwards(after: bigint, wanted: number): AsyncGenerator<AllStreamResolvedEvent, void, undefined> {
    const count = 1 + Math.min(MAX_PAGE, Math.max(MIN_PAGE, wanted));
    for (let scanned = after; ;) {
      const page = await this.#page(scanned === 0n ? START : at(scanned), count, FORWARDS);
      for (const event of page) if (positionOf(event) > scanned) yield event;
      const last = page.at(-1);
      if (!last || page.length < count) return;
      scanned = positionOf(last);
    }
  }

  async *#backwards(
    from: ReadPosition,
    firstPage: number,
  ): AsyncGenerator<AllStreamResolvedEvent, void, undefined> {
    let position = from;
    for (let count = firstPage; ; count = Math.min(4 * count, MAX_PAGE)) {
      const page = await this.#page(position, count, BACKWARDS);
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < count) return;
      position = at(positionOf(last));
    }
  }

  #page(
    fromPosition: ReadPosition,
    maxCount: number,
    direction: typeof FORWARDS | typeof BACKWARDS,
  ): Promise<AllStreamResolvedEvent[]> {
    return this.connection.collect(() =>
      this.connection.client.readAll({ fromPosition, maxCount, direction }),
    );
  }
}

/** Events of implicit transactions, the only ones that makima writes, have one position for both. */
const at = (position: bigint): ReadPosition => ({ commit: position, prepare: position });

const positionOf = ({ event, commitPosition }: AllStreamResolvedEvent): bigint =>
  event?.position.commit ?? commitPosition ?? 0n;
