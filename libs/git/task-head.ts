import { join } from 'node:path';
import { pin, pinned } from './commits.js';
import { alternate, git, GitFailed, gitLine, isObjectId, type GitPlace } from './git.js';
import { fileOrNull, isFolder } from './on-disk.js';
import { packOf, PackRefused, takePack } from './packs.js';

/** What a repository is at. */
export interface TaskHead {
  /** Without `refs/heads/`; null: HEAD names a commit itself. */
  readonly branch: string | null;
  /** Null: the branch has none yet. */
  readonly commit: string | null;
}

const HEAD_BYTES = 4_096;
const PACKED_BYTES = 64 * 1024 * 1024;
const MOST_LINKS = 5;
/** Reading another's objects may meet anything. */
const READING_MS = 120_000;

/** The repository in a folder, if it is a folder of its own there; null: a file, a link, nothing. */
export async function taskGitDir(folder: string): Promise<string | null> {
  const gitDir = join(folder, '.git');
  return (await isFolder(gitDir)) ? gitDir : null;
}

/**
 * What the repository in a folder is at, read without git and so without its configuration.
 * @returns null, if there is none, or nothing that can be understood.
 */
export async function headOf(folder: string): Promise<TaskHead | null> {
  const gitDir = await taskGitDir(folder);
  const head = gitDir === null ? null : await valueOf(gitDir, 'HEAD');
  if (gitDir === null || head === null) return null;
  if ('commit' in head) return { branch: null, commit: head.commit };
  if (!isBranchRef(head.ref)) return null;
  return { branch: head.ref.slice('refs/heads/'.length), commit: await commitAt(gitDir, head.ref) };
}

/** The commit that a ref of a repository names, through other refs; null: none. */
export async function commitAt(gitDir: string, ref: string): Promise<string | null> {
  let name = ref;
  for (let links = 0; links < MOST_LINKS; links += 1) {
    const value = await valueOf(gitDir, name);
    if (value === null) return packedAt(gitDir, name);
    if ('commit' in value) return value.commit;
    if (!isRefName(value.ref)) return null;
    name = value.ref;
  }
  return null;
}

type RefValue = { readonly commit: string } | { readonly ref: string };

/** What the file of a ref, or HEAD, says; null: nothing. */
export async function valueOf(gitDir: string, name: string): Promise<RefValue | null> {
  const text = (await fileOrNull(join(gitDir, name), HEAD_BYTES))?.toString('utf8').trimEnd();
  if (text === undefined) return null;
  const ref = /^ref:\s*(\S.*)$/.exec(text)?.[1];
  if (ref !== undefined) return { ref };
  return isObjectId(text) ? { commit: text } : null;
}

async function packedAt(gitDir: string, name: string): Promise<string | null> {
  const packed = (await fileOrNull(join(gitDir, 'packed-refs'), PACKED_BYTES))?.toString('utf8') ?? '';
  const end = `\n${packed}\n`.indexOf(` ${name}\n`);
  const id = end < 0 ? '' : (/[0-9a-f]+$/.exec(`\n${packed}`.slice(Math.max(0, end - 64), end))?.[0] ?? '');
  return isObjectId(id) ? id : null;
}

/** Whether git allows a name (`git check-ref-format`), and it is valid UTF-8. */
export const isRefName = (name: string): boolean =>
  /^refs\/[^/]/.test(name) &&
  !/\p{Cc}|[ ~^:?*[\\\uFFFD]|\.\.|@\{|\/\/|\/$|\.$/u.test(name) &&
  name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));

/** The same for a branch, which must not look like an option. */
export const isBranchRef = (name: string): boolean =>
  isRefName(name) && /^refs\/heads\/(?!-|HEAD$)/.test(name);

/**
 * Copies a commit that the repository in a folder has, with all that it leads to, into the shadow, and pins it there.
 * Only the objects are read, each is hashed again, and they must be whole.
 * @returns whether the shadow has it now.
 * @throws GitFailed, if the disk is full.
 */
export async function keepCommit(shadow: GitPlace, folder: string, commit: string): Promise<boolean> {
  const place = { gitDir: shadow.gitDir };
  const ref = `refs/makima/heads/${commit}`;
  if ((await pinned(place, ref)) === commit) return true;
  if (await isThere(place, commit)) return pin(place, ref, commit).then(() => true);
  const gitDir = await taskGitDir(folder);
  if (gitDir === null) return false;
  const pack = packOf(place, commit, await keptCommits(place), {
    environment: { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternate(join(gitDir, 'objects')) },
    timeoutMs: READING_MS,
  });
  try {
    await takePack(place, pack, { ref, commit });
    return true;
  } catch (error) {
    if (error instanceof PackRefused || (error instanceof GitFailed && !error.isDiskFull)) return false;
    throw error;
  }
}

/** The commits of the folder's repository that a shadow has pinned. */
export const keptCommits = async (shadow: GitPlace): Promise<readonly string[]> =>
  (await gitLine(shadow, ['for-each-ref', '--format=%(objectname)', 'refs/makima/heads/']))
    .split('\n')
    .filter(isObjectId);

/** Whether an object is there as a commit. What it leads to is there as well: commits come whole, or not at all. */
export const isThere = (place: GitPlace, commit: string): Promise<boolean> =>
  git(place, ['cat-file', '-t', commit]).then(
    (type) => type.toString().trim() === 'commit',
    () => false,
  );
