import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { GitPlace } from './git.js';
import { clearIncoming, takePack } from './packs.js';
import { Turns } from './turns.js';
import { Upkeep, type UpkeepOptions } from './upkeep.js';

export interface HubOptions extends Partial<Pick<UpkeepOptions, 'mostPacks' | 'onFailure'>> {
  /** Bytes of one pack at most (default 2 GiB). */
  readonly packBytes?: number;
  /** Bytes of memory that one git may take, where the machine has `prlimit` (default 1 GiB). */
  readonly memoryBytes?: number;
}

const MEMORY_BYTES = 1024 ** 3;

const CONFIG = `[core]
	repositoryformatversion = 0
	bare = true
	logAllRefUpdates = false
	bigFileThreshold = 32m
	deltaBaseCacheLimit = 64m
[pack]
	threads = 1
	windowMemory = 128m
	writeReverseIndex = true
[transfer]
	fsckObjects = true
`;

/**
 * The server's repository of all checkpoints of one contract's repository: what is in it survives the machine of the
 * daemon. Nothing is ever checked out of it.
 */
export class Hub {
  readonly #end = new AbortController();
  /** Of those who write refs. */
  readonly #refs = new Turns(1);
  readonly #upkeep: Upkeep;

  private constructor(
    readonly place: GitPlace,
    private readonly packBytes: number | undefined,
    { mostPacks, onFailure = () => undefined }: HubOptions,
  ) {
    this.#upkeep = new Upkeep(place, {
      signal: this.#end.signal,
      exclusive: (work) => this.#alone(work),
      onFailure,
      ...(mostPacks === undefined ? {} : { mostPacks }),
    });
  }

  /** Opens a hub, or makes it; clears what a killed process had not finished receiving. */
  static async open(gitDir: string, options: HubOptions = {}): Promise<Hub> {
    const { packBytes, memoryBytes = MEMORY_BYTES } = options;
    for (const folder of ['refs', 'objects/pack'])
      await mkdir(join(gitDir, folder), { recursive: true, mode: 0o700 });
    await writeFile(join(gitDir, 'config'), CONFIG);
    await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
    await clearIncoming(gitDir);
    return new Hub({ gitDir, memoryBytes }, packBytes, options);
  }

  /**
   * Takes a commit that a pack brings, with all that it leads to, once it is checked to be whole, and pins it. Sending it
   * again changes nothing.
   * @param ref `refs/makima/…`; a commit that it names already is never replaced.
   * @throws PackRefused
   * @throws GitFailed, if the ref names another commit, or the disk is full.
   */
  async receive(
    pack: Readable,
    { ref, commit }: { readonly ref: string; readonly commit: string },
  ): Promise<void> {
    await takePack(this.place, pack, {
      ref,
      commit,
      exclusive: (work) => this.#alone(work),
      ...(this.packBytes === undefined ? {} : { maxBytes: this.packBytes }),
    });
    this.#upkeep.wake();
  }

  /** Resolves when nothing is done in the background. */
  idle(): Promise<void> {
    return this.#upkeep.idle();
  }

  /** Ends what is done in the background. */
  close(): Promise<void> {
    this.#end.abort();
    return this.idle();
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const end = await this.#refs.take();
    try {
      return await work();
    } finally {
      end();
    }
  }
}
