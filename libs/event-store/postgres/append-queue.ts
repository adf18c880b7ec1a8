import { LogOverloaded } from '../event-store.js';
import type { AppendItem } from './append-statement.js';

/** An append that waits for its turn, and who is to be told. */
export interface Waiting<Outcome> {
  readonly item: AppendItem;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

export interface QueueLimits {
  /** Appends that may wait. */
  readonly items: number;
  /** Their bytes; one append may always wait, however long it is. */
  readonly bytes: number;
  /** Milliseconds that an append may wait. */
  readonly ageMs: number;
}

const MAX_ITEMS = 500;
const MAX_BYTES = 4_000_000;

/** The appends that wait: neither their number, nor their bytes, nor the time that they wait grows without bound. */
export class AppendQueue<Outcome> {
  readonly #waiting: { readonly since: number; readonly one: Waiting<Outcome> }[] = [];
  #bytes = 0;

  constructor(private readonly limits: QueueLimits) {}

  get length(): number {
    return this.#waiting.length;
  }

  /** @throws LogOverloaded */
  add(one: Waiting<Outcome>): void {
    const { length } = this.#waiting;
    const bytes = this.#bytes + one.item.bytes;
    if (length >= this.limits.items || (length > 0 && bytes > this.limits.bytes))
      throw new LogOverloaded(length);
    this.#waiting.push({ since: performance.now(), one });
    this.#bytes = bytes;
  }

  /** What is written next, together; it waits no longer. Empty if nothing waits. */
  next(): readonly Waiting<Outcome>[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && count < MAX_ITEMS) {
      bytes += this.#waiting[count]!.one.item.bytes;
      if (count > 0 && bytes > MAX_BYTES) break;
      count += 1;
    }
    return this.#take(count);
  }

  /** Refuses what has waited for too long: nothing of it was written. */
  refuseOld(): void {
    const due = performance.now() - this.limits.ageMs;
    const young = this.#waiting.findIndex(({ since }) => since > due);
    const old = this.#take(young < 0 ? this.#waiting.length : young);
    for (const { reject } of old) reject(new LogOverloaded(old.length + this.#waiting.length));
  }

  #take(count: number): readonly Waiting<Outcome>[] {
    const taken = this.#waiting.splice(0, count).map(({ one }) => one);
    for (const { item } of taken) this.#bytes -= item.bytes;
    return taken;
  }
}
