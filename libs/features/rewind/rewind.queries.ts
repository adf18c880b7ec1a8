import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { unescapeJson, unescapeText } from '#libs/database/text-escape.js';
import type { Actor } from '#libs/kernel/event.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import type { CodePoint, PreserveMode, RewindEvent, RewindScope } from './rewind.events.js';

export const REWIND_PHASES = [
  'requested',
  'committed',
  'deferred',
  'completed',
  'aborted',
  'failed',
] as const;
export type RewindPhase = (typeof REWIND_PHASES)[number];

type PreservedAs = Extract<RewindEvent, { type: 'RewindCommitted' }>['data']['preservedAs'];

/** A rewind of code, as far as it has come. */
export interface RewindView {
  readonly rewindId: string;
  readonly phase: RewindPhase;
  readonly scope: RewindScope;
  readonly target: CodePoint | null;
  readonly before: CodePoint | null;
  readonly preserveMode: PreserveMode;
  readonly preservedAs: PreservedAs;
  readonly branch: number | null;
  readonly undoes: string | null;
  readonly reason: string | null;
  readonly failure: string | null;
  readonly actor: Actor;
  readonly requestedAt: string;
  readonly endedAt: string | null;
}

interface RewindRow {
  id: string;
  phase: RewindPhase;
  scope: RewindScope;
  target: string | null;
  before: string | null;
  preserve_mode: PreserveMode;
  preserved_as: string | null;
  branch: number | null;
  undoes: string | null;
  reason: string | null;
  failure: string | null;
  actor: string;
  requested_at: Date;
  ended_at: Date | null;
}

const parsed = <T>(column: string | null): T | null =>
  column === null ? null : (fromColumnJson(column) as T);

const toView = (row: RewindRow): RewindView => ({
  rewindId: row.id,
  phase: row.phase,
  scope: row.scope,
  target: parsed<CodePoint>(row.target),
  before: parsed<CodePoint>(row.before),
  preserveMode: row.preserve_mode,
  preservedAs: parsed<NonNullable<PreservedAs>>(row.preserved_as),
  branch: row.branch,
  undoes: row.undoes,
  reason: row.reason === null ? null : unescapeText(row.reason),
  failure: row.failure === null ? null : unescapeText(row.failure),
  actor: unescapeJson(row.actor) as Actor,
  requestedAt: row.requested_at.toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
});

/** One rewind of a task; null if it has none of this id. */
export async function rewindOf(db: Queryable, taskId: string, rewindId: string): Promise<RewindView | null> {
  const [row] = await db.query<RewindRow>(
    sql`SELECT * FROM rewinds WHERE task_id = ${taskId} AND id = ${rewindId}`,
  );
  return row ? toView(row) : null;
}

/** A task's rewinds of code, newest first. */
export async function rewindsOf(
  db: Queryable,
  taskId: string,
  limit: number,
): Promise<readonly RewindView[]> {
  const rows = await db.query<RewindRow>(
    sql`SELECT * FROM rewinds WHERE task_id = ${taskId} ORDER BY position DESC LIMIT ${limit}`,
  );
  return rows.map(toView);
}
