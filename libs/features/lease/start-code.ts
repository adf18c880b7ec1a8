import { Inject, Injectable } from '@nestjs/common';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { Queryable } from '#libs/database/database.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import type { Caller } from '#libs/kernel/caller.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { checkpointBy, checkpointOfCommit, type CheckpointView } from '../checkpoint/checkpoint.queries.js';
import type { CodePoint } from '../rewind/rewind.events.js';
import { TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import { visibleTask } from '../task/task.guard.js';
import { wholeTask } from '../task/task.queries.js';
import type { OpenTask, TaskState } from '../task/task.state.js';
import type { TaskView } from '../task/task.view.js';
import type { CopiedFilesAnswer, LeaseCodeAnswer } from './lease.dto.js';
import { RunRequests } from './run-requests.js';

/** Finds the code that a run begins with. */
@Injectable()
export class StartCode {
  constructor(
    private readonly reads: ReadModels,
    private readonly requests: RunRequests,
    @Inject(BlobStore) private readonly blobs: BlobStore,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** @param leased the task as it is with the lease that begins. */
  async of(leased: OpenTask, caller: Caller): Promise<LeaseCodeAnswer> {
    const { taskId, lease, rewind } = leased;
    const wanted = await this.#wanted(leased, caller);
    const isNew = lease.folderBefore === null;
    const task = await this.reads.read({ caller }, (db) => visibleTask(db, caller, taskId));
    return {
      checkpoint: wanted ?? rewind.code ?? (await this.#firstCode(task, caller)),
      restore: wanted !== null || rewind.deferred !== null || lease.folderBefore !== lease.holder,
      rewindId: rewind.deferred?.rewindId ?? null,
      branchName: isNew ? (task.fork?.branchName ?? null) : null,
      copyFiles: isNew ? await this.#copied(task, caller) : null,
    };
  }

  /** The checkpoint that the newest request names. */
  async #wanted({ taskId, contractId }: OpenTask, caller: Caller): Promise<CodePoint | null> {
    const request = await this.requests.newest(taskId);
    if (request?.type !== 'TaskContinueRequested' || request.data.resumeMode !== 'from_checkpoint')
      return null;
    const { checkpointSha } = request.data;
    return checkpointSha === null ? null : this.#commit(checkpointSha, contractId, caller);
  }

  /** Of a task that has no checkpoint of its own yet: that of its source, or of the task that it goes on from. */
  async #firstCode(task: TaskView, caller: Caller): Promise<CodePoint | null> {
    const { forkedFromTaskId, forkedAtCheckpointId, checkpointSha, continueFromTaskId } = task;
    if (forkedFromTaskId !== null) {
      const wanted = forkedAtCheckpointId ?? checkpointSha;
      if (wanted !== null) return this.#read(caller, (db) => checkpointBy(db, forkedFromTaskId, wanted));
    }
    if (checkpointSha !== null) return this.#commit(checkpointSha, task.contractId, caller);
    return continueFromTaskId === null ? null : this.#codeOf(continueFromTaskId, caller);
  }

  /** Files that it copies out of its parent's newest code. */
  async #copied(task: TaskView, caller: Caller): Promise<CopiedFilesAnswer | null> {
    const { id: taskId, parentTaskId } = task;
    if (parentTaskId === null || task.copyFiles.length === 0) return null;
    const code = await this.#codeOf(parentTaskId, caller);
    if (!code) return null;
    const { ownerId } = caller;
    const whole = await this.reads.read({ caller }, (db) =>
      wholeTask(db, this.blobs, { taskId, ownerId, at: null }),
    );
    const { taskId: of, checkpointId, commitSha } = code;
    return { taskId: of, checkpointId, commitSha, paths: whole?.copyFiles ?? task.copyFiles };
  }

  async #codeOf(taskId: string, { ownerId }: Caller): Promise<CodePoint | null> {
    const { state, ownerId: owner } = await this.states.refresh(taskStream(taskId));
    return state.kind === 'open' && owner === ownerId ? state.rewind.code : null;
  }

  #commit(commitSha: string, contractId: string | null, caller: Caller): Promise<CodePoint | null> {
    return this.#read(caller, (db) => checkpointOfCommit(db, commitSha, contractId));
  }

  async #read(
    caller: Caller,
    query: (db: Queryable) => Promise<CheckpointView | null>,
  ): Promise<CodePoint | null> {
    const found = await this.reads.read({ caller }, query);
    if (!found) return null;
    const { id: checkpointId, taskId, commitSha, headSha, branchName } = found;
    return { taskId, checkpointId, commitSha, headSha, branchName };
  }
}
