import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { unescapeText } from '#libs/database/text-escape.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import { checkpointOfId, type CheckpointView } from '../checkpoint/checkpoint.queries.js';
import type { Phase } from '../contract/contract.events.js';
import { callsAndResultsIn, messagesIn, shownBy } from '../conversation/conversation.queries.js';
import { countOf, slice, type Segment } from '../conversation/segments.js';
import type { TaskStatus } from '../task/task.events.js';
import { NOTHING, plus, type Amount } from './context-options.js';

/** Messages that are looked at together. */
export const PAGE = 100;

/** How much segments show, without reading what was said. */
export async function amountIn(db: Queryable, segments: readonly Segment[]): Promise<Amount> {
  const count = countOf(segments);
  let amount: Amount = { ...NOTHING, messages: count };
  for (let from = 0; from < count; from += PAGE * 10) {
    for (const { tool_calls: calls, tool_call_id: answers } of await callsAndResultsIn(
      db,
      slice(segments, from, from + PAGE * 10),
    )) {
      const toolCalls = calls === null ? 0 : (fromColumnJson(calls) as readonly unknown[]).length;
      const isResult = answers !== null;
      amount = plus(amount, { messages: isResult ? -1 : 0, toolCalls, toolResults: isResult ? 1 : 0 });
    }
  }
  return amount;
}

/** The phases that a contract has been in, first to last. */
export async function phasesOf(db: Queryable, contractId: string): Promise<readonly Phase[]> {
  const rows = await db.query<{ phase: Phase }>(
    sql`SELECT phase FROM contract_states WHERE contract_id = ${contractId} ORDER BY from_position LIMIT 1000`,
  );
  return rows.map(({ phase }) => phase).filter((phase, index, all) => phase !== all[index - 1]);
}

export interface EndedTask {
  readonly name: string;
  readonly status: TaskStatus;
  /** What its agent said last, or the beginning of that; null: nothing. */
  readonly said: string | null;
}

/** The newest tasks of a contract that have ended, but for one, and how many there are in all. */
export async function endedTasksOf(
  db: Queryable,
  contractId: string,
  without: string,
  limit: number,
): Promise<{ readonly tasks: readonly EndedTask[]; readonly count: number }> {
  const rows = await db.query<{ task_id: string; name: string; status: TaskStatus; count: bigint }>(sql`
    SELECT task_id, name, status, count(*) OVER () AS count FROM task_states
    WHERE contract_id = ${contractId} AND to_position IS NULL AND task_id <> ${without}
      AND status IN ('completed', 'failed', 'cancelled')
    ORDER BY completed_at DESC NULLS LAST, task_id LIMIT ${limit}`);
  const tasks: EndedTask[] = [];
  for (const { task_id: id, name, status } of rows)
    tasks.push({ name: unescapeText(name), status, said: await saidLast(db, id) });
  return { tasks, count: Number(rows[0]?.count ?? 0) };
}

/** How far back an agent's last words are looked for, in messages and tool results. */
const LOOKED_BACK = 20;

async function saidLast(db: Queryable, taskId: string): Promise<string | null> {
  const shown = await shownBy(db, taskId, null, null);
  if (!shown) return null;
  const { segments, totalCount } = shown;
  const rows = await messagesIn(db, slice(segments, totalCount - LOOKED_BACK, totalCount));
  const last = rows.findLast(({ role, content }) => role === 'assistant' && content.trim() !== '');
  return last ? unescapeText(last.content) : null;
}

/** A checkpoint of this commit in any task of a contract (null: of no contract); a safe one where there is one. */
export async function checkpointInContract(
  db: Queryable,
  contractId: string | null,
  commitSha: string,
): Promise<CheckpointView | null> {
  const [row] = await db.query<{ id: string }>(sql`
    SELECT c.id FROM checkpoints c JOIN task_states t ON t.task_id = c.task_id AND t.to_position IS NULL
    WHERE c.commit_sha = ${commitSha} AND t.contract_id IS NOT DISTINCT FROM ${contractId}::uuid
    ORDER BY c.secured_position NULLS LAST, c.position LIMIT 1`);
  return row ? checkpointOfId(db, row.id) : null;
}

/** The newest checkpoint of a task that is in the hub. */
export async function newestSafe(db: Queryable, taskId: string): Promise<CheckpointView | null> {
  const [row] = await db.query<{ id: string }>(sql`
    SELECT id FROM checkpoints WHERE task_id = ${taskId} AND secured_position IS NOT NULL AND NOT is_aside
    ORDER BY checkpoint_number DESC LIMIT 1`);
  return row ? checkpointOfId(db, row.id) : null;
}
