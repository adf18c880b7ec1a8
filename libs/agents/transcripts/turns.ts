export class TooManyWaiting extends Error {
  override readonly name = 'TooManyWaiting';
}

/** Lets so many work at a time; the others wait, in the order in which they came. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(
    most: number,
    private readonly maxWaiting: number,
  ) {
    this.#free = most;
  }

  /**
   * Waits for a turn.
   * @returns what ends it; calling it again does nothing.
   * @throws TooManyWaiting, and the signal's reason when it aborts before the turn has come.
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else if (this.#waiting.length >= this.maxWaiting) throw new TooManyWaiting('too many are waiting');
    else await this.#wait(signal);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal.reason as Error);
      };
      const turn = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(turn);
    });
  }
}
