import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { escapeText, unescapeText } from '#libs/database/text-escape.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import type { FileChange } from '../conversation/conversation.events.js';

/** A checkpoint as the origin of lines. */
export interface OriginCheckpoint {
  readonly id: string;
  readonly taskId: string;
  readonly checkpointNumber: number;
  readonly commitSha: string;
  readonly message: string;
  readonly createdAt: Date;
  /** Number of the last message that its task had recorded then, and when the checkpoint before it was taken. */
  readonly seq: number;
  readonly seqBefore: number;
}

/**
 * The checkpoints that commits are, of one contract's tasks (null: of those without). Of a commit that several tasks have
 * recorded the first.
 */
export async function checkpointsOfCommits(
  db: Queryable,
  commits: readonly string[],
  contractId: string | null,
): Promise<readonly OriginCheckpoint[]> {
  if (commits.length === 0) return [];
  const rows = await db.query<{
    id: string;
    task_id: string;
    checkpoint_number: number;
    commit_sha: string;
    message: string;
    created_at: Date;
    seq: number;
    seq_before: number;
  }>(sql`
    SELECT DISTINCT ON (c.commit_sha) c.id, c.task_id, c.checkpoint_number, c.commit_sha, c.message, c.created_at, c.seq,
      coalesce((SELECT max(b.seq) FROM checkpoints b
        WHERE b.task_id = c.task_id AND b.checkpoint_number < c.checkpoint_number), 0) AS seq_before
    FROM checkpoints c JOIN task_states t ON t.task_id = c.task_id AND t.to_position IS NULL
    WHERE c.commit_sha = ANY (${binaryArray('text', commits)}::text[])
      AND t.contract_id IS NOT DISTINCT FROM ${contractId}::uuid
    ORDER BY c.commit_sha, c.position`);
  return rows.map((row) => ({
    id: row.id,
    taskId: row.task_id,
    checkpointNumber: row.checkpoint_number,
    commitSha: row.commit_sha,
    message: unescapeText(row.message),
    createdAt: row.created_at,
    seq: row.seq,
    seqBefore: row.seq_before,
  }));
}

/** Messages of a task (both inclusive), and a path that one of their tool results may name. */
export interface Searched {
  readonly taskId: string;
  readonly from: number;
  readonly to: number;
  /** As answers show it. */
  readonly path: string;
}

/** A message that may have made a change. */
export interface Maker {
  readonly messageId: string;
  readonly seq: number;
  readonly toolName: string;
  readonly toolCallId: string;
  /** The branch of the conversation that it was recorded on. */
  readonly branch: number;
}

/** How many results, newest first, are looked at for one that names the path itself and not only a part of it. */
const LOOKED_AT = 20;

/** Of each search the newest tool result that names the path; null: none does. A list of files in a blob is not looked at. */
export async function makersOf(
  db: Queryable,
  searches: readonly Searched[],
): Promise<readonly (Maker | null)[]> {
  if (searches.length === 0) return [];
  const listOf = (field: 'from' | 'to') =>
    binaryArray(
      'int4',
      searches.map((one) => one[field]),
    );
  const rows = await db.query<{
    ordinal: bigint;
    message_id: string;
    seq: number;
    tool_name: string;
    tool_call_id: string;
    extra: string;
    branch: number;
  }>(sql`
    SELECT s.ordinal, m.*, b.branch
    FROM unnest(${binaryArray(
      'uuid',
      searches.map(({ taskId }) => taskId),
    )}::uuid[], ${listOf('from')}::int[],
      ${listOf('to')}::int[], ${binaryArray(
        'text',
        searches.map(({ path }) => inJson(path)),
      )}::text[])
      WITH ORDINALITY AS s(task_id, from_seq, to_seq, path, ordinal)
    CROSS JOIN LATERAL (
      SELECT m.message_id, m.seq, m.tool_name, m.tool_call_id, m.extra FROM messages m
      WHERE m.task_id = s.task_id AND m.seq BETWEEN s.from_seq AND s.to_seq AND m.role = 'tool'
        AND strpos(m.extra, s.path) > 0
      ORDER BY m.seq DESC LIMIT ${LOOKED_AT}) m
    CROSS JOIN LATERAL (
      SELECT branch FROM conversation_branches b WHERE b.task_id = s.task_id AND b.from_seq <= m.seq
      ORDER BY b.from_seq DESC, b.branch DESC LIMIT 1) b
    ORDER BY s.ordinal, m.seq DESC`);
  return searches.map(({ path }, index) => {
    const found = rows.find(({ ordinal, extra }) => Number(ordinal) === index + 1 && names(extra, path));
    if (!found) return null;
    const { message_id: messageId, seq, branch, tool_name, tool_call_id } = found;
    return {
      messageId,
      seq,
      branch,
      toolName: unescapeText(tool_name),
      toolCallId: unescapeText(tool_call_id),
    };
  });
}

/** A text as it stands within JSON in a column. */
const inJson = (text: string): string => escapeText(JSON.stringify(text).slice(1, -1));

/** Whether a result's files name a path: as it stands in the folder, or in full. */
function names(extra: string, path: string): boolean {
  const { files } = fromColumnJson(extra) as { readonly files?: unknown };
  return (
    Array.isArray(files) &&
    (files as readonly FileChange[]).some((file) => file.path === path || file.path.endsWith(`/${path}`))
  );
}
