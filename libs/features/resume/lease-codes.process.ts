import { Inject, Injectable } from '@nestjs/common';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { Queryable } from '#libs/database/database.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { isInnerPath } from '#libs/git/inner-path.js';
import { notFound } from '#libs/kernel/caller.js';
import { Problem } from '#libs/kernel/problem.js';
import { ReadModels, type ReadContext } from '#libs/projections/read-models.js';
import { checkpointOfId, type CheckpointView } from '../checkpoint/checkpoint.queries.js';
import type { CodePoint } from '../rewind/rewind.events.js';
import { TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import { visibleTask } from '../task/task.guard.js';
import { taskOf, wholeTask } from '../task/task.queries.js';
import type { OpenTask, TaskState } from '../task/task.state.js';
import type { TaskView, WholeTask } from '../task/task.view.js';
import { checkpointInContract, newestSafe } from './resume.queries.js';

/** What a daemon makes a task's folder of. */
export interface LeaseCode {
  /** Null: the repository as it is cloned, or an empty folder. */
  readonly checkpoint: CodePoint | null;
  /** The daemon's folder, if it has one, may show something else: it captures that first, and restores the checkpoint. */
  readonly restore: boolean;
  /** To create and check out; null: none, or there is one. */
  readonly branchName: string | null;
  readonly copyFiles:
    (Pick<CodePoint, 'taskId' | 'checkpointId' | 'commitSha'> & { readonly paths: readonly string[] }) | null;
}

/** Where a task's code is, and who has it. */
export interface CodePlace {
  readonly point: CheckpointView | null;
  /** The daemon whose folder shows it; null: none does. */
  readonly daemonId: string | null;
}

/** A fork of a fork of …: nobody goes on like this for longer. */
const MOST_STEPS = 1_000;

/** The code that tasks start and go on with. */
@Injectable()
export class LeaseCodes {
  constructor(
    private readonly reads: ReadModels,
    @Inject(BlobStore) private readonly blobs: BlobStore,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /**
   * What a lease says of code. Ask before the lease is taken: nobody can work in a folder that cannot be made.
   * @throws Problem CHECKPOINT_NOT_SAFE where another daemon's disk alone has the code; CHECKPOINT_UNKNOWN
   */
  async of(taskId: string, daemonId: string, context: ReadContext): Promise<LeaseCode> {
    await this.reads.catchUpWithLog(['task', 'checkpoint']);
    return this.reads.read(context, async (db) => {
      const { caller } = context;
      const seen = await visibleTask(db, caller, taskId);
      const task = (await wholeTask(db, this.blobs, { taskId, ownerId: caller.ownerId, at: null }))!;
      const { lease, rewind, codeAt } = await this.#state(taskId);
      const place = await this.placeOf(db, taskId);
      if (place.point && place.daemonId !== daemonId) assertSafe(place.point);
      const isNew = rewind.code === null;
      return {
        checkpoint: place.point && pointOf(place.point),
        restore: isNew ? lease.folderAt !== null && lease.folderAt !== daemonId : codeAt !== daemonId,
        branchName: isNew ? (seen.fork?.branchName ?? null) : null,
        copyFiles: isNew ? await this.#copied(db, task) : null,
      };
    });
  }

  /**
   * Where a task's code is now: its own newest; where it has none, what it begins with: a fork with its point's checkpoint,
   * others with the commit that was named, or where the task that they continue is.
   */
  async placeOf(db: Queryable, taskId: string): Promise<CodePlace> {
    let id = taskId;
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const state = await this.#state(id);
      if (state.rewind.code)
        return id === taskId
          ? { point: await checkpointOfId(db, state.rewind.code.checkpointId), daemonId: state.codeAt }
          : { point: await safeCodeOf(db, state), daemonId: null };
      const task = await taskOf(db, id);
      const begins = task && (await beginningOf(db, task));
      if (begins) return { point: begins, daemonId: null };
      const next = task?.forkedFromTaskId ?? task?.continueFromTaskId;
      if (!next) break;
      id = next;
    }
    return { point: null, daemonId: null };
  }

  async #copied(db: Queryable, { parentTaskId, copyFiles }: WholeTask): Promise<LeaseCode['copyFiles']> {
    // Tasks of the first weeks may name what nobody may write.
    const paths = copyFiles.filter(isInnerPath);
    if (parentTaskId === null || paths.length === 0) return null;
    const { id, taskId, commitSha } = await safeCodeOf(db, await this.#state(parentTaskId));
    return { taskId, checkpointId: id, commitSha, paths };
  }

  async #state(taskId: string): Promise<OpenTask> {
    const { state } = await this.states.refresh(taskStream(taskId));
    if (state.kind === 'none') throw notFound('task', taskId);
    return state;
  }
}

/** The checkpoint that a task says itself that it begins with; null: it does not say. */
async function beginningOf(
  db: Queryable,
  { forkedAtCheckpointId, checkpointSha, contractId }: TaskView,
): Promise<CheckpointView | null> {
  if (forkedAtCheckpointId !== null) return checkpointOfId(db, forkedAtCheckpointId);
  if (checkpointSha === null) return null;
  const found = await checkpointInContract(db, contractId, checkpointSha);
  if (found) return found;
  throw new Problem(
    'CHECKPOINT_UNKNOWN',
    `No task of the contract has a checkpoint of commit ${checkpointSha}, with which this task is to begin.`,
  );
}

/** Where another task's code is, as far as the hub has it. */
async function safeCodeOf(db: Queryable, { taskId, rewind }: OpenTask): Promise<CheckpointView> {
  const now = rewind.code && (await checkpointOfId(db, rewind.code.checkpointId));
  if (now?.isSafe) return now;
  // After a rewind the newest one may be of what was abandoned.
  const newest = rewind.done.length === 0 ? await newestSafe(db, taskId) : null;
  if (newest) return newest;
  throw new Problem(
    'CHECKPOINT_NOT_SAFE',
    `The code of task ${taskId} is not in the server's hub yet, and this task begins with it. Try again when its checkpoint is safe.`,
  );
}

const pointOf = ({ taskId, id, commitSha, headSha, branchName }: CheckpointView): CodePoint => ({
  taskId,
  checkpointId: id,
  commitSha,
  headSha,
  branchName,
});

/** @throws Problem CHECKPOINT_NOT_SAFE */
export function assertSafe({ id, isSafe, checkpointNumber }: CheckpointView): void {
  if (isSafe) return;
  throw new Problem(
    'CHECKPOINT_NOT_SAFE',
    `The code of checkpoint ${checkpointNumber} (${id}) is only on the disk of the daemon that took it. Go on there, or take the task back to a checkpoint that is safe.`,
  );
}
