import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { escapeText } from '#libs/database/text-escape.js';

/** More tasks than that don't begin with the same message but on purpose. */
const MAX_TASKS = 50;

/** The owner's imported tasks whose transcripts begin with a message, and all forks of them. */
export async function tasksThatBeginWith(db: Queryable, sourceId: string): Promise<readonly string[]> {
  const rows = await db.query<{ task_id: string }>(sql`
    WITH RECURSIVE family (task_id) AS (
      SELECT m.task_id FROM messages m WHERE m.seq = 1 AND m.source_id = ${escapeText(sourceId)}
      UNION
      SELECT t.task_id FROM task_states t JOIN family f ON t.forked_from_task_id = f.task_id
      WHERE t.to_position IS NULL AND t.source IS NOT NULL
    ) SELECT task_id FROM family LIMIT ${MAX_TASKS}`);
  return rows.map((row) => row.task_id);
}
