import { lstatSync, readFileSync } from 'node:fs';
import { access, constants, lstat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { absolutePath, type PathBytes } from './path-bytes.js';

/** Why something of a folder is not in a capture. `refused_name`: git takes none like it (`.git` in any case). */
export type LeftOutReason =
  'nested_repository' | 'too_large' | 'unreadable' | 'special_file' | 'empty_folder' | 'refused_name';

export interface LeftOut {
  readonly path: PathBytes;
  readonly reason: LeftOutReason;
}

/** Git writes a slash after a folder. */
export const isFolderName = (path: PathBytes): boolean => path.endsWith('/');

export const nested = (path: PathBytes): LeftOut => ({
  path: path.replace(/\/$/, ''),
  reason: 'nested_repository',
});

export const byPath = (a: LeftOut, b: LeftOut): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

/** Why a path cannot be captured; null: it can, or it is gone. */
export async function hindrance(
  folder: string,
  path: PathBytes,
  maxFileBytes: number,
): Promise<LeftOutReason | null> {
  const absolute = absolutePath(folder, path);
  const found = await lstat(absolute).catch(() => null);
  if (!found || found.isSymbolicLink() || found.isDirectory()) return null;
  if (!found.isFile()) return 'special_file';
  if (found.size > maxFileBytes) return 'too_large';
  return access(absolute, constants.R_OK).then(
    () => null,
    () => 'unreadable',
  );
}

/** Folders that git lists, and those of them that it lists files in. */
export function emptyAmong(
  folders: readonly PathBytes[],
  files: readonly PathBytes[],
): { readonly empty: readonly LeftOut[]; readonly others: readonly PathBytes[] } {
  const withFiles = new Set<PathBytes>();
  for (const file of files)
    for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1))
      withFiles.add(file.slice(0, at + 1));
  const listed = folders.filter(isFolderName);
  return {
    empty: listed
      .filter((path) => !withFiles.has(path))
      .map((path) => ({ path: path.slice(0, -1), reason: 'empty_folder' })),
    others: listed.filter((path) => withFiles.has(path)),
  };
}

/** So many are looked at before something else has its turn. */
const AT_ONCE = 500;

/** The outermost of some folders that are repositories of their own, as git tells it. */
export async function repositoriesAmong(
  folder: string,
  paths: Iterable<PathBytes>,
): Promise<readonly PathBytes[]> {
  const found: PathBytes[] = [];
  let looked = 0;
  for (const path of paths) {
    // Thousands of questions, each answered from memory: asked one after the other they take a tenth of the time.
    if (isRepository(folder, path)) found.push(path);
    looked += 1;
    if (looked % AT_ONCE === 0) await setImmediate();
  }
  return found.filter((path) => !found.some((other) => path.startsWith(`${other}/`)));
}

function isRepository(folder: string, path: PathBytes): boolean {
  const at = (name: string): ReturnType<typeof lstatSync> | undefined =>
    lstatSync(absolutePath(folder, `${path}/${name}`), { throwIfNoEntry: false });
  try {
    const git = at('.git');
    if (!git) return false;
    if (git.isFile() && git.size < 10_000)
      return readFileSync(absolutePath(folder, `${path}/.git`), 'latin1').startsWith('gitdir: ');
    return Boolean(at('.git/HEAD') && ((at('.git/objects') && at('.git/refs')) || at('.git/commondir')));
  } catch {
    // It is a file by now, or behind one.
    return false;
  }
}
