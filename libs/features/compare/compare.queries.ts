import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable } from '#libs/database/database.js';
import { raw, sql, type Sql } from '#libs/database/sql.js';
import { unescapeText } from '#libs/database/text-escape.js';
import { heldAt } from '#libs/projections/held-at.js';
import { allFormerAt } from '../conversation/former-messages.queries.js';
import { messagesOfSegment, segmentRows } from '../conversation/segment-rows.js';
import type { Segment } from '../conversation/segments.js';

/** What some messages took. */
export interface Effort {
  readonly messages: number;
  readonly toolCalls: number;
  /** Calls whose result is an error. */
  readonly failedCalls: number;
  readonly tokens: {
    readonly input: number;
    readonly output: number;
    readonly cacheRead: number;
    readonly cacheWrite: number;
  };
  /** US dollars; null where no message says. */
  readonly costUsd: number | null;
  /** When the first and the last of them were said; null: there are none. */
  readonly firstAt: Date | null;
  readonly lastAt: Date | null;
}

export interface ToolUse {
  readonly name: string;
  readonly calls: number;
  readonly failed: number;
}

const COLUMNS = ['role', 'tool_calls', 'tool_name', 'is_error', 'cost_usd', 'extra'];

/** The messages of segments as a table `said`, as they stood at a position. */
function saidIn(segments: readonly Segment[], at: bigint | null): Sql {
  const wanted = raw(['m.task_id', 'm.seq', 'm.occurred_at', ...COLUMNS.map((name) => `m.${name}`)].join());
  const messages = sql`${segmentRows(segments)} CROSS JOIN LATERAL (${messagesOfSegment(wanted)}) m`;
  if (at === null) return sql`said AS MATERIALIZED (SELECT m.* FROM ${messages})`;
  const then = raw(
    COLUMNS.map((name) => `CASE WHEN f.seq IS NULL THEN m.${name} ELSE f.${name} END AS ${name}`).join(),
  );
  return sql`said AS MATERIALIZED (SELECT m.occurred_at, ${then} FROM ${messages}
    LEFT JOIN ${allFormerAt(at)} f ON f.task_id = m.task_id AND f.seq = m.seq)`;
}

interface EffortRow {
  readonly messages: number;
  readonly tool_calls: number;
  readonly failed_calls: number;
  readonly input: bigint;
  readonly output: bigint;
  readonly cache_read: bigint;
  readonly cache_write: bigint;
  readonly cost: number | null;
  readonly first_at: Date | null;
  readonly last_at: Date | null;
}

/** What the messages took that segments show. */
export async function effortOf(
  db: Queryable,
  segments: readonly Segment[],
  at: bigint | null,
): Promise<Effort> {
  const sumOf = (name: string): Sql => raw(`coalesce(sum((usage ->> '${name}')::numeric), 0)::int8`);
  const [row] = await db.query<EffortRow>(sql`
    WITH ${saidIn(segments, at)}
    SELECT count(*)::int AS messages, coalesce(sum(json_array_length(tool_calls::json)), 0)::int AS tool_calls,
      count(*) FILTER (WHERE is_error)::int AS failed_calls, ${sumOf('input')} AS input, ${sumOf('output')} AS output,
      ${sumOf('cacheRead')} AS cache_read, ${sumOf('cacheWrite')} AS cache_write, sum(cost_usd) AS cost,
      min(occurred_at) AS first_at, max(occurred_at) AS last_at
    FROM (SELECT *, CASE WHEN role <> 'tool' THEN extra::json -> 'usage' END AS usage FROM said) said`);
  const { messages, tool_calls, failed_calls, input, output, cache_read, cache_write, cost } = row!;
  return {
    messages,
    toolCalls: tool_calls,
    failedCalls: failed_calls,
    tokens: {
      input: Number(input),
      output: Number(output),
      cacheRead: Number(cache_read),
      cacheWrite: Number(cache_write),
    },
    costUsd: cost,
    firstAt: row!.first_at,
    lastAt: row!.last_at,
  };
}

/** Which tools the messages call that segments show, the most used first; at most `limit`. */
export async function toolUseIn(
  db: Queryable,
  segments: readonly Segment[],
  { limit, at }: { readonly limit: number; readonly at: bigint | null },
): Promise<readonly ToolUse[]> {
  const rows = await db.query<{ name: string; calls: number; failed: number }>(sql`
    WITH ${saidIn(segments, at)}
    SELECT name, sum(calls)::int AS calls, sum(failed)::int AS failed FROM (
      SELECT call.value ->> 'name' AS name, 1 AS calls, 0 AS failed
      FROM said CROSS JOIN LATERAL json_array_elements(said.tool_calls::json) call
      UNION ALL SELECT tool_name, 0, 1 FROM said WHERE is_error
    ) used GROUP BY name ORDER BY calls DESC, name LIMIT ${limit}`);
  return rows.map((row) => ({ ...row, name: unescapeText(row.name) }));
}

/** What a task showed at some moment, as far as its checkpoints are concerned. */
export interface Within {
  readonly segments: readonly Segment[];
  /** The task's own branch, whose checkpoints count up to `seq`; null: none does. */
  readonly own: { readonly taskId: string; readonly branch: number; readonly seq: number } | null;
  /** Position up to which they count; null: all. */
  readonly until: bigint | null;
}

export interface CheckpointWithin {
  readonly id: string;
  readonly taskId: string;
  readonly checkpointNumber: number;
  readonly commitSha: string;
  readonly isSafe: boolean;
}

/**
 * The checkpoints that belong to what a task showed, oldest first: those of its sources too. None of abandoned branches.
 * @param at position as of which they are safe or not.
 */
export async function checkpointsWithin(
  db: Queryable,
  { segments, own, until }: Within,
  at: bigint | null,
): Promise<readonly CheckpointWithin[]> {
  const [safeAt, takenAt] = [at ?? Number.MAX_SAFE_INTEGER, until ?? at ?? Number.MAX_SAFE_INTEGER];
  const taskIds = [...segments.map(({ taskId }) => taskId), ...(own ? [own.taskId] : [])];
  // What was taken before the first message belongs to it.
  const rows = await db.query<{
    id: string;
    task_id: string;
    checkpoint_number: number;
    commit_sha: string;
    is_safe: boolean;
  }>(sql`
    SELECT c.id, c.task_id, c.checkpoint_number, c.commit_sha, coalesce(c.secured_position <= ${safeAt}, false) AS is_safe
    FROM checkpoints c
    WHERE c.task_id = ANY (${binaryArray('uuid', taskIds)}::uuid[]) AND c.position <= ${takenAt}
      AND (c.task_id = ${own?.taskId ?? null} AND c.branch = ${own?.branch ?? null} AND c.seq <= ${own?.seq ?? null}
        OR EXISTS (SELECT FROM ${segmentRows(segments)} WHERE s.task_id = c.task_id
          AND c.seq BETWEEN s.from_seq - (s.from_seq = 1)::int AND s.to_seq))
    ORDER BY c.position`);
  return rows.map((row) => ({
    id: row.id,
    taskId: row.task_id,
    checkpointNumber: row.checkpoint_number,
    commitSha: row.commit_sha,
    isSafe: row.is_safe,
  }));
}

/** Where a checkpoint stands in the log, by its id or number; null: the task has none, or had none at a position. */
export async function checkpointPosition(
  db: Queryable,
  taskId: string,
  wanted: { readonly id: string } | { readonly number: number },
  at: bigint | null,
): Promise<bigint | null> {
  const condition = 'id' in wanted ? sql`id = ${wanted.id}` : sql`checkpoint_number = ${wanted.number}`;
  const [row] = await db.query<{ position: bigint }>(sql`
    SELECT position FROM checkpoints WHERE task_id = ${taskId} AND ${condition}
      AND position <= ${at ?? Number.MAX_SAFE_INTEGER}`);
  return row?.position ?? null;
}

/** The branch of a task that a message was recorded on. */
export async function branchOfMessage(db: Queryable, taskId: string, seq: number): Promise<number | null> {
  const [row] = await db.query<{ branch: number }>(sql`
    SELECT branch FROM conversation_branches WHERE task_id = ${taskId} AND from_seq <= ${seq}
    ORDER BY from_seq DESC, branch DESC LIMIT 1`);
  return row?.branch ?? null;
}

/** A task, the one that it is a fork of, the one that that is a fork of, and so on. */
export async function forkLine(db: Queryable, taskId: string, at: bigint | null): Promise<readonly string[]> {
  const rows = await db.query<{ task_id: string }>(sql`
    WITH RECURSIVE line (task_id, source, step) AS (
      SELECT t.task_id, t.forked_from_task_id, 0 FROM task_states t WHERE t.task_id = ${taskId} AND ${heldAt('t', at)}
      UNION ALL
      SELECT t.task_id, t.forked_from_task_id, line.step + 1 FROM line JOIN task_states t ON t.task_id = line.source
      WHERE ${heldAt('t', at)}
    ) SELECT task_id FROM line ORDER BY step`);
  return rows.map(({ task_id }) => task_id);
}
