import { Injectable } from '@nestjs/common';
import type { Queryable } from '#libs/database/database.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { Problem } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { checkpointBy, type CheckpointView } from '../checkpoint/checkpoint.queries.js';
import type { MessagePlace } from '../conversation/conversation.events.js';
import { pointAtCheckpoint } from '../conversation/rewind-point.js';
import { requireShown } from '../conversation/shown.js';
import { visibleTask } from '../task/task.guard.js';
import { taskOf } from '../task/task.queries.js';
import type { TaskView } from '../task/task.view.js';

export interface ResumePoint {
  readonly checkpoint: CheckpointView;
  /** The last message that stays; null: none does. */
  readonly keepUpTo: MessagePlace | null;
}

/** Finds the checkpoint that a task is to go on from. */
@Injectable()
export class ResumePoints {
  constructor(private readonly reads: ReadModels) {}

  /** @throws Problem CHECKPOINT_UNKNOWN, NOT_FOUND */
  find(
    taskId: string,
    wanted: { readonly checkpointId: string } | { readonly checkpointSha: string },
    { caller }: RequestContext,
  ): Promise<ResumePoint> {
    return this.reads.read({ caller }, async (db) => {
      const task = await visibleTask(db, caller, taskId);
      const value = 'checkpointId' in wanted ? wanted.checkpointId : wanted.checkpointSha;
      const checkpoint = await checkpointAlong(db, task, value);
      if (!checkpoint)
        throw new Problem(
          'CHECKPOINT_UNKNOWN',
          `Task ${taskId} has no checkpoint ${value}. List its checkpoints to see which there are.`,
        );
      const shown = await requireShown(db, taskId, null, null);
      return { checkpoint, keepUpTo: pointAtCheckpoint(shown, checkpoint).keepUpTo };
    });
  }
}

/** Forks of forks that are looked through for a checkpoint. */
const MOST_FORKS = 100;

/** A checkpoint of the task, or of one that it is a fork of. */
async function checkpointAlong(db: Queryable, task: TaskView, value: string): Promise<CheckpointView | null> {
  let at: TaskView | null = task;
  for (let forks = 0; at?.contractId === task.contractId && forks < MOST_FORKS; forks += 1) {
    const found = await checkpointBy(db, at.id, value);
    if (found) return found;
    at = at.forkedFromTaskId === null ? null : await taskOf(db, at.forkedFromTaskId);
  }
  return null;
}
