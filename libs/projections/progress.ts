import { setMaxListeners } from 'node:events';
import { Notifications } from '#libs/database/notifications.js';
import { Signal } from '#libs/event-store/pull-subscription.js';

/** Where the process that moves the projections says so. */
const CHANNEL = 'makima_projections';
/** How long a follower goes without looking by itself, should no news of another process arrive. */
const POLL_MS = 2_000;
/** The same for somebody who waits for one position, and not for long. */
const IMPATIENT_MS = 50;

/** What there is to know about the projections. */
export interface Standing {
  /** The position that everything which goes on (or what is named) reflects. */
  lowest(names?: readonly string[]): Promise<bigint>;
  /** The position that everything which goes on reflects, and what is named even if it stands still. */
  reflected(names: readonly string[]): Promise<bigint>;
  /** Whether one of the projections named stands still below a position. */
  standsBelow(position: bigint, names: readonly string[]): boolean;
  /** Aborts when nobody needs to wait any more. */
  readonly stopped: AbortSignal;
}

/**
 * Waits for the projections, whichever process moves them: woken by that process, and looking by itself from time to
 * time. However many wait in a process, they look once.
 */
export class Progress {
  readonly #moved = new Signal();
  readonly #news: Notifications;
  /** By what is named. */
  readonly #looked = new Map<string, Look>();

  constructor(
    private readonly standing: Standing,
    databaseUrl: string,
  ) {
    // Any number may wait; Node warns at eleven listeners otherwise.
    setMaxListeners(Infinity, standing.stopped);
    this.#news = new Notifications(databaseUrl, CHANNEL, () => this.#moved.notify());
  }

  listen(): void {
    this.#news.listen();
  }

  close(): Promise<void> {
    return this.#news.close();
  }

  /** Says, in every process, that the projections have moved. */
  announce(): void {
    this.#moved.notify();
    this.#news.announce();
  }

  /** @returns whether the position is reached before the time is over. */
  async caughtUp(position: bigint, timeoutMs: number, names?: readonly string[]): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const seen = this.#moved.count;
      if (names && this.standing.standsBelow(position, names)) return false;
      if ((await this.standing.lowest(names)) >= position) return true;
      const left = deadline - Date.now();
      if (left <= 0 || this.standing.stopped.aborted) return false;
      await this.#moved.wait(Math.min(left, IMPATIENT_MS), this.standing.stopped, seen);
    }
  }

  /** The position that `reflected` gives, now and whenever it moves. */
  async *positions(signal: AbortSignal, names: readonly string[]): AsyncGenerator<bigint, void, undefined> {
    const stopped = AbortSignal.any([signal, this.standing.stopped]);
    let known = -1n;
    while (!stopped.aborted) {
      const seen = this.#moved.count;
      const position = await this.#look(seen, names);
      if (position !== known) yield (known = position);
      else await this.#moved.wait(POLL_MS, stopped, seen);
    }
  }

  #look(seen: number, names: readonly string[]): Promise<bigint> {
    const now = performance.now();
    const key = names.join();
    const looked = this.#looked.get(key);
    if (looked?.seen === seen && now - looked.at < POLL_MS / 2) return looked.position;
    const position = this.standing.reflected(names);
    this.#looked.set(key, { seen, at: now, position });
    // Whoever waits is told; who comes next looks again.
    position.catch(() => this.#looked.delete(key));
    return position;
  }
}

interface Look {
  readonly seen: number;
  readonly at: number;
  readonly position: Promise<bigint>;
}
