import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { folderOnDisk } from '#libs/git/on-disk.js';

/** Writes a file so that a reader finds the old text or the new one, also after a power cut. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const staging = `${path}.new`;
  const file = await open(staging, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(value, null, 1)}\n`);
    await file.sync();
  } catch (error) {
    await rm(staging, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(staging, path);
  await folderOnDisk(dirname(path));
}

/** What a file holds; undefined if there is none. @throws SyntaxError for one that is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
