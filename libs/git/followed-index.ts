import { lstat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, type GitPlace } from './git.js';
import { fileOrNull, isFolder } from './on-disk.js';
import { absolutePath, parentsOf, pathsIn, type PathBytes } from './path-bytes.js';
import { taskGitDir } from './task-head.js';

const MOST_BYTES = 512 * 1024 * 1024;

/**
 * The index of the repository in a folder: a file that is ignored and in it all the same is one that people want kept.
 * It is read from a copy under the shadow's configuration; what cannot be understood says nothing.
 */
export class FollowedIndex {
  /** The file that was read last: it is read again when it is another. */
  #seen = '';
  /** What it names and the shadow's index did not. */
  #unknown: readonly PathBytes[] = [];

  constructor(private readonly place: GitPlace & { readonly workTree: string }) {}

  /**
   * Files that are there, in the folder's index, and not in the shadow's.
   * @param others what is not in the shadow's index and will be.
   */
  async beyond(others: readonly PathBytes[]): Promise<readonly PathBytes[]> {
    await this.#read();
    if (this.#unknown.length === 0) return [];
    const taken = new Set(others);
    const found: PathBytes[] = [];
    for (const path of this.#unknown)
      if (!taken.has(path) && (await isFileBelow(this.place.workTree, path))) found.push(path);
    return found;
  }

  async #read(): Promise<void> {
    const gitDir = await taskGitDir(this.place.workTree);
    const index = gitDir === null ? null : join(gitDir, 'index');
    const found = index === null ? null : await lstat(index, { bigint: true }).catch(() => null);
    const seen = found ? [found.ino, found.size, found.mtimeNs, found.ctimeNs].join() : '';
    if (seen === this.#seen) return;
    this.#unknown = index === null || !found ? [] : await this.#unknownIn(index);
    this.#seen = seen;
  }

  async #unknownIn(index: string): Promise<readonly PathBytes[]> {
    const bytes = await fileOrNull(index, MOST_BYTES);
    if (bytes === null) return [];
    const copy = join(this.place.gitDir, 'followed-index');
    await writeFile(copy, bytes);
    const names = ['ls-files', '-z'];
    const [theirs, ours] = await Promise.all([
      git(this.place, names, { environment: { GIT_INDEX_FILE: copy } }).catch(() => Buffer.alloc(0)),
      git(this.place, names),
    ]);
    if (theirs.equals(ours)) return [];
    const known = new Set(pathsIn(ours));
    return pathsIn(theirs).filter((path) => !known.has(path) && isInner(path));
  }
}

/** An index that somebody wrote by hand may name anything. */
const isInner = (path: PathBytes): boolean =>
  !path.split('/').some((part) => /^(\.{0,2}|\.git)$/i.test(part));

/** Whether there is a file or a link at a path that leads through no link and no other repository. */
async function isFileBelow(folder: string, path: PathBytes): Promise<boolean> {
  for (const parent of parentsOf(path)) {
    if (!(await isFolder(absolutePath(folder, parent)))) return false;
    if (await lstat(absolutePath(folder, `${parent}/.git`)).catch(() => null)) return false;
  }
  const found = await lstat(absolutePath(folder, path)).catch(() => null);
  return found !== null && !found.isDirectory();
}
