import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { GitPlace } from './git.js';
import { clearIncoming, takePack } from './packs.js';

export interface HubLimits {
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
  private constructor(
    readonly place: GitPlace,
    private readonly packBytes: number | undefined,
  ) {}

  /** Opens a hub, or makes it; clears what a killed process had not finished receiving. */
  static async open(gitDir: string, { packBytes, memoryBytes = MEMORY_BYTES }: HubLimits = {}): Promise<Hub> {
    for (const folder of ['refs', 'objects/pack'])
      await mkdir(join(gitDir, folder), { recursive: true, mode: 0o700 });
    await writeFile(join(gitDir, 'config'), CONFIG);
    await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
    await clearIncoming(gitDir);
    return new Hub({ gitDir, memoryBytes }, packBytes);
  }

  /**
   * Takes a commit that a pack brings, with all that it leads to, once it is checked to be whole, and pins it. Sending it
   * again changes nothing.
   * @param ref `refs/makima/…`; a commit that it names already is never replaced.
   * @throws PackRefused
   * @throws GitFailed, if the ref names another commit, or the disk is full.
   */
  receive(pack: Readable, { ref, commit }: { readonly ref: string; readonly commit: string }): Promise<void> {
    return takePack(this.place, pack, {
      ref,
      commit,
      ...(this.packBytes === undefined ? {} : { maxBytes: this.packBytes }),
    });
  }
}
