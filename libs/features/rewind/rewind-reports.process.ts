import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { following } from '#libs/commands/command-context.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { notFound } from '#libs/kernel/caller.js';
import { RefusalException } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { checkpointOfId } from '../checkpoint/checkpoint.queries.js';
import { staleLease } from '../lease/lease.decider.js';
import { DispatchTask, TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import { visibleTask } from '../task/task.guard.js';
import type { TaskState } from '../task/task.state.js';
import type { RewindCommand } from './rewind.decider.js';
import type { CompletedRewindRequest, FailedRewindRequest, PreparedRewindRequest } from './rewind.dto.js';
import { Rewinds } from './rewind.process.js';
import { codePoint } from './rewind-target.js';
import type { CodePoint } from './rewind.events.js';
import { rewindOf } from './rewind.queries.js';

/** What the daemon that has a task's folder says of a rewind. Each can be said again. */
@Injectable()
export class RewindReports {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly rewinds: Rewinds,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** The state before is on the daemon's disk: the rewind is committed, code and conversation in one append. */
  prepared(taskId: string, rewindId: string, request: PreparedRewindRequest, context: RequestContext) {
    const { daemonId, before, result } = request;
    return this.#report(taskId, rewindId, daemonId, context, async () => ({
      type: 'CommitRewind',
      rewindId,
      daemonId,
      before: await this.#pointOf(taskId, before, context),
      result: result === undefined ? null : await this.#pointOf(taskId, result, context),
    }));
  }

  /** The folder shows the target. */
  completed(taskId: string, rewindId: string, request: CompletedRewindRequest, context: RequestContext) {
    const { daemonId, tree } = request;
    return this.#report(taskId, rewindId, daemonId, context, () =>
      Promise.resolve({ type: 'CompleteRewind', rewindId, daemonId, tree }),
    );
  }

  /** It cannot be done, or was put back. */
  failed(taskId: string, rewindId: string, request: FailedRewindRequest, context: RequestContext) {
    const { daemonId, reason } = request;
    return this.#report(taskId, rewindId, daemonId, context, () =>
      Promise.resolve({ type: 'FailRewind', rewindId, reason }),
    );
  }

  async #report(
    taskId: string,
    rewindId: string,
    daemonId: string,
    context: RequestContext,
    command: () => Promise<RewindCommand>,
  ) {
    await this.reads.catchUpWithLog(['rewind', 'checkpoint']);
    const { caller } = context;
    const known = await this.reads.read({ caller }, async (db) => {
      await visibleTask(db, caller, taskId);
      return rewindOf(db, taskId, rewindId);
    });
    if (!known) throw notFound('rewind', rewindId);
    const { state } = await this.states.refresh(taskStream(taskId));
    if (state.kind === 'none' || state.lease.folderAt !== daemonId)
      throw new RefusalException(staleLease(state.kind === 'none' ? 0 : state.lease.epoch));
    // Whoever asked for it takes the conversation back; the daemon stands in what it prepared and completed.
    const asked = { ...following(context, rewindId), actor: known.actor };
    const { position } = await this.commands
      .execute(new DispatchTask(taskId, await command(), asked))
      .catch((error: unknown) => {
        // Said before: the answer to it was lost.
        if (error instanceof RefusalException && error.code === 'REWIND_OVER') return { position: 0n };
        throw error;
      });
    return this.rewinds.show(
      taskId,
      rewindId,
      position === 0n ? context : { ...context, minPosition: position },
    );
  }

  async #pointOf(taskId: string, checkpointId: string, { caller }: RequestContext): Promise<CodePoint> {
    const checkpoint = await this.reads.read({ caller }, (db) => checkpointOfId(db, checkpointId));
    if (checkpoint?.taskId !== taskId) throw notFound('checkpoint', checkpointId);
    return codePoint(checkpoint);
  }
}
