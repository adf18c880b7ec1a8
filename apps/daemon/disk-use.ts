import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** Milliseconds for which a count of what a folder takes is good enough. */
const COUNT_MS = 10 * 60_000;

/** How much room a folder takes, and how much there is. */
export class DiskUse {
  #used = 0;
  #counted = -Infinity;
  #counting = false;

  constructor(private readonly folder: string) {}

  /** Bytes. What is used is counted in the background, and may be minutes old. */
  async now(): Promise<{ readonly freeBytes: number; readonly usedBytes: number }> {
    if (!this.#counting && Date.now() - this.#counted > COUNT_MS) {
      this.#counting = true;
      void bytesBelow(this.folder).then((bytes) => {
        [this.#used, this.#counted, this.#counting] = [bytes, Date.now(), false];
      });
    }
    const { bavail, bsize } = await statfs(this.folder);
    return { freeBytes: bavail * bsize, usedBytes: this.#used };
  }
}

/** As the disk counts them. What goes while it is counted is not counted. */
async function bytesBelow(path: string): Promise<number> {
  const found = await lstat(path).catch(() => null);
  if (!found) return 0;
  let bytes = found.blocks * 512;
  if (!found.isDirectory()) return bytes;
  for (const name of await readdir(path).catch(() => [])) bytes += await bytesBelow(join(path, name));
  return bytes;
}
