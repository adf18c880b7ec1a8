import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';

/** Waits until the entries of a folder are on the disk: what was renamed into it survives a power cut from then on. */
export async function folderOnDisk(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * What is in a file, whoever made it; null: there is none, it is a link, a pipe or a folder, or it has more bytes.
 * Nothing that stands in its place can make the reader wait.
 */
export async function fileOrNull(path: string | Buffer, maxBytes: number): Promise<Buffer | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => null);
  if (!file) return null;
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= maxBytes ? await file.readFile() : null;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** Whether a folder is there, and no link to one. */
export const isFolder = (path: string | Buffer): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
