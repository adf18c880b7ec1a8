import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { TreeChange } from './changes.js';
import { absolutePath, parentsOf, type PathBytes } from './path-bytes.js';

/**
 * What stands in a folder where new files are to be written and is not among what goes: no capture holds it (it is
 * ignored, too large, or another repository's), and git would overwrite it without a word. What is the same already is not in the way.
 */
export async function inTheWay(
  folder: string,
  changes: readonly TreeChange[],
): Promise<readonly PathBytes[]> {
  const going = new Set(changes.filter(({ oldMode }) => oldMode !== NOTHING).map(({ path }) => path));
  const known = new Map<PathBytes, Promise<readonly PathBytes[]>>();
  const found = new Set<PathBytes>();
  for (const change of changes) {
    const { path, oldMode } = change;
    for (const parent of parentsOf(path)) {
      let hindrance = known.get(parent);
      if (!hindrance) known.set(parent, (hindrance = noFolder(folder, parent)));
      for (const one of await hindrance) if (!going.has(one)) found.add(one);
    }
    if (oldMode !== NOTHING || (await isSame(folder, change))) continue;
    for (const one of await filesAt(folder, path)) if (!going.has(one)) found.add(one);
  }
  return [...found].sort();
}

const NOTHING = '000000';
const LINK = '120000';

/** Whether what is at a path is what will be: a file that was kept because it is ignored, for one. */
async function isSame(folder: string, { path, newId, newMode }: TreeChange): Promise<boolean> {
  const absolute = absolutePath(folder, path);
  const found = await lstat(absolute).catch(() => null);
  if (!found || found.isSymbolicLink() !== (newMode === LINK)) return false;
  if (found.isSymbolicLink()) {
    const target = await readlink(absolute, { encoding: 'buffer' });
    return blobHash(target.length).update(target).digest('hex') === newId;
  }
  if (!found.isFile()) return false;
  const hash = blobHash(found.size);
  const file = await open(absolute, READING).catch(() => null);
  if (!file) return false;
  await pipeline(file.createReadStream(), hash);
  return hash.digest('hex') === newId;
}

const READING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const blobHash = (bytes: number): Hash => createHash('sha1').update(`blob ${bytes}\0`);

/** The path itself if it stands for something that is no folder. */
async function noFolder(folder: string, path: PathBytes): Promise<readonly PathBytes[]> {
  const found = await lstat(absolutePath(folder, path)).catch(() => null);
  return found && !found.isDirectory() ? [path] : [];
}

/** The file at a path, or all that are in the folder there. */
async function filesAt(folder: string, path: PathBytes): Promise<readonly PathBytes[]> {
  const absolute = absolutePath(folder, path);
  const found = await lstat(absolute).catch(() => null);
  if (!found) return [];
  if (!found.isDirectory()) return [path];
  const files: PathBytes[] = [];
  for (const name of await readdir(absolute, { encoding: 'buffer' }))
    files.push(...(await filesAt(folder, `${path}/${name.toString('latin1')}`)));
  return files;
}
