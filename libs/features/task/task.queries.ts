import type { Queryable } from '#libs/database/database.js';
import { nothing, sql } from '#libs/database/sql.js';
import type { BlobStore } from '#libs/event-store/blob-store.js';
import { hydrate } from '#libs/event-store/long-values.js';
import { shortened } from '#libs/http/shortened.js';
import { heldAt } from '#libs/projections/held-at.js';
import { taskFrom, type TaskRow, type TaskView, type WholeTask } from './task.view.js';

/** A task, as it stands or stood; null if the owner has none of this id. */
export async function taskOf(
  db: Queryable,
  taskId: string,
  at: bigint | null = null,
): Promise<TaskView | null> {
  const row = await rowOf(db, taskId, at);
  return row ? toView(row) : null;
}

/** The same with everything. */
export async function wholeTask(
  db: Queryable,
  blobs: BlobStore,
  { taskId, ownerId, at }: { readonly taskId: string; readonly ownerId: string; readonly at: bigint | null },
): Promise<WholeTask | null> {
  const row = await rowOf(db, taskId, at);
  return row ? hydrate(blobs, ownerId, taskFrom(row)) : null;
}

async function rowOf(db: Queryable, taskId: string, at: bigint | null): Promise<TaskRow | undefined> {
  const [row] = await db.query<TaskRow>(
    sql`SELECT t.* FROM task_states t WHERE t.task_id = ${taskId} AND ${heldAt('t', at)}`,
  );
  return row;
}

export interface TaskFilters {
  readonly contractId?: string | undefined;
  readonly parentTaskId?: string | undefined;
  readonly status?: string | undefined;
  readonly forkedFromTaskId?: string | undefined;
  readonly limit?: number | undefined;
  /** Created before this task was (exclusive), for the next page. */
  readonly after?: readonly [createdAt: string, id: string] | undefined;
}

/** The owner's tasks, newest first. */
export async function tasksBy(
  db: Queryable,
  filters: TaskFilters,
  at: bigint | null = null,
): Promise<readonly TaskView[]> {
  const { contractId, parentTaskId, status, forkedFromTaskId, limit, after } = filters;
  const rows = await db.query<TaskRow>(sql`
    SELECT t.* FROM task_states t WHERE ${heldAt('t', at)}
      ${contractId ? sql`AND t.contract_id = ${contractId}` : nothing}
      ${parentTaskId ? sql`AND t.parent_task_id = ${parentTaskId}` : nothing}
      ${forkedFromTaskId ? sql`AND t.forked_from_task_id = ${forkedFromTaskId}` : nothing}
      ${status ? sql`AND t.status = ${status}` : nothing}
      ${after ? sql`AND (t.created_at, t.task_id) < (${after[0]}, ${after[1]})` : nothing}
    ORDER BY t.created_at DESC, t.task_id DESC LIMIT ${limit ?? null}`);
  return rows.map(toView);
}

/** A task and everything below it, by id. */
export async function withSubtasks(db: Queryable, taskId: string): Promise<readonly string[]> {
  const rows = await db.query<{ task_id: string }>(sql`
    WITH RECURSIVE below (task_id) AS (
      SELECT ${taskId}::uuid UNION
      SELECT t.task_id FROM task_states t JOIN below b ON t.parent_task_id = b.task_id WHERE t.to_position IS NULL
    ) SELECT task_id FROM below`);
  return rows.map((row) => row.task_id);
}

const toView = (row: TaskRow): TaskView => shortened(taskFrom(row));
