import { ApiError } from '#libs/client/api-error.js';
import { shownPath } from '#libs/git/path-bytes.js';
import { EMPTY_TREE } from '#libs/git/changes.js';
import type { Checkpoints, Recording } from './checkpoints.js';
import { failpoint } from './failpoint.js';
import type { JournaledCheckpoint, JournaledRewind } from './journal.js';
import type { RewindOrder } from './protocol.js';
import { fetched, restoreTo, type FetchOptions } from './restoring.js';
import { isPassing, reasonIn, untilAnswered } from './retry.js';
import type { ServerApi } from './server-api.js';

export interface RewindTools extends FetchOptions {
  readonly taskId: string;
  readonly api: Pick<ServerApi, 'pack' | 'prepared' | 'completed' | 'failed'>;
  readonly checkpoints: Checkpoints;
  /** Where checkpoints are recorded while no agent runs. */
  readonly recording: Recording;
  readonly log: (line: string) => void;
  readonly now?: () => Date;
}

/** Why a rewind cannot be: nothing was changed. */
class CannotRewind extends Error {
  override readonly name = 'CannotRewind';
}

/** Nobody waits for it any more, or not for this daemon. */
const OVER = new Set(['REWIND_OVER', 'REWIND_UNKNOWN', 'NOT_FOUND', 'LEASE_STALE']);

/**
 * Takes the code of a task back as its order says. The agent does not run. Whatever step a kill comes at, doing it again
 * goes on from there: before the server has committed nothing has changed, after it the folder goes where the server says.
 */
export class Rewinding {
  constructor(private readonly tools: RewindTools) {}

  async carryOut(order: RewindOrder): Promise<void> {
    const rewind = order.phase === 'requested' ? await this.#prepared(order) : await this.#begun(order);
    if (rewind) await this.#goThere(order, rewind);
  }

  /** Everything that can fail happens here. Null: it did, or somebody has called it off. */
  async #prepared(order: RewindOrder): Promise<JournaledRewind | null> {
    const { taskId, api, journal, now = () => new Date() } = this.tools;
    try {
      const before = await this.#before(order);
      const { result, tree } = await this.#target(order, before);
      await this.#assertPossible(order, before, tree);
      const rewind = { rewindId: order.rewindId, before, result, at: now().toISOString() };
      await journal.update({ rewind });
      failpoint('rewind-journaled');
      const shown = result?.checkpointId ?? null;
      const { phase } = await this.#ask(() =>
        api.prepared(taskId, order.rewindId, before.checkpointId, shown),
      );
      failpoint('rewind-prepared');
      if (phase === 'committed') return rewind;
      await journal.update({ rewind: null });
      return null;
    } catch (error) {
      this.tools.signal.throwIfAborted();
      if (isPassing(error) || isTooEarly(error)) throw error;
      if (!isOver(error)) await this.#fail(order, reasonIn(error));
      await journal.update({ rewind: null });
      return null;
    }
  }

  /** What is there now, recorded. */
  async #before(order: RewindOrder): Promise<JournaledCheckpoint> {
    const { checkpoints, recording, journal } = this.tools;
    const known = this.#journaled(order)?.before ?? null;
    const message = `Before rewind ${order.rewindId}`;
    const before = await checkpoints.take(recording, { trigger: 'safety', message, isAside: true, known });
    if (!before) throw new CannotRewind('There is nothing in the folder that could be kept.');
    const { result = null } = this.#journaled(order) ?? {};
    await journal.update({
      rewind: { rewindId: order.rewindId, before, result, at: new Date().toISOString() },
    });
    failpoint('rewind-captured');
    await recording.spool.flush();
    failpoint('rewind-recorded');
    return before;
  }

  async #target(
    order: RewindOrder,
    before: JournaledCheckpoint,
  ): Promise<{ readonly result: JournaledCheckpoint | null; readonly tree: string }> {
    if (order.kind === 'revert') {
      const result = await this.#reverted(order, before);
      return { result, tree: result.tree };
    }
    // The agent is stopped, and what it did is kept; the files stay.
    if (order.kind === 'conversation') return { result: null, tree: before.tree };
    if (!order.target) throw new CannotRewind('The order names no checkpoint to go back to.');
    return { result: null, tree: await fetched(order.target, this.tools) };
  }

  async #reverted(
    { revert, rewindId }: RewindOrder,
    before: JournaledCheckpoint,
  ): Promise<JournaledCheckpoint> {
    const { code, checkpoints, recording } = this.tools;
    if (!revert) throw new CannotRewind('The order names no change to take back.');
    const known = this.tools.journal.state.rewind?.result;
    const found = await code.revert({
      ours: before.tree,
      change: revert.commitSha,
      before: revert.previousSha ?? EMPTY_TREE,
    });
    if ('conflicts' in found) {
      const paths = found.conflicts.slice(0, 20).map(shownPath).join(', ');
      throw new CannotRewind(`Later changes touch the same places: ${paths}. Nothing was changed.`);
    }
    if (known?.tree === found.tree) return known;
    const result = await checkpoints.takeOf(recording, found.tree, before, `Result of rewind ${rewindId}`);
    await recording.spool.flush();
    return result;
  }

  async #assertPossible({ preserve }: RewindOrder, before: JournaledCheckpoint, tree: string): Promise<void> {
    const { code } = this.tools;
    await code.assertNothingInTheWay(before.tree, tree);
    const { mode, branchName } = preserve;
    if (mode === 'create_branch' && branchName !== null && (await code.branchAt(branchName)) !== null)
      throw new CannotRewind(`There is a branch ${JSON.stringify(branchName)} already.`);
  }

  /** What this daemon had begun; what it does not remember it makes from the order. */
  async #begun(order: RewindOrder): Promise<JournaledRewind> {
    const known = this.#journaled(order);
    if (known) return known;
    const { code, taskId } = this.tools;
    const commitSha = order.before?.commitSha;
    if (commitSha === undefined || !(await code.has(commitSha)))
      throw new CannotRewind(`rewind ${order.rewindId} was begun elsewhere`);
    const before: JournaledCheckpoint = {
      taskId,
      checkpointId: order.before!.checkpointId,
      commitSha,
      tree: await code.treeOf(commitSha),
      ...headOf(await code.head()),
    };
    return { rewindId: order.rewindId, before, result: null, at: new Date(0).toISOString() };
  }

  #journaled({ rewindId }: RewindOrder): JournaledRewind | null {
    const { rewind } = this.tools.journal.state;
    return rewind?.rewindId === rewindId ? rewind : null;
  }

  /** From here it goes forward, or back to where it came from. */
  async #goThere(order: RewindOrder, rewind: JournaledRewind): Promise<void> {
    const { taskId, journal, api } = this.tools;
    const target = rewind.result ?? order.target;
    if (!target) throw new CannotRewind(`rewind ${order.rewindId} has no target`);
    let tree: string;
    try {
      tree = await fetched(target, this.tools);
      await this.#preserve(order, rewind);
      await this.#restore(rewind, target, tree);
    } catch (error) {
      this.tools.signal.throwIfAborted();
      if (isPassing(error)) throw error;
      return this.#putBack(order, rewind, reasonIn(error));
    }
    failpoint('rewind-verified');
    await this.#ask(() => api.completed(taskId, order.rewindId, tree)).catch(unlessOver);
    await journal.update({ rewind: null, code: { ...target, tree }, isPrepared: true });
    this.tools.log(`rewound to checkpoint ${target.checkpointId}`);
  }

  async #restore(
    rewind: JournaledRewind,
    target: { readonly headSha: string | null; readonly branchName: string | null },
    tree: string,
  ): Promise<void> {
    const { code } = this.tools;
    const now = await code.capture();
    if (now.tree !== rewind.before.tree && now.tree !== tree) await this.#keepHalfway(rewind, now.tree);
    await restoreTo(code, now, target, tree);
    failpoint('rewind-restored');
  }

  /** Neither here nor there: a restore was killed half-way, or somebody has written meanwhile. Nothing of it is lost. */
  async #keepHalfway({ before, rewindId, at }: JournaledRewind, tree: string): Promise<void> {
    const message = `Half-way in rewind ${rewindId}`;
    await this.tools.code.commit(`refs/makima/halfway/${tree}`, {
      tree,
      parents: [before.commitSha],
      message,
      at,
    });
  }

  /** `before` stays pinned in any case. */
  async #preserve({ preserve, rewindId }: RewindOrder, { before, at }: JournaledRewind): Promise<void> {
    const { code, log } = this.tools;
    if (preserve.mode === 'stash') await code.pin(`refs/makima/stash/${rewindId}`, before.commitSha);
    if (preserve.mode !== 'create_branch') return;
    if (!(await code.head())) return log('no branch was made: the folder is no repository');
    await code.branch({
      name: preserve.branchName ?? `makima/before-${rewindId.slice(0, 8)}`,
      tree: before.tree,
      parent: before.headSha,
      message: `Before rewind ${rewindId}`,
      at,
    });
  }

  async #putBack(order: RewindOrder, { before }: JournaledRewind, reason: string): Promise<void> {
    const { code, journal } = this.tools;
    this.tools.log(`rewind ${order.rewindId} is taken back: ${reason}`);
    const now = await code.capture();
    await restoreTo(code, now, before, before.tree);
    await this.#fail(order, reason);
    await journal.update({ rewind: null, code: before });
  }

  #fail({ rewindId }: RewindOrder, reason: string): Promise<unknown> {
    return this.#ask(() => this.tools.api.failed(this.tools.taskId, rewindId, reason)).catch(unlessOver);
  }

  #ask<T>(work: () => Promise<T>): Promise<T> {
    return untilAnswered(work, { signal: this.tools.signal });
  }
}

const isOver = (error: unknown): boolean => error instanceof ApiError && OVER.has(error.code);

/** The server has not heard yet that the agent was stopped. */
const isTooEarly = (error: unknown): boolean => error instanceof ApiError && error.code === 'TASK_RUNNING';

function unlessOver(error: unknown): void {
  if (!isOver(error)) throw error;
}

const headOf = (head: { readonly commit: string | null; readonly branch: string | null } | null) => ({
  headSha: head?.commit ?? null,
  branchName: head?.branch ?? null,
});
