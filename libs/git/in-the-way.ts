import { lstat, readdir } from 'node:fs/promises';
import type { TreeChange } from './changes.js';
import { absolutePath, parentsOf, type PathBytes } from './path-bytes.js';

/**
 * What stands in a folder where new files are to be written and is not among what goes: no capture holds it (it is
 * ignored, too large, or another repository's), and git would overwrite it without a word.
 */
export async function inTheWay(
  folder: string,
  changes: readonly TreeChange[],
): Promise<readonly PathBytes[]> {
  const going = new Set(changes.filter(({ oldMode }) => oldMode !== NOTHING).map(({ path }) => path));
  const known = new Map<PathBytes, Promise<readonly PathBytes[]>>();
  const found = new Set<PathBytes>();
  for (const { path, oldMode } of changes) {
    for (const parent of parentsOf(path)) {
      let hindrance = known.get(parent);
      if (!hindrance) known.set(parent, (hindrance = noFolder(folder, parent)));
      for (const one of await hindrance) if (!going.has(one)) found.add(one);
    }
    if (oldMode !== NOTHING) continue;
    for (const one of await filesAt(folder, path)) if (!going.has(one)) found.add(one);
  }
  return [...found].sort();
}

const NOTHING = '000000';

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
