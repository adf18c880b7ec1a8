/** Lets work on one key happen one after the other, in the order of asking; keys do not wait for each other. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();
  #waiting = 0;
  #bytes = 0;

  /** Pieces of work that were asked for and are not done. */
  get waiting(): number {
    return this.#waiting;
  }

  /** What the work that is not done yet holds in memory, as far as it was said. */
  get bytes(): number {
    return this.#bytes;
  }

  async take<Result>(key: string, work: () => Promise<Result>, bytes = 0): Promise<Result> {
    this.#waiting += 1;
    this.#bytes += bytes;
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const done = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, done);
    try {
      return await result;
    } finally {
      this.#waiting -= 1;
      this.#bytes -= bytes;
      if (this.#last.get(key) === done) this.#last.delete(key);
    }
  }

  /** Waits until everything that was asked for is done. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }
}
