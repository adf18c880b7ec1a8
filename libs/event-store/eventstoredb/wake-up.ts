import { END, excludeSystemEvents, type EventStoreDBClient } from '@eventstore/db-client';
import type { Signal } from '../pull-subscription.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Rings a signal whenever the log grows, whoever appended. It only wakes: what was appended is read by those who were
 * woken, so an event that is lost here is lost to nobody. A subscription that the server drops is started anew.
 */
export class WakeUp {
  #subscription: ReturnType<EventStoreDBClient['subscribeToAll']> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #stopped = false;

  constructor(
    private readonly client: EventStoreDBClient,
    private readonly signal: Signal,
  ) {}

  /** Does nothing when it runs already. */
  start(): void {
    if (!this.#subscription && !this.#retry && !this.#stopped) this.#subscribe();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#subscription?.unsubscribe().catch(() => undefined);
  }

  #subscribe(): void {
    this.#retry = undefined;
    const subscription = this.client.subscribeToAll({ fromPosition: END, filter: excludeSystemEvents() });
    this.#subscription = subscription;
    const dropped = (): void => {
      if (this.#subscription !== subscription) return;
      this.#subscription = undefined;
      if (this.#stopped) return;
      subscription.unsubscribe().catch(() => undefined);
      this.#retry = setTimeout(() => this.#subscribe(), this.#pauseMs);
      this.#retry.unref();
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    };
    subscription.on('error', dropped);
    subscription.on('end', dropped);
    subscription.on('close', dropped);
    subscription.on('data', () => this.signal.notify());
    subscription.on('confirmation', () => {
      this.#pauseMs = FIRST_PAUSE_MS;
      // What was appended while there was no subscription.
      this.signal.notify();
    });
  }
}
