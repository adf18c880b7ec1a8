import type { GitPlace } from './git.js';
import { repack, scattered, type RepackOptions } from './repack.js';

export interface UpkeepOptions extends Pick<RepackOptions, 'exclusive' | 'signal'> {
  /** Packs beside those that a repack leaves apart (default 20). */
  readonly mostPacks?: number;
  /** Loose objects (default 500, which take 2 MB). */
  readonly mostLoose?: number;
  /** Told what went wrong: nothing is lost by it, and it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

const [MOST_PACKS, MOST_LOOSE] = [20, 500];

/** Keeps a repository of ours small: packs it in the background when there is too much that is not. */
export class Upkeep {
  #running: Promise<void> | null = null;
  #isAskedAgain = false;
  /** What the last time has left, which another time would leave, too. */
  #left = { packs: 0, loose: 0 };

  constructor(
    private readonly place: GitPlace,
    private readonly options: UpkeepOptions,
  ) {}

  /** Something was written. */
  wake(): void {
    // What ends before it began would stay as running for ever.
    if (this.options.signal.aborted) return;
    this.#isAskedAgain = true;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being packed. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    const { signal, onFailure } = this.options;
    while (this.#isAskedAgain && !signal.aborted) {
      this.#isAskedAgain = false;
      await this.#look().catch((error: unknown) => {
        if (!signal.aborted) onFailure(error);
      });
    }
    this.#running = null;
  }

  async #look(): Promise<void> {
    const { mostPacks = MOST_PACKS, mostLoose = MOST_LOOSE } = this.options;
    const { packs, loose } = await scattered(this.place);
    if (packs <= this.#left.packs + mostPacks && loose <= this.#left.loose + mostLoose) return;
    // Also after a failure the next try waits until there is more to do.
    this.#left = { packs, loose };
    await repack(this.place, this.options);
    this.#left = await scattered(this.place);
  }
}
