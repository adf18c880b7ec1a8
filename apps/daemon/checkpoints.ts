import { randomUUID } from 'node:crypto';
import { EMPTY_TREE } from '#libs/git/changes.js';
import { shownPath } from '#libs/git/path-bytes.js';
import { failpoint } from './failpoint.js';
import type { Journal, JournaledCheckpoint, UntoldCheckpoint } from './journal.js';
import { OneByOne } from './one-by-one.js';
import type { ActivityItem, CheckpointRecord, CheckpointTrigger } from './protocol.js';
import type { Spool } from './spool.js';
import { checkpointRef, type Captured, type Changes, type TaskCode } from './task-code.js';

/** What a record holds at most; what is more is counted and not named. */
const [MOST_FILES, MOST_LEFT_OUT, MOST_PATH] = [100_000, 1_000, 4_096];

const MESSAGES: Readonly<Record<CheckpointTrigger, string>> = {
  turn: 'After a turn',
  time: 'While it worked',
  request: 'On request',
  safety: 'Before what comes next',
  end: 'At the end of the run',
};

export interface CheckpointWish {
  readonly trigger: CheckpointTrigger;
  readonly message?: string | null;
  /** It keeps what is about to be replaced, and is not where the code is. It is one of the task's own. */
  readonly isAside?: true;
  /** A checkpoint that shows the folder as well, if it is still as it was then. */
  readonly known?: JournaledCheckpoint | null;
}

export interface CheckpointsOptions {
  readonly taskId: string;
  readonly code: TaskCode;
  readonly journal: Journal;
  /** Told when there is something to send to the hub. */
  readonly onPinned: () => void;
  readonly now?: () => Date;
}

/** Where a checkpoint's record goes, and under which lease. */
export interface Recording {
  readonly spool: Spool;
  /** 0: under none. */
  readonly epoch: number;
}

/** What a checkpoint comes after. */
interface Parents {
  readonly commits: readonly string[];
  /** The commit that changes are counted from; null: from nothing. */
  readonly previous: string | null;
  readonly tree: string | undefined;
  /** Whether the folder's own repository is at another commit than when the folder was made. */
  readonly hasMoved: boolean;
}

interface Base extends Pick<Parents, 'previous'> {
  /** A tree. */
  readonly base: string;
  readonly parents: readonly string[];
}

/** Takes checkpoints of a task's folder: pinned and on the disk before anybody is told. */
export class Checkpoints {
  readonly #turns = new OneByOne();

  constructor(private readonly options: CheckpointsOptions) {}

  /**
   * Takes one if the folder is not what it was at the last.
   * @returns the checkpoint that shows the folder; null: it never was anything but empty, or as it was cloned.
   * @throws LeaseLost, GitFailed
   */
  take(to: Recording, wish: CheckpointWish): Promise<JournaledCheckpoint | null> {
    return this.#turns.run(async () => {
      await this.forget(({ epoch }) => epoch !== to.epoch);
      const captured = await this.options.code.capture();
      failpoint('checkpoint-captured');
      const last = this.options.journal.state.code;
      const isSame = (one: JournaledCheckpoint): boolean =>
        one.tree === captured.tree &&
        // What the agent has committed since is a change, too, though no file shows it.
        one.headSha === (captured.head?.commit ?? null) &&
        (!wish.isAside || one.taskId === this.options.taskId);
      for (const known of [last, wish.known]) if (known && isSame(known)) return known;
      const parents = await this.#parents(captured, last);
      const base = parents.tree ?? EMPTY_TREE;
      const isUnchanged = !last && captured.tree === base && !parents.hasMoved;
      if (isUnchanged && (wish.trigger === 'turn' || wish.trigger === 'time' || wish.trigger === 'end'))
        return null;
      return this.#record(to, wish, captured, { base, parents: parents.commits, previous: parents.previous });
    });
  }

  /** Takes one of a tree that is not in the folder: what a revert would come to. */
  takeOf(
    to: Recording,
    tree: string,
    after: JournaledCheckpoint,
    message: string,
  ): Promise<JournaledCheckpoint> {
    return this.#turns.run(() => {
      const head = { branch: after.branchName, commit: after.headSha };
      const captured: Captured = { tree, leftOut: [], head };
      const parents = unique([after.commitSha, after.headSha]);
      return this.#record(to, { trigger: 'safety', message, isAside: true }, captured, {
        base: after.tree,
        parents,
        previous: after.commitSha,
      });
    });
  }

  /** Tells what a killed daemon had pinned, and perhaps not told; after it all of the epoch is told. @throws LeaseLost */
  async tellRest(to: Recording): Promise<void> {
    for (const { epoch, item } of this.options.journal.state.untold)
      if (epoch === to.epoch && item) await this.#spooled(to, item);
    await to.spool.flush();
    await this.#told((one) => one.epoch === to.epoch);
  }

  /** The server has not taken what was told under a lease: the folder's checkpoint is the one before. */
  async forget(isForgotten: (untold: UntoldCheckpoint) => boolean): Promise<void> {
    const first = this.options.journal.state.untold.find(isForgotten);
    if (!first) return;
    await this.options.journal.update(({ untold, unsafe }) => {
      const ids = new Set(untold.filter(isForgotten).map(({ checkpointId }) => checkpointId));
      return {
        code: first.before,
        untold: untold.filter(({ checkpointId }) => !ids.has(checkpointId)),
        unsafe: unsafe.filter(({ checkpointId }) => !ids.has(checkpointId)),
      };
    });
  }

  /** The commits that a new one follows, and the one with the tree that its changes are counted from. */
  async #parents({ head }: Captured, last: JournaledCheckpoint | null): Promise<Parents> {
    const { code, journal } = this.options;
    const { begunAt } = journal.state;
    const kept = async (commit: string | null | undefined): Promise<string | null> =>
      commit && (await code.keepHead(commit)) ? commit : null;
    // Not the agent's own commits: what is in them is its work.
    const begun = last ? null : await kept(begunAt);
    const commits = unique([last?.commitSha, begun, await kept(head?.commit)]);
    return {
      commits,
      previous: last?.commitSha ?? begun,
      tree: last?.tree ?? (begun === null ? undefined : await code.treeOf(begun)),
      hasMoved: (head?.commit ?? null) !== begunAt,
    };
  }

  async #record(
    to: Recording,
    wish: CheckpointWish,
    captured: Captured,
    { base, parents, previous }: Base,
  ): Promise<JournaledCheckpoint> {
    const { taskId, code, journal, now = () => new Date() } = this.options;
    const checkpointId = randomUUID();
    const occurredAt = now().toISOString();
    const message = wish.message ?? MESSAGES[wish.trigger];
    const { tree, head } = captured;
    const [commitSha, changes] = await Promise.all([
      code.commit(checkpointRef(checkpointId), { tree, parents, message, at: occurredAt }),
      code.changes(base, tree),
    ]);
    failpoint('checkpoint-pinned');
    const checkpoint: CheckpointRecord = {
      commitSha,
      ...(previous === null ? {} : { previousSha: previous }),
      ...placeOf(captured),
      trigger: wish.trigger,
      ...(wish.isAside ? { isAside: true } : {}),
      message,
      ...recordOf(changes),
    };
    const item: ActivityItem = { id: checkpointId, occurredAt, kind: 'checkpoint', checkpoint };
    const taken: JournaledCheckpoint = {
      taskId,
      checkpointId,
      commitSha,
      tree,
      headSha: head?.commit ?? null,
      branchName: head?.branch ?? null,
    };
    await journal.update(({ unsafe, untold, code: before }) => ({
      code: wish.isAside ? before : taken,
      untold: [...untold, { checkpointId, epoch: to.epoch, before, item }],
      unsafe: [...unsafe, { checkpointId, commitSha }],
    }));
    failpoint('checkpoint-journaled');
    await this.#spooled(to, item);
    this.options.onPinned();
    void to.spool.flush().then(
      () => this.#told((one) => one.checkpointId === checkpointId),
      // It is told, or forgotten, when the lease ends.
      () => undefined,
    );
    return taken;
  }

  async #spooled({ spool }: Recording, item: ActivityItem): Promise<void> {
    await spool.append([item]);
    failpoint('checkpoint-recorded');
    await this.options.journal.update(({ untold }) => ({
      untold: untold.map((one) => (one.checkpointId === item.id ? { ...one, item: null } : one)),
    }));
  }

  #told(isTold: (untold: UntoldCheckpoint) => boolean): Promise<void> {
    return this.options.journal.update(({ untold }) => ({ untold: untold.filter((one) => !isTold(one)) }));
  }
}

const unique = (ids: readonly (string | null | undefined)[]): readonly string[] => [
  ...new Set(ids.filter((id) => typeof id === 'string')),
];

function placeOf({ head, leftOut }: Captured): Pick<CheckpointRecord, 'headSha' | 'branchName' | 'leftOut'> {
  const { commit, branch } = head ?? { commit: null, branch: null };
  const shown = leftOut.slice(0, MOST_LEFT_OUT).map(({ path, reason }) => ({ path: cutPath(path), reason }));
  return {
    ...(commit === null ? {} : { headSha: commit }),
    ...(branch === null || branch.length > 500 ? {} : { branchName: branch }),
    ...(shown.length === 0 ? {} : { leftOut: shown }),
  };
}

const ACTIONS = { added: 'A', modified: 'M', renamed: 'M', deleted: 'D' } as const;

function recordOf({
  files,
  lines,
}: Changes): Pick<CheckpointRecord, 'filesChanged' | 'linesAdded' | 'linesRemoved'> {
  let [linesAdded, linesRemoved] = [0, 0];
  for (const { added, removed } of lines.values()) {
    linesAdded += added;
    linesRemoved += removed;
  }
  const filesChanged = files.slice(0, MOST_FILES).map(({ path, action }) => {
    const { added = 0, removed = 0 } = lines.get(path) ?? {};
    return { path: cutPath(path), action: ACTIONS[action], linesAdded: added, linesRemoved: removed };
  });
  return { filesChanged, linesAdded, linesRemoved };
}

const cutPath = (path: string): string => shownPath(path).slice(0, MOST_PATH);
