import type { Queryable } from '#libs/database/database.js';
import { notFound, type Caller } from '#libs/kernel/caller.js';
import { isUuid } from '#libs/kernel/ids.js';
import { requireShown } from '../conversation/shown.js';
import { messagesIn, placeOf, shownAt } from '../conversation/conversation.queries.js';
import { shows } from '../conversation/segments.js';
import { visibleTask } from '../task/task.guard.js';
import type { TaskView } from '../task/task.view.js';
import { branchOfMessage, checkpointPosition, type Within } from './compare.queries.js';

/** What a task showed at a point. */
export interface ComparedPoint extends Within {
  readonly task: TaskView;
  readonly point: 'now' | 'checkpoint' | 'message';
  readonly messageCount: number;
}

/**
 * Finds a point of a task that a caller may see.
 * @param wanted number or id of a checkpoint, or id of a message; without it, as things stand.
 * @throws Problem NOT_FOUND
 */
export async function pointOf(
  db: Queryable,
  caller: Caller,
  {
    taskId,
    wanted,
    at,
  }: { readonly taskId: string; readonly wanted: string | undefined; readonly at: bigint | null },
): Promise<ComparedPoint> {
  const task = await visibleTask(db, caller, taskId, at);
  if (wanted === undefined) return { ...(await pointAt(db, taskId, at)), task, point: 'now' };
  const id = wanted.toLowerCase();
  const named = isUuid(id) ? { id } : { number: Number(id) };
  const position = await checkpointPosition(db, taskId, named, at);
  if (position !== null) return { ...(await pointAt(db, taskId, position)), task, point: 'checkpoint' };
  const found = 'id' in named ? await messagePoint(db, taskId, id, at) : null;
  if (!found) throw notFound('id' in named ? 'checkpoint or message' : 'checkpoint', wanted);
  return { ...found, task, point: 'message' };
}

type Found = Omit<ComparedPoint, 'task' | 'point'>;

/** What a task showed at a position of the log. */
async function pointAt(db: Queryable, taskId: string, until: bigint | null): Promise<Found> {
  const { branch, segments, totalCount } = await requireShown(db, taskId, null, until);
  const seq = 2_147_483_647;
  return { segments, until, messageCount: totalCount, own: { taskId, branch, seq } };
}

/** What a task showed when a message was the last one: one that it shows now, or one of a branch that it left. */
async function messagePoint(
  db: Queryable,
  taskId: string,
  messageId: string,
  at: bigint | null,
): Promise<Found | null> {
  const now = await requireShown(db, taskId, null, at);
  const place = await placeOf(db, messageId, now.segments);
  if (!place || (place.taskId !== taskId && !shows(now.segments, place))) return null;
  const [message] = await messagesIn(db, [{ taskId: place.taskId, from: place.seq, to: place.seq }]);
  if (at !== null && message!.position > at) return null;
  const { segments, totalCount } = await shownAt(db, place);
  const branch = place.taskId === taskId ? await branchOfMessage(db, taskId, place.seq) : null;
  const own = branch === null ? null : { taskId, branch, seq: place.seq };
  return { segments, until: at, messageCount: totalCount, own };
}
