import { Inject, Injectable } from '@nestjs/common';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { Queryable } from '#libs/database/database.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { notFound } from '#libs/kernel/caller.js';
import { Problem } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { checkpointBefore, checkpointOfId, type CheckpointView } from '../checkpoint/checkpoint.queries.js';
import { openCallsAt } from '../conversation/open-calls.js';
import { cutAfter } from '../conversation/segments.js';
import { requireShown } from '../conversation/shown.js';
import { TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import { visibleTask } from '../task/task.guard.js';
import type { TaskState } from '../task/task.state.js';
import type { TaskView } from '../task/task.view.js';
import { codePoint, findTarget } from './rewind-target.js';
import type { RewindTaskRequest, UndoTaskRewindRequest } from './rewind.dto.js';
import type { HeadMove, RewindWanted } from './rewind.events.js';

/** A rewind that is ready to be asked for. */
export interface RewindPlan {
  readonly task: TaskView;
  readonly wanted: RewindWanted;
  /** Where the code goes. */
  readonly checkpoint: CheckpointView | null;
  readonly hiddenMessages: number;
}

/** Works out what a rewind, or its undo, comes to. */
@Injectable()
export class RewindPlans {
  constructor(
    private readonly reads: ReadModels,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** What a request asks for, as things stand. */
  async of(
    taskId: string,
    rewindId: string,
    request: RewindTaskRequest,
    { caller }: RequestContext,
  ): Promise<RewindPlan> {
    return this.reads.read({ caller }, async (db) => {
      const task = await visibleTask(db, caller, taskId);
      const shown = await requireShown(db, taskId, null, null);
      const { checkpoint, point } = await findTarget(db, caller, { task, shown }, request);
      const head: HeadMove | null = point && {
        kind: 'rewind',
        ...point,
        openCalls: await openCallsAt(db, cutAfter(shown.segments, point.keepUpTo)),
      };
      const moves = checkpoint !== null && request.scope !== 'conversation';
      const code =
        request.withoutCheckpoint === undefined
          ? { scope: request.scope, target: moves ? codePoint(checkpoint) : null, revert: null }
          : {
              scope: 'code' as const,
              target: null,
              revert: checkpoint && (await revertOf(db, taskId, checkpoint)),
            };
      const wanted: RewindWanted = {
        rewindId,
        ...code,
        head,
        preserve: { mode: request.preserveMode, branchName: request.branchName ?? null },
        undoes: null,
        reason: request.reason ?? null,
      };
      return { task, wanted, checkpoint, hiddenMessages: point ? shown.totalCount - point.keptMessages : 0 };
    });
  }

  /** What takes a rewind back: the one named, or the newest that was not taken back. */
  async undoing(
    taskId: string,
    rewindId: string,
    request: UndoTaskRewindRequest,
    { caller }: RequestContext,
  ): Promise<RewindPlan> {
    const { state } = await this.states.refresh(taskStream(taskId));
    const done = state.kind === 'open' ? state.rewind.done : [];
    const found = request.rewindId
      ? done.find((one) => one.rewindId === request.rewindId)
      : done.findLast((one) => !one.isUndone && one.undoes === null);
    if (!found)
      throw request.rewindId
        ? notFound('rewind', request.rewindId)
        : new Problem('NOTHING_TO_UNDO', 'There is no rewind of code that has not been taken back already.');
    const { before, branch } = found;
    return this.reads.read({ caller }, async (db) => {
      const wanted: RewindWanted = {
        rewindId,
        scope: branch === null ? 'code' : before === null ? 'conversation' : 'both',
        target: before,
        revert: null,
        head: branch === null ? null : { kind: 'undo', branch },
        preserve: { mode: 'discard', branchName: null },
        undoes: found.rewindId,
        reason: request.reason ?? null,
      };
      const task = await visibleTask(db, caller, taskId);
      const checkpoint = before && (await checkpointOfId(db, before.checkpointId));
      return { task, wanted, checkpoint, hiddenMessages: 0 };
    });
  }
}

/** What a checkpoint changed, to be taken back. */
async function revertOf(db: Queryable, taskId: string, checkpoint: CheckpointView) {
  const previous = await checkpointBefore(db, taskId, checkpoint.checkpointNumber);
  const previousSha = checkpoint.previousSha ?? previous?.commitSha ?? null;
  return { checkpoint: codePoint(checkpoint), previousSha };
}
