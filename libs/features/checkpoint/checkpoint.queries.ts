import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { escapeText, unescapeText } from '#libs/database/text-escape.js';
import type { LongList } from '#libs/kernel/blob-reference.js';
import type { BlobStore } from '#libs/event-store/blob-store.js';
import { hydrate, type Whole } from '#libs/event-store/long-values.js';
import { shortened, type Shortened } from '#libs/http/shortened.js';
import { isUuid } from '#libs/kernel/ids.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import type { FileChange } from '../conversation/conversation.events.js';
import type { Segment } from '../conversation/segments.js';
import type { CheckpointTrigger, LeftOutPath } from './checkpoint.events.js';
import type { TaskCheckpoint } from './checkpoint.dto.js';

/** A checkpoint as its row says, a long list of files in its blob. */
type Checkpoint = Omit<TaskCheckpoint, 'filesChanged' | 'leftOut' | 'truncated'> & {
  readonly filesChanged: LongList<FileChange>;
  readonly leftOut: LongList<LeftOutPath>;
};

/** A checkpoint as lists show it (SPEC §1.1 task_checkpoints): of very many files the first. */
export type CheckpointView = Shortened<Checkpoint>;

interface CheckpointRow {
  id: string;
  task_id: string;
  checkpoint_number: number;
  commit_sha: string;
  branch_name: string | null;
  message: string;
  files_changed: string;
  lines_added: number;
  lines_removed: number;
  seq: number;
  conversation_snapshot_id: string | null;
  head_sha: string | null;
  left_out: string | null;
  previous_sha: string | null;
  trigger: CheckpointTrigger | null;
  is_aside: boolean;
  tests_passed: boolean | null;
  secured_position: bigint | null;
  created_at: Date;
}

const toView = (row: CheckpointRow, at: bigint | null = null): CheckpointView =>
  shortened(toCheckpoint(row, at));

const toCheckpoint = (row: CheckpointRow, at: bigint | null = null): Checkpoint => ({
  id: row.id,
  taskId: row.task_id,
  checkpointNumber: row.checkpoint_number,
  commitSha: row.commit_sha,
  branchName: row.branch_name === null ? null : unescapeText(row.branch_name),
  message: unescapeText(row.message),
  filesChanged: fromColumnJson(row.files_changed) as LongList<FileChange>,
  linesAdded: row.lines_added,
  linesRemoved: row.lines_removed,
  seq: row.seq,
  conversationSnapshotId: row.conversation_snapshot_id,
  headSha: row.head_sha,
  leftOut: row.left_out === null ? [] : (fromColumnJson(row.left_out) as LongList<LeftOutPath>),
  previousSha: row.previous_sha,
  trigger: row.trigger,
  isAside: row.is_aside,
  testsPassed: row.tests_passed,
  isSafe: row.secured_position !== null && (at === null || row.secured_position <= at),
  createdAt: row.created_at.toISOString(),
});

/** A task's checkpoints, newest first. */
export async function checkpointsOf(
  db: Queryable,
  taskId: string,
  { limit, below, at }: { readonly limit: number; readonly below: number | null; readonly at: bigint | null },
): Promise<readonly CheckpointView[]> {
  const rows = await db.query<CheckpointRow>(sql`
    SELECT * FROM checkpoints WHERE task_id = ${taskId} AND position <= ${at ?? Number.MAX_SAFE_INTEGER}
      AND checkpoint_number < ${below ?? 2_147_483_647} ORDER BY checkpoint_number DESC LIMIT ${limit}`);
  return rows.map((row) => toView(row, at));
}

/** One checkpoint of a task, by its id, number or commit id; null if there is none. */
export async function checkpointBy(
  db: Queryable,
  taskId: string,
  wanted: string,
): Promise<CheckpointView | null> {
  const row = await rowBy(db, taskId, wanted);
  return row ? toView(row) : null;
}

/** The same with all of its files. */
export async function wholeCheckpoint(
  db: Queryable,
  blobs: BlobStore,
  { taskId, wanted, ownerId }: { readonly taskId: string; readonly wanted: string; readonly ownerId: string },
): Promise<Whole<Checkpoint> | null> {
  const row = await rowBy(db, taskId, wanted);
  return row ? hydrate(blobs, ownerId, toCheckpoint(row)) : null;
}

async function rowBy(db: Queryable, taskId: string, wanted: string): Promise<CheckpointRow | undefined> {
  const condition = isUuid(wanted)
    ? sql`id = ${wanted}`
    : /^\d{1,9}$/.test(wanted)
      ? sql`checkpoint_number = ${Number(wanted)}`
      : sql`commit_sha = ${escapeText(wanted)}`;
  const [row] = await db.query<CheckpointRow>(
    sql`SELECT * FROM checkpoints WHERE task_id = ${taskId} AND ${condition}
      ORDER BY secured_position IS NULL, checkpoint_number DESC LIMIT 1`,
  );
  return row;
}

/** The checkpoint that came before one of this number: the task's own, or the one that its source had when it was forked. */
export async function checkpointBefore(
  db: Queryable,
  taskId: string,
  number: number,
): Promise<CheckpointView | null> {
  const [row] = await db.query<CheckpointRow>(sql`
    SELECT c.* FROM task_states t JOIN checkpoints c ON c.task_id = t.task_id AND c.checkpoint_number < ${number}
      OR c.task_id = t.forked_from_task_id AND c.commit_sha = t.checkpoint_sha
    WHERE t.task_id = ${taskId} AND t.to_position IS NULL
    ORDER BY c.task_id = t.task_id DESC, c.checkpoint_number DESC LIMIT 1`);
  return row ? toView(row) : null;
}

/** A task's newest checkpoint whose tests passed. */
export async function lastGreenOf(db: Queryable, taskId: string): Promise<CheckpointView | null> {
  const [row] = await db.query<CheckpointRow>(sql`
    SELECT * FROM checkpoints WHERE task_id = ${taskId} AND tests_passed ORDER BY checkpoint_number DESC LIMIT 1`);
  return row ? toView(row) : null;
}

/** A checkpoint by its id, of whichever of the owner's tasks. */
export async function checkpointOfId(db: Queryable, id: string): Promise<CheckpointView | null> {
  const [row] = await db.query<CheckpointRow>(sql`SELECT * FROM checkpoints WHERE id = ${id} LIMIT 1`);
  return row ? toView(row) : null;
}

/**
 * The newest checkpoint that belongs to the messages that segments show: taken after one of them, or on the
 * branch that shows them. A checkpoint of an abandoned branch is none of theirs.
 */
export async function checkpointWithin(
  db: Queryable,
  segments: readonly Segment[],
  branch: number,
): Promise<CheckpointView | null> {
  const own = segments.at(-1);
  if (!own) return null;
  const [row] = await db.query<CheckpointRow>(sql`
    SELECT c.* FROM unnest(${binaryArray(
      'uuid',
      segments.map((s) => s.taskId),
    )}::uuid[],
        ${binaryArray(
          'int4',
          segments.map((s) => s.from),
        )}::int[], ${binaryArray(
          'int4',
          segments.map((s) => s.to),
        )}::int[])
      WITH ORDINALITY AS s(task_id, from_seq, to_seq, ordinal)
    JOIN checkpoints c ON c.task_id = s.task_id AND (c.seq BETWEEN s.from_seq AND s.to_seq
      OR (c.task_id = ${own.taskId} AND c.branch = ${branch} AND c.seq <= s.to_seq)) AND NOT c.is_aside
    ORDER BY s.ordinal DESC, c.checkpoint_number DESC LIMIT 1`);
  return row ? toView(row) : null;
}
