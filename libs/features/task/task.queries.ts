import type { Queryable } from '#libs/database/database.js';
import { nothing, sql } from '#libs/database/sql.js';
import { unescapeText } from '#libs/database/text-escape.js';
import type { LongList } from '#libs/kernel/blob-reference.js';
import type { BlobStore } from '#libs/event-store/blob-store.js';
import { hydrate, type Whole } from '#libs/event-store/long-values.js';
import { shortened, type Shortened } from '#libs/http/shortened.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import type { ForkPoint, TaskSource, TaskStatus } from './task.events.js';

/** A task as its row says, a long list of files in its blob. */
interface Task {
  readonly id: string;
  readonly name: string;
  readonly plan: string;
  readonly status: TaskStatus;
  readonly contractId: string | null;
  readonly parentTaskId: string | null;
  readonly isSupervisor: boolean;
  readonly continueFromTaskId: string | null;
  readonly checkpointSha: string | null;
  readonly copyFiles: LongList<string>;
  readonly forkedFromTaskId: string | null;
  readonly forkedAtCheckpointId: string | null;
  readonly fork: {
    readonly point: ForkPoint;
    readonly sourceVersion: number;
    readonly branchName: string | null;
  } | null;
  readonly source: TaskSource | null;
  readonly pendingTaskIds: readonly string[];
  readonly lastCheckpointSha: string | null;
  readonly checkpointCount: number;
  readonly checkpointMessage: string | null;
  /** Counts what changes the meaning of a rewind; the ETag. */
  readonly controlVersion: number;
  readonly createdAt: string;
  readonly completedAt: string | null;
  readonly updatedAt: string;
}

/** A task as lists show it: of very many files to copy the first. */
export type TaskView = Shortened<Task>;

/** A task with everything. */
export type WholeTask = Whole<Task>;

/** A row of task_states. */
export interface TaskRow {
  task_id: string;
  name: string;
  plan: string;
  status: TaskStatus;
  contract_id: string | null;
  parent_task_id: string | null;
  is_supervisor: boolean;
  continue_from_task_id: string | null;
  checkpoint_sha: string | null;
  copy_files: string;
  forked_from_task_id: string | null;
  forked_at_checkpoint_id: string | null;
  fork: string | null;
  source: string | null;
  pending_task_ids: string;
  last_checkpoint_sha: string | null;
  checkpoint_count: number;
  checkpoint_message: string | null;
  control_version: bigint;
  created_at: Date;
  completed_at: Date | null;
  updated_at: Date;
}

/** Rows that held at a position (inclusive); null: those that hold now. */
export const heldAt = (at: bigint | null) =>
  at === null
    ? sql`t.to_position IS NULL`
    : sql`t.from_position <= ${at} AND (t.to_position IS NULL OR t.to_position > ${at})`;

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
  return row ? wholeTaskFrom(row, blobs, ownerId) : null;
}

export const wholeTaskFrom = (row: TaskRow, blobs: BlobStore, ownerId: string): Promise<WholeTask> =>
  hydrate(blobs, ownerId, toTask(row));

async function rowOf(db: Queryable, taskId: string, at: bigint | null): Promise<TaskRow | undefined> {
  const [row] = await db.query<TaskRow>(
    sql`SELECT t.* FROM task_states t WHERE t.task_id = ${taskId} AND ${heldAt(at)}`,
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
    SELECT t.* FROM task_states t WHERE ${heldAt(at)}
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

const toView = (row: TaskRow): TaskView => shortened(toTask(row));

function toTask(row: TaskRow): Task {
  return {
    id: row.task_id,
    name: unescapeText(row.name),
    plan: unescapeText(row.plan),
    status: row.status,
    contractId: row.contract_id,
    parentTaskId: row.parent_task_id,
    isSupervisor: row.is_supervisor,
    continueFromTaskId: row.continue_from_task_id,
    checkpointSha: row.checkpoint_sha,
    copyFiles: fromColumnJson(row.copy_files) as LongList<string>,
    forkedFromTaskId: row.forked_from_task_id,
    forkedAtCheckpointId: row.forked_at_checkpoint_id,
    fork: row.fork === null ? null : (fromColumnJson(row.fork) as TaskView['fork']),
    source: row.source === null ? null : (fromColumnJson(row.source) as TaskSource),
    pendingTaskIds: fromColumnJson(row.pending_task_ids) as string[],
    lastCheckpointSha: row.last_checkpoint_sha,
    checkpointCount: row.checkpoint_count,
    checkpointMessage: row.checkpoint_message === null ? null : unescapeText(row.checkpoint_message),
    controlVersion: Number(row.control_version),
    createdAt: row.created_at.toISOString(),
    completedAt: row.completed_at?.toISOString() ?? null,
    updatedAt: row.updated_at.toISOString(),
  };
}
