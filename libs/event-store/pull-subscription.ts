import { setMaxListeners } from 'node:events';
import type { ReadAllOptions, StoredEvent, SubscribeOptions } from './event-store.js';

/**
 * A wake-up call for any number of waiters. Whoever looks for something first takes `count`, then looks, then waits
 * with that count: a call that came in between ends the wait at once, so none is missed.
 */
export class Signal {
  readonly #wake = new Set<() => void>();
  #count = 0;

  /** How often `notify` was called. */
  get count(): number {
    return this.#count;
  }

  /** Wakes everyone who waits now. */
  notify(): void {
    this.#count += 1;
    for (const wake of [...this.#wake]) wake();
  }

  /**
   * Ends at the next `notify`, after `ms` milliseconds or when `abort` aborts, whichever is first; at once if
   * `notify` was called since `seen` was taken. Never throws.
   */
  async wait(ms: number, abort: AbortSignal, seen: number = this.#count): Promise<void> {
    if (abort.aborted || seen !== this.#count) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wake.delete(wake);
        abort.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wake.add(wake);
      abort.addEventListener('abort', wake);
    });
  }
}

/** Where a subscription pulls its events from. */
export interface PullSource {
  readonly readAll: (options: ReadAllOptions) => Promise<readonly StoredEvent[]>;
  /** Notified after every append that this process hears of. */
  readonly wakeUp: Signal;
  /** Aborted when the store closes: subscriptions then end as if their own signal had aborted. */
  readonly closing: AbortSignal;
  /** Looks again after this many milliseconds without a wake-up. */
  readonly pollMs: number;
}

const DEFAULT_BATCH = 1_000;

/** What every adapter says when it is used after `close`. */
export const CLOSED = 'the event store is closed';

/**
 * A subscription that holds nothing: it reads a page when its consumer asks for one, and at the log's end waits for
 * a wake-up. Yields one empty batch when it reaches the head for the first time. An error of `readAll` ends it;
 * the consumer resumes from the last position that it has seen.
 * @throws Error when the store was closed before the first batch was asked for.
 */
export async function* pullSubscription(
  source: PullSource,
  options: SubscribeOptions,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const { readAll, wakeUp, closing, pollMs } = source;
  const stopped = (): boolean => options.signal.aborted || closing.aborted;
  const limit = options.batchSize ?? DEFAULT_BATCH;
  let after = options.after;
  let caughtUp = false;
  if (closing.aborted) throw new Error(CLOSED);
  wakeAtClosing(source);
  // Any number of subscriptions may share a signal; Node warns at eleven listeners otherwise.
  setMaxListeners(Infinity, options.signal);
  while (!stopped()) {
    const seen = wakeUp.count;
    const events = await readAll({ after, limit }).catch((error: unknown) => {
      if (stopped()) return [];
      throw error;
    });
    if (stopped()) return;
    const last = events.at(-1);
    if (last !== undefined) {
      yield events;
      after = last.position;
    } else if (caughtUp) {
      await wakeUp.wait(pollMs, options.signal, seen);
    } else {
      caughtUp = true;
      yield [];
    }
  }
}

const linked = new WeakSet<AbortSignal>();

/** One listener a store, however many subscriptions it has. */
function wakeAtClosing({ closing, wakeUp }: PullSource): void {
  if (linked.has(closing)) return;
  linked.add(closing);
  closing.addEventListener('abort', () => wakeUp.notify(), { once: true });
}
