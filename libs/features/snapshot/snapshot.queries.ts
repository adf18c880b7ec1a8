import type { Queryable } from '#libs/database/database.js';
import { nothing, sql } from '#libs/database/sql.js';
import { unescapeJson, unescapeText } from '#libs/database/text-escape.js';
import type { Actor } from '#libs/kernel/event.js';
import type { MessagePlace } from '../conversation/conversation.events.js';
import type { SnapshotType } from './snapshot.events.js';

/** A snapshot as the API shows it (SPEC §5.3 conversation_snapshots). */
export interface SnapshotView {
  readonly id: string;
  readonly taskId: string;
  readonly checkpointId: string | null;
  readonly snapshotType: SnapshotType;
  readonly messageCount: number;
  /** The branch of the conversation that was shown. */
  readonly branch: number;
  /** The last message that the task had recorded (inclusive); 0 before the first. */
  readonly seq: number;
  readonly note: string | null;
  readonly takenBy: Actor;
  readonly createdAt: string;
  readonly position: string;
}

/** A snapshot with what it holds: all that leads to its last message. */
export interface HeldSnapshot extends SnapshotView {
  readonly last: MessagePlace | null;
}

interface SnapshotRow {
  task_id: string;
  id: string;
  position: bigint;
  snapshot_type: SnapshotType;
  checkpoint_id: string | null;
  last_task: string | null;
  last_seq: number | null;
  message_count: number;
  branch: number;
  seq: number;
  note: string | null;
  actor: string;
  created_at: Date;
}

export interface SnapshotFilters {
  readonly types?: readonly SnapshotType[] | undefined;
  readonly limit: number;
  /** Taken before this position (exclusive), for the next page. */
  readonly before: bigint | null;
}

/** A task's snapshots, newest first. */
export async function snapshotsOf(
  db: Queryable,
  taskId: string,
  { types, limit, before }: SnapshotFilters,
  at: bigint | null,
): Promise<readonly SnapshotView[]> {
  const rows = await db.query<SnapshotRow>(sql`
    SELECT * FROM snapshots WHERE task_id = ${taskId}
      ${at === null ? nothing : sql`AND position <= ${at}`}
      ${before === null ? nothing : sql`AND position < ${before}`}
      ${types === undefined ? nothing : sql`AND snapshot_type = ANY (${types}::text[])`}
    ORDER BY position DESC LIMIT ${limit}`);
  return rows.map(toView);
}

/** One snapshot of a task; null if it has none of this id. */
export async function snapshotBy(
  db: Queryable,
  taskId: string,
  snapshotId: string,
): Promise<HeldSnapshot | null> {
  const [row] = await db.query<SnapshotRow>(
    sql`SELECT * FROM snapshots WHERE task_id = ${taskId} AND id = ${snapshotId}`,
  );
  if (!row) return null;
  const { last_task: taskOfLast, last_seq: seq } = row;
  return { ...toView(row), last: taskOfLast === null || seq === null ? null : { taskId: taskOfLast, seq } };
}

const toView = (row: SnapshotRow): SnapshotView => ({
  id: row.id,
  taskId: row.task_id,
  checkpointId: row.checkpoint_id,
  snapshotType: row.snapshot_type,
  messageCount: row.message_count,
  branch: row.branch,
  seq: row.seq,
  note: row.note === null ? null : unescapeText(row.note),
  takenBy: unescapeJson(row.actor) as Actor,
  createdAt: row.created_at.toISOString(),
  position: row.position.toString(),
});
