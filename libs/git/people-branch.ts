import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changesBetween, EMPTY_TREE, GITLINK, type TreeChange } from './changes.js';
import { createRef, pinned, treeOf, writeCommit } from './commits.js';
import { git, GitFailed, type Environment, type GitPlace } from './git.js';
import { pathInput, type PathBytes } from './path-bytes.js';
import { BYTE_FOR_BYTE, FILES_AS_THEY_ARE, type ShadowRepository } from './shadow-repository.js';
import { commitAt, isBranchRef } from './task-head.js';
import { TaskRepository } from './task-repository.js';

export interface NewBranch {
  /** Without `refs/heads/`. */
  readonly name: string;
  /** What was captured: a tree, or a commit of it. */
  readonly tree: string;
  /** The commit that the agent was at; null: none. */
  readonly parent: string | null;
  readonly message: string;
  /** ISO 8601. The same branch made again has the same commit. */
  readonly at: string;
}

/** The name is none that git allows, or a branch of that name is at another commit: nothing was changed. */
export class BranchRefused extends Error {
  override readonly name = 'BranchRefused';
}

/**
 * Makes a branch for people in a task's repository, where the files are not touched.
 * @returns its commit.
 * @throws BranchRefused
 * @throws TaskRepositoryUnusable
 */
export async function createBranch(
  folder: string,
  shadow: ShadowRepository,
  branch: NewBranch,
): Promise<string> {
  assertName(branch.name);
  const task = await TaskRepository.open(folder, shadow);
  const present = await commitAt(join(folder, '.git'), `refs/heads/${branch.name}`);
  const commit = await commitForPeople({ gitDir: shadow.place.gitDir }, branch);
  if (present === commit) return commit;
  if (present !== null) throw taken(branch.name, present);
  await task.bring(commit);
  await task.setBranch(branch.name, commit, null).catch(refusedBecause(branch.name));
  return commit;
}

/** The same in a repository of ours that has the tree and the parent: a hub. @throws BranchRefused */
export async function createBranchIn(place: GitPlace, branch: NewBranch): Promise<string> {
  assertName(branch.name);
  const ref = `refs/heads/${branch.name}`;
  const commit = await commitForPeople(place, branch);
  const present = await pinned(place, ref);
  if (present !== null && present !== commit) throw taken(branch.name, present);
  await createRef(place, ref, commit).catch(refusedBecause(branch.name));
  return commit;
}

function assertName(name: string): void {
  if (!isBranchRef(`refs/heads/${name}`))
    throw new BranchRefused(`${JSON.stringify(name)} is no name that git allows for a branch`);
}

const taken = (name: string, commit: string): BranchRefused =>
  new BranchRefused(`there is a branch ${JSON.stringify(name)} already, at ${commit}`);

const refusedBecause =
  (name: string) =>
  (error: unknown): never => {
    if (error instanceof GitFailed && error.command === 'update-ref')
      throw new BranchRefused(`there can be no branch ${JSON.stringify(name)}: ${error.stderr.trim()}`, {
        cause: error,
      });
    throw error;
  };

/**
 * Commits captured files as git would have after its parent: ends of lines, and whatever else attributes say that needs
 * no program, are as people's own git writes them, and links to other repositories stay.
 */
export async function commitForPeople(
  place: GitPlace,
  { tree, parent, message, at }: NewBranch,
): Promise<string> {
  const scratch = await mkdtemp(join(place.gitDir, 'branch-'));
  try {
    const captured = await treeOf(place, tree);
    const before = parent === null ? EMPTY_TREE : await treeOf(place, parent);
    const normal = await new Normalizing(place, scratch).tree(before, captured);
    return await writeCommit(place, { tree: normal, parents: parent === null ? [] : [parent], message, at });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Adds captured files to the index of the commit before, in a repository that knows no filters, drivers or hooks. */
class Normalizing {
  readonly #files: string;
  readonly #options: { readonly environment: Environment };

  constructor(
    private readonly from: GitPlace,
    private readonly scratch: string,
  ) {
    this.#files = join(scratch, 'files');
    this.#options = { environment: { GIT_OBJECT_DIRECTORY: join(from.gitDir, 'objects') } };
  }

  async tree(before: string, captured: string): Promise<string> {
    const changes = (await changesBetween(this.from, before, captured)).filter(
      (change, _, all) => !isKeptLink(change, all),
    );
    if (changes.length === 0) return before;
    const there = changes.filter(({ action }) => action !== 'deleted').map(({ path }) => path);
    const gone = changes.filter(({ action }) => action === 'deleted').map(({ path }) => path);
    await mkdir(this.#files);
    const captures = await this.#repository('captured', BYTE_FOR_BYTE);
    await git(captures, ['read-tree', captured], this.#options);
    await this.#git(captures, ['checkout-index', '-z', '--stdin'], there);
    const normal = await this.#repository('normal', '');
    await git(normal, ['read-tree', before], this.#options);
    await this.#git(normal, ['update-index', '-z', '--force-remove', '--stdin'], gone);
    await this.#git(normal, ['update-index', '-z', '--add', '--replace', '--stdin'], there);
    return (await git(normal, ['write-tree'], this.#options)).toString().trim();
  }

  async #repository(name: string, attributes: string): Promise<GitPlace> {
    const gitDir = join(this.scratch, name);
    for (const folder of ['refs', 'objects', 'info']) await mkdir(join(gitDir, folder), { recursive: true });
    await writeFile(join(gitDir, 'config'), FILES_AS_THEY_ARE);
    await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
    await writeFile(join(gitDir, 'info/attributes'), attributes);
    return { ...this.from, gitDir, workTree: this.#files };
  }

  async #git(place: GitPlace, args: readonly string[], paths: readonly PathBytes[]): Promise<void> {
    if (paths.length > 0) await git(place, args, { ...this.#options, input: pathInput(paths) });
  }
}

/** Captures hold no links to other repositories: one is gone only if something else took its place. */
function isKeptLink({ path, oldMode, action }: TreeChange, all: readonly TreeChange[]): boolean {
  if (oldMode !== GITLINK || action !== 'deleted') return false;
  return !all.some((other) => other.path.startsWith(`${path}/`));
}
