import { open } from 'node:fs/promises';

/** Waits until the entries of a folder are on the disk: what was renamed into it survives a power cut from then on. */
export async function folderOnDisk(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
