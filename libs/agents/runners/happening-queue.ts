import type { Happening } from './happening.js';

/** What may wait for the reader, in happenings and in bytes of what they were made of. */
const MAX_WAITING = 256;
const MAX_BYTES = 4_000_000;

/** Between the runner and the reader: whoever puts waits while much is waiting, so that memory stays bounded. */
export class HappeningQueue {
  readonly #waiting: { readonly happening: Happening; readonly bytes: number }[] = [];
  #bytes = 0;
  #isClosed = false;
  #onMore: (() => void) | undefined;
  #onRoom: (() => void)[] = [];

  /** @param bytes that it was made of. Resolves when there is room for the next one. */
  async put(happening: Happening, bytes: number): Promise<void> {
    // Nobody reads any more; what comes is let go, so that the program is not held up on its way out.
    if (this.#isClosed) return;
    this.#waiting.push({ happening, bytes });
    this.#bytes += bytes;
    this.#onMore?.();
    if (this.#isFull) await new Promise<void>((resolve) => this.#onRoom.push(resolve));
  }

  /** What was put is still read; nothing more is put. */
  close(): void {
    this.#isClosed = true;
    this.#onMore?.();
    this.#wakeWriters();
  }

  /** Reading ends when the queue is closed and empty. */
  async *read(): AsyncGenerator<Happening, void, undefined> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) {
        this.#bytes -= next.bytes;
        if (!this.#isFull) this.#wakeWriters();
        yield next.happening;
      } else if (this.#isClosed) return;
      else await new Promise<void>((resolve) => (this.#onMore = resolve));
    }
  }

  get #isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING || this.#bytes >= MAX_BYTES;
  }

  #wakeWriters(): void {
    for (const resolve of this.#onRoom.splice(0)) resolve();
  }
}
