import { copyFile, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git, type GitPlace } from './git.js';
import { clonedRepository } from './new-repository.js';
import { isFolder } from './on-disk.js';
import { pin } from './commits.js';
import type { CachedRepository } from './repository-cache.js';
import { ShadowRepository, type ShadowOptions } from './shadow-repository.js';
import type { TaskHead } from './task-head.js';
import { GITLINK } from './changes.js';

export interface TaskFolderOptions extends ShadowOptions {
  /** What to check out (default: what the HEAD of the contract's repository names). */
  readonly head?: TaskHead;
}

export interface TaskFolder {
  readonly shadow: ShadowRepository;
  /** Whether it was made now; otherwise it was there. */
  readonly isNew: boolean;
}

/**
 * Opens a task's folder and its shadow. If the folder is not there, it is made: a clone of the contract's repository, in
 * which an agent can harm nothing else, or without a repository an empty folder. It is there as a whole or not at all.
 * @throws GitFailed, also if the commit is not in the cache.
 */
export async function openTaskFolder(
  cache: CachedRepository | null,
  folder: string,
  shadowGitDir: string,
  { head = cache?.head, ...options }: TaskFolderOptions = {},
): Promise<TaskFolder> {
  const shadow = await ShadowRepository.open(shadowGitDir, folder, options);
  if (cache) await borrow(shadowGitDir, cache);
  const half = `${folder}.making`;
  await rm(half, { recursive: true, force: true });
  if (await isFolder(folder)) return { shadow, isNew: false };
  await mkdir(half, { recursive: true });
  if (cache && head) {
    await clonedRepository(join(half, '.git'), cache, head);
    if (head.commit !== null) await checkOut(half, { gitDir: shadowGitDir, workTree: half }, head.commit);
  } else await rm(join(shadowGitDir, 'index'), { force: true });
  await mkdir(dirname(folder), { recursive: true });
  await rename(half, folder);
  return { shadow, isNew: true };
}

/** The shadow finds in the cache what it does not have: nothing is ever removed from there. */
async function borrow(shadowGitDir: string, { place }: CachedRepository): Promise<void> {
  const info = join(shadowGitDir, 'objects/info');
  await mkdir(info, { recursive: true, mode: 0o700 });
  await writeFile(join(info, 'alternates.new'), `${join(place.gitDir, 'objects')}\n`);
  await rename(join(info, 'alternates.new'), join(info, 'alternates'));
}

/** Writes the files; the shadow begins with the same index, so that it knows all that git has just looked at. */
async function checkOut(folder: string, shadow: GitPlace, commit: string): Promise<void> {
  const task = { gitDir: join(folder, '.git'), workTree: folder };
  // What a power cut takes of it is cloned again; the files themselves git never waits for.
  await git(task, ['-c', 'core.fsync=none', 'read-tree', '-u', '--reset', commit]);
  const [others] = await Promise.all([
    otherThanStored(task),
    sameIndex(join(task.gitDir, 'index'), join(shadow.gitDir, 'index')),
    pin(shadow, `refs/makima/heads/${commit}`, commit),
  ]);
  await forget(shadow, others);
}

/** Copies an index with its time, which says what files may have changed since without a trace in their own. */
async function sameIndex(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const { atime, mtime } = await stat(from);
  const index = await open(to, 'r+');
  try {
    await index.utimes(atime, mtime);
    await index.sync();
  } finally {
    await index.close();
  }
}

interface Entry {
  readonly mode: string;
  readonly id: string;
  /** One character a byte. */
  readonly path: string;
}

/** Links to other repositories, and files whose bytes in the folder are not those of their objects. */
async function otherThanStored(task: GitPlace): Promise<readonly Entry[]> {
  const listed = await git(task, ['ls-files', '-s', '-z']);
  if (!listed.includes(GITLINK) && !listed.includes('.gitattributes')) return [];
  const entries = entriesIn(listed);
  const links = entries.filter(({ mode }) => mode === GITLINK);
  if (!entries.some(({ path }) => /(^|\/)\.gitattributes$/.test(path))) return links;
  const answer = await git(task, ['check-attr', '--stdin', '-z', 'eol', 'ident', 'working-tree-encoding'], {
    input: Buffer.from(entries.map(({ path }) => `${path}\0`).join(''), 'latin1'),
  });
  const parts = answer.toString('latin1').split('\0');
  const converted = new Set<string>();
  for (let at = 0; at + 2 < parts.length; at += 3) if (!SAME.has(parts[at + 2]!)) converted.add(parts[at]!);
  return [...links, ...entries.filter(({ path, mode }) => mode !== GITLINK && converted.has(path))];
}

/** Values of these attributes with which the bytes stay. */
const SAME = new Set(['unspecified', 'unset', 'lf']);

function entriesIn(answer: Buffer): readonly Entry[] {
  return answer
    .toString('latin1')
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [mode, id] = line.split(' ', 2) as [string, string];
      return { mode, id, path: line.slice(line.indexOf('\t') + 1) };
    });
}

/** Takes links out of an index, and of files what git knows of their times, so that the next capture reads them. */
async function forget(shadow: GitPlace, entries: readonly Entry[]): Promise<void> {
  if (entries.length === 0) return;
  const lines = entries.map(({ mode, id, path }) =>
    mode === GITLINK ? `0 ${id}\t${path}\0` : `${mode} ${id}\t${path}\0`,
  );
  await git(shadow, ['update-index', '-z', '--index-info'], { input: Buffer.from(lines.join(''), 'latin1') });
}
