import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { EMPTY_TREE, type TreeChange } from '#libs/git/changes.js';
import { pin, treeOf, writeCommit, type NewCommit } from '#libs/git/commits.js';
import { git, gitLine } from '#libs/git/git.js';
import { inTheWay } from '#libs/git/in-the-way.js';
import { lineCounts, type LineCount } from '#libs/git/numstat.js';
import { takePack } from '#libs/git/packs.js';
import { absolutePath, type PathBytes } from '#libs/git/path-bytes.js';
import { createBranch, type NewBranch } from '#libs/git/people-branch.js';
import type { CachedRepository } from '#libs/git/repository-cache.js';
import { revertTree, type ChangeToRevert, type Reverted } from '#libs/git/revert.js';
import { RestoreBlocked } from '#libs/git/restore.js';
import type { Capture, ShadowRepository } from '#libs/git/shadow-repository.js';
import { openTaskFolder } from '#libs/git/task-folder.js';
import { commitAt, headOf, isThere, keepCommit, type TaskHead } from '#libs/git/task-head.js';
import { moveTaskRepository } from '#libs/git/task-repository.js';
import { failpointWhenChanged } from './failpoint.js';
import type { TaskPlace } from './home.js';
import { OneByOne } from './one-by-one.js';

/** A folder as it is: its files, and what its own repository is at. */
export interface Captured extends Capture {
  readonly head: TaskHead | null;
}

export interface Changes {
  readonly files: readonly TreeChange[];
  readonly lines: ReadonlyMap<PathBytes, LineCount>;
}

/** A task's folder and our repository beside it. One thing is done with them at a time. */
export class TaskCode {
  readonly #turns = new OneByOne();

  private constructor(
    readonly place: TaskPlace,
    private readonly shadow: ShadowRepository,
    /** Whether the folder was made now. */
    readonly isNew: boolean,
  ) {}

  /**
   * Opens a task's folder, or makes it from the repository.
   * @throws GitFailed
   */
  static async open(place: TaskPlace, cache: CachedRepository | null): Promise<TaskCode> {
    const { shadow, isNew } = await openTaskFolder(cache, place.folder, place.shadow);
    return new TaskCode(place, shadow, isNew);
  }

  /** The same, if there is a folder. */
  static async kept(place: TaskPlace): Promise<TaskCode | null> {
    const found = await lstat(place.folder).catch(() => null);
    return found?.isDirectory() ? TaskCode.open(place, null) : null;
  }

  capture(): Promise<Captured> {
    return this.#turns.run(async () => {
      // What the agent commits meanwhile is in the next one.
      const head = await headOf(this.place.folder);
      return { ...(await this.shadow.capture()), head };
    });
  }

  /**
   * Writes a commit and pins it, on the disk.
   * @param ref `refs/makima/…`
   */
  commit(ref: string, commit: NewCommit): Promise<string> {
    return this.#turns.run(async () => {
      const id = await writeCommit(this.#own, commit);
      await pin(this.#own, ref, id);
      return id;
    });
  }

  /** Takes over a commit of the folder's own repository. False: it is not whole there. */
  keepHead(commit: string): Promise<boolean> {
    return this.#turns.run(() => keepCommit(this.shadow.place, this.place.folder, commit));
  }

  treeOf(commit: string): Promise<string> {
    return treeOf(this.#own, commit);
  }

  has(commit: string): Promise<boolean> {
    return isThere(this.#own, commit);
  }

  /** Takes a checkpoint's commit from a pack. @throws PackRefused */
  receive(pack: Readable, checkpointId: string, commit: string): Promise<void> {
    return this.#turns.run(() => takePack(this.#own, pack, { ref: checkpointRef(checkpointId), commit }));
  }

  async changes(from: string, to: string): Promise<Changes> {
    const [files, lines] = await Promise.all([
      this.shadow.changes(from, to),
      lineCounts(this.#own, from, to),
    ]);
    return { files, lines };
  }

  /** @throws RestoreBlocked, if what no capture holds stands where a restore has to write */
  async assertNothingInTheWay(from: string, to: string): Promise<void> {
    const blocking = await inTheWay(this.place.folder, await this.shadow.changes(from, to));
    if (blocking.length > 0) throw new RestoreBlocked(blocking);
  }

  /** @param from the tree that was captured last. @throws RestoreBlocked */
  restore(from: string, to: string): Promise<void> {
    return this.#turns.run(async () => {
      const [first] = await this.shadow.changes(from, to);
      if (first) failpointWhenChanged('rewind-half-restored', absolutePath(this.place.folder, first.path));
      await this.shadow.restore(from, to);
    });
  }

  /** Moves the folder's own repository, after its files. @throws TaskRepositoryUnusable */
  moveRepository(to: TaskHead): Promise<void> {
    return this.#turns.run(() => moveTaskRepository(this.place.folder, this.shadow, to));
  }

  /** What a branch of the folder's own repository names; null: there is none. */
  branchAt(name: string): Promise<string | null> {
    return commitAt(join(this.place.folder, '.git'), `refs/heads/${name}`);
  }

  /** What the folder's own repository is at; null: there is none. */
  head(): Promise<TaskHead | null> {
    return headOf(this.place.folder);
  }

  /** Keeps a commit under one more name. */
  pin(ref: string, commit: string): Promise<void> {
    return this.#turns.run(() => pin(this.#own, ref, commit));
  }

  /** Makes a branch for people. @throws BranchRefused, TaskRepositoryUnusable */
  branch(branch: NewBranch): Promise<string> {
    return this.#turns.run(() => createBranch(this.place.folder, this.shadow, branch));
  }

  /** Does something while nothing else is done with the folder and our repository. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.run(work);
  }

  revert(change: ChangeToRevert): Promise<Reverted> {
    return this.#turns.run(() => revertTree(this.#own, change));
  }

  /** A tree with some of a commit's paths laid over it. @throws GitFailed */
  overlaid(tree: string, commit: string, paths: readonly string[]): Promise<string> {
    return this.#turns.run(async () => {
      const index = join(this.place.shadow, 'overlay-index');
      const environment = { GIT_INDEX_FILE: index };
      try {
        const entries = await git(this.#own, ['ls-tree', '-r', '-z', '--full-tree', commit, '--', ...paths]);
        if (tree === EMPTY_TREE) await git(this.#own, ['read-tree', '--empty'], { environment });
        else await git(this.#own, ['read-tree', tree], { environment });
        await git(this.#own, ['update-index', '-z', '--index-info'], { environment, input: entries });
        return await gitLine(this.#own, ['write-tree'], { environment });
      } finally {
        await rm(index, { force: true });
      }
    });
  }

  /** Without the folder, for what is about objects alone. */
  get #own() {
    return { gitDir: this.place.shadow };
  }
}

export const checkpointRef = (checkpointId: string): string => `refs/makima/checkpoints/${checkpointId}`;
