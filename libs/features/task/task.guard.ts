import type { Queryable } from '#libs/database/database.js';
import { notFound, reaches, type Caller } from '#libs/kernel/caller.js';
import { taskOf } from './task.queries.js';
import type { TaskView } from './task.view.js';

/**
 * The task, if the caller may see it.
 * @throws Problem NOT_FOUND for an unknown task, another owner's, or one outside of a tool key's contract.
 */
export async function visibleTask(
  db: Queryable,
  caller: Caller,
  taskId: string,
  at: bigint | null = null,
): Promise<TaskView> {
  const task = await taskOf(db, taskId, at);
  if (!task || !reaches(caller, task.contractId)) throw notFound('task', taskId);
  return task;
}
