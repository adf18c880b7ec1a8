import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '#libs/processes/system-error.js';

export interface RevivalOptions {
  readonly isRunning: () => boolean;
  readonly launch: () => Promise<void>;
  readonly log: (line: string) => void;
  /** How often to look, in milliseconds. */
  readonly everyMs: number;
}

/** Starts a server again whenever it has ended by itself: killed for want of memory, say. Does not keep Node running. */
export class Revival {
  readonly #end = new AbortController();
  readonly #watching: Promise<void>;

  constructor(private readonly options: RevivalOptions) {
    this.#watching = this.#watch();
  }

  /** Ends the watch; a start under way is waited for. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    let told = '';
    while (await this.#paused()) {
      if (this.options.isRunning()) continue;
      if (told === '') this.options.log('Postgres has ended unexpectedly and is started again');
      try {
        await this.options.launch();
        told = '';
      } catch (error) {
        const reason = reasonOf(error);
        if (reason !== told) this.options.log(reason);
        told = reason;
      }
    }
  }

  /** Waits for the next look; false once the watch is over. */
  async #paused(): Promise<boolean> {
    const { signal } = this.#end;
    await delay(this.options.everyMs, undefined, { ref: false, signal }).catch(() => undefined);
    return !signal.aborted;
  }
}
