import type { Queryable } from '#libs/database/database.js';
import type { Caller } from '#libs/kernel/caller.js';
import { invalid, Problem } from '#libs/kernel/problem.js';
import {
  checkpointBy,
  checkpointWithin,
  lastGreenOf,
  type CheckpointView,
} from '../checkpoint/checkpoint.queries.js';
import type { Shown } from '../conversation/conversation.queries.js';
import { findPoint, pointAtCheckpoint, type PointFound } from '../conversation/rewind-point.js';
import { cutAfter } from '../conversation/segments.js';
import { taskOf } from '../task/task.queries.js';
import type { TaskView } from '../task/task.view.js';
import type { RewindTaskRequest } from './rewind.dto.js';
import type { CodePoint } from './rewind.events.js';

/** Where a rewind goes, for the code and for the conversation. */
export interface TargetFound {
  readonly checkpoint: CheckpointView | null;
  readonly point: PointFound | null;
}

type Wanted = Pick<
  RewindTaskRequest,
  | 'checkpointId'
  | 'checkpointSha'
  | 'toCheckpoint'
  | 'toMessageId'
  | 'toTimestamp'
  | 'lastGreen'
  | 'byMessageCount'
  | 'withoutCheckpoint'
  | 'inclusive'
  | 'scope'
>;

const POINTS = [
  'checkpointId',
  'checkpointSha',
  'toCheckpoint',
  'toMessageId',
  'toTimestamp',
  'lastGreen',
  'byMessageCount',
  'withoutCheckpoint',
] as const;

/**
 * @throws Problem VALIDATION_FAILED unless exactly one point is given; CHECKPOINT_UNKNOWN, MESSAGE_UNKNOWN,
 * MESSAGE_NOT_SHOWN.
 */
export async function findTarget(
  db: Queryable,
  caller: Caller,
  { task, shown }: { readonly task: TaskView; readonly shown: Shown },
  wanted: Wanted,
): Promise<TargetFound> {
  const given = POINTS.filter((field) => wanted[field] !== undefined && wanted[field] !== false);
  if (given.length !== 1)
    throw invalid(
      ...POINTS.map((field) => ({
        field,
        code: 'EXACTLY_ONE',
        detail: `give exactly one of ${POINTS.join(', ')}`,
      })),
    );
  const { toMessageId, toTimestamp, byMessageCount, inclusive, scope } = wanted;
  if (toMessageId === undefined && toTimestamp === undefined && byMessageCount === undefined) {
    const value =
      wanted.checkpointId ?? wanted.checkpointSha ?? wanted.toCheckpoint ?? wanted.withoutCheckpoint;
    const checkpoint = wanted.lastGreen
      ? await greenOf(db, task)
      : await checkpointAlong(db, task, String(value));
    const moves = scope !== 'code' && wanted.withoutCheckpoint === undefined;
    return { checkpoint, point: moves ? pointAtCheckpoint(shown, checkpoint) : null };
  }
  const point = await findPoint(db, caller, shown, {
    toMessageId,
    toTimestamp,
    byMessageCount,
    inclusive,
  });
  if (scope === 'conversation') return { checkpoint: null, point };
  const checkpoint = await checkpointWithin(db, cutAfter(shown.segments, point.keepUpTo), shown.branch);
  if (!checkpoint)
    throw new Problem(
      'CHECKPOINT_UNKNOWN',
      'No checkpoint was taken up to that point, so it is not known what the code was then. Name a checkpoint, or go back with the conversation alone.',
    );
  return { checkpoint, point: scope === 'both' ? point : null };
}

async function greenOf(db: Queryable, task: TaskView): Promise<CheckpointView> {
  const found = await lastGreenOf(db, task.id);
  if (found) return found;
  throw new Problem(
    'CHECKPOINT_UNKNOWN',
    'No checkpoint of this task is known to have passed its tests. Report them: POST …/tests, or makima task tests.',
  );
}

/** Forks of forks that are looked through for a checkpoint. */
const MOST_FORKS = 100;

/** A checkpoint of the task, or of one that it is a fork of: numbers go on across forks. */
async function checkpointAlong(db: Queryable, task: TaskView, value: string): Promise<CheckpointView> {
  let at: TaskView | null = task;
  for (let forks = 0; at && forks < MOST_FORKS; forks += 1) {
    const found = await checkpointBy(db, at.id, value);
    if (found) return found;
    at = at.forkedFromTaskId === null ? null : await taskOf(db, at.forkedFromTaskId);
    if (at?.contractId !== task.contractId) at = null;
  }
  throw new Problem(
    'CHECKPOINT_UNKNOWN',
    `Task ${task.id} has no checkpoint ${value}. List its checkpoints to see which there are.`,
  );
}

export const codePoint = ({ taskId, id, commitSha, headSha, branchName }: CheckpointView): CodePoint => ({
  taskId,
  checkpointId: id,
  commitSha,
  headSha,
  branchName,
});
