import { constants } from 'node:fs';
import {
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git, isObjectId, startGit, type GitPlace } from './git.js';
import { emptyRepository } from './new-repository.js';
import { folderOnDisk, isFolder } from './on-disk.js';
import { knownAmong, packOf } from './packs.js';
import type { ShadowRepository } from './shadow-repository.js';
import {
  commitAt,
  headOf,
  isBranchRef,
  keepCommit,
  keptCommits,
  valueOf,
  type TaskHead,
} from './task-head.js';

/** What is called `.git` in a folder is none of git's, or leads elsewhere: nothing was changed in it. */
export class TaskRepositoryUnusable extends Error {
  override readonly name = 'TaskRepositoryUnusable';
}

/** What a merge, rebase or bisection under way leaves: it is over when the branch moves. */
const UNDER_WAY = [
  ...['MERGE_HEAD', 'MERGE_MSG', 'MERGE_MODE', 'MERGE_RR', 'AUTO_MERGE', 'CHERRY_PICK_HEAD', 'REVERT_HEAD'],
  ...['SQUASH_MSG', 'REBASE_HEAD', 'rebase-merge', 'rebase-apply', 'sequencer'],
];
const LOCKS = ['index.lock', 'HEAD.lock', 'packed-refs.lock', 'config.lock', 'shallow.lock'];

/**
 * Moves the repository in a folder to a commit that the shadow has, after the files were restored: writes what it lacks,
 * moves the branch, and rebuilds the index; files are not touched, and its configuration is not read. The agent must not
 * run. What the branch named is pinned in the shadow first. Doing it again changes nothing.
 * @throws TaskRepositoryUnusable
 * @throws GitFailed, if the commit is not in the shadow, or a branch of the agent stands where this one goes.
 */
export async function moveTaskRepository(
  folder: string,
  shadow: ShadowRepository,
  to: TaskHead,
): Promise<void> {
  const task = await TaskRepository.open(folder, shadow);
  const before = await headOf(folder);
  if (before?.commit) await keepCommit(shadow.place, folder, before.commit);
  await task.clear();
  if (to.commit !== null) await task.bring(to.commit);
  if (to.branch !== null && to.commit !== null) await task.setBranch(to.branch, to.commit);
  await task.setHead(to);
  await task.setIndex(to.commit);
}

/** The repository in a folder, written to under the shadow's configuration. */
export class TaskRepository {
  private constructor(
    private readonly gitDir: string,
    private readonly shadow: GitPlace & { readonly workTree: string },
    private readonly folder: string,
  ) {}

  /** @throws TaskRepositoryUnusable */
  static async open(folder: string, { place }: ShadowRepository): Promise<TaskRepository> {
    const gitDir = join(folder, '.git');
    if (!(await lstat(gitDir).catch(() => null))) await emptyRepository(gitDir);
    for (const part of ['', 'objects', 'refs', 'refs/heads']) await realFolder(join(gitDir, part));
    await realFolder(join(gitDir, 'objects/pack'));
    return new TaskRepository(gitDir, place, folder);
  }

  /** Removes what killed processes of the agent have left. */
  async clear(): Promise<void> {
    for (const name of [...LOCKS, ...UNDER_WAY])
      await rm(join(this.gitDir, name), { recursive: true, force: true });
  }

  /** Writes a commit of the shadow, and what it leads to, as a pack. */
  async bring(commit: string): Promise<void> {
    if (!isObjectId(commit)) throw new TypeError(`not an object id: ${commit}`);
    const objects = { GIT_OBJECT_DIRECTORY: join(this.gitDir, 'objects') };
    const place = { gitDir: this.shadow.gitDir };
    const known = await knownAmong(place, [commit, ...(await keptCommits(place))], objects);
    if (known.includes(commit)) return;
    const pack = packOf(place, commit, known);
    const running = startGit(place, ['index-pack', '--stdin', '--fix-thin'], { environment: objects });
    running.stdout.resume();
    pack.on('error', (error) => running.stop(error.message)).pipe(running.stdin);
    await running.ended;
  }

  /**
   * Moves a branch from what it names to a commit, by git's own compare-and-swap.
   * @param expected null: the branch must not be there; not given: whatever it names now.
   */
  async setBranch(branch: string, commit: string, expected?: string | null): Promise<void> {
    const ref = `refs/heads/${branch}`;
    if (!isBranchRef(ref)) throw new TypeError(`not the name of a branch: ${branch}`);
    for (let above = dirname(ref); above !== 'refs'; above = dirname(above))
      await noLink(join(this.gitDir, above));
    if (await isFolder(dirname(join(this.gitDir, ref))))
      await rm(join(this.gitDir, `${ref}.lock`), { force: true });
    const present = await commitAt(this.gitDir, ref);
    await this.#removeBroken(ref);
    const old = (expected === undefined ? present : expected) ?? '0'.repeat(commit.length);
    if (present === commit && expected === undefined) return;
    await this.#withRefs((place, environment) =>
      git(place, ['update-ref', '--no-deref', ref, commit, old], { environment }),
    );
    await folderOnDisk(dirname(join(this.gitDir, ref)));
  }

  async setHead({ branch, commit }: TaskHead): Promise<void> {
    if (branch === null && commit === null) throw new TypeError('a HEAD names a branch or a commit');
    const lock = join(this.gitDir, 'HEAD.lock');
    const file = await open(lock, 'wx');
    try {
      await file.writeFile(branch === null ? `${commit}\n` : `ref: refs/heads/${branch}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(lock, join(this.gitDir, 'HEAD'));
    await folderOnDisk(this.gitDir);
  }

  /** Makes the index that of a commit; what the shadow has looked at and is the same need not be looked at again. */
  async setIndex(commit: string | null): Promise<void> {
    const { gitDir } = this.shadow;
    const index = join(gitDir, 'task-index');
    const environment = { GIT_INDEX_FILE: index };
    await rm(`${index}.lock`, { force: true });
    await rm(index, { force: true });
    if (commit === null) return rm(join(this.gitDir, 'index'), { force: true });
    await copyFile(join(gitDir, 'index'), index).catch(() => undefined);
    await git({ gitDir, workTree: this.folder }, ['read-tree', '-m', commit], { environment });
    // What else reads an index may know this version only.
    await git({ gitDir, workTree: this.folder }, ['update-index', '--index-version', '2'], { environment });
    const lock = join(this.gitDir, 'index.lock');
    await copyFile(index, lock, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await rename(lock, join(this.gitDir, 'index'));
    await rm(index, { force: true });
  }

  /** A file that names nothing, as a power cut leaves it, stands in git's way. */
  async #removeBroken(ref: string): Promise<void> {
    const path = join(this.gitDir, ref);
    const found = await lstat(path).catch(() => null);
    if (!found) return;
    if (found.isDirectory() ? !(await hasFiles(path)) : (await valueOf(this.gitDir, ref)) === null)
      await rm(path, { recursive: true, force: true });
  }

  /** A repository of ours whose refs are the task's: git locks and checks them, and reads no configuration of theirs. */
  async #withRefs(
    work: (place: GitPlace, environment: Readonly<Record<string, string>>) => Promise<unknown>,
  ): Promise<void> {
    const gitDir = await mkdtemp(join(this.shadow.gitDir, 'refs-of-task-'));
    try {
      await writeFile(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
      await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
      await mkdir(join(gitDir, 'objects'));
      await symlink(join(this.gitDir, 'refs'), join(gitDir, 'refs'));
      const packed = join(this.gitDir, 'packed-refs');
      if ((await lstat(packed).catch(() => null))?.isFile())
        await symlink(packed, join(gitDir, 'packed-refs'));
      await work({ gitDir }, { GIT_OBJECT_DIRECTORY: join(this.gitDir, 'objects') });
    } finally {
      await rm(gitDir, { recursive: true, force: true });
    }
  }
}

async function hasFiles(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.some((entry) => !entry.isDirectory());
}

/** @throws TaskRepositoryUnusable */
async function noLink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found?.isSymbolicLink())
    throw new TaskRepositoryUnusable(`${path} is a link: no branch is written through it`);
}

/** Makes a folder that is missing. @throws TaskRepositoryUnusable, if something else is in its place */
async function realFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  if (await lstat(path).catch(() => null))
    throw new TaskRepositoryUnusable(
      `${path} is no folder: the repository in the task's folder is not moved`,
    );
  await mkdir(path);
}
