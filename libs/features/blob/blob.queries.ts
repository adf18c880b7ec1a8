import type { Queryable } from '#libs/database/database.js';
import { sql, type Sql } from '#libs/database/sql.js';

/** Whether a contract, one of its tasks or one of its chats refers to a blob. */
export async function isUsedIn(db: Queryable, contractId: string, sha256: string): Promise<boolean> {
  const idIn = (kind: string): Sql =>
    sql`CASE WHEN u.stream LIKE ${`${kind}-%`} THEN substr(u.stream, ${kind.length + 2}::int)::uuid END`;
  const [row] = await db.query<{ used: boolean }>(sql`
    SELECT EXISTS (SELECT FROM blob_uses u WHERE u.sha256 = ${sha256} AND (
      ${idIn('contract')} = ${contractId}
      OR EXISTS (SELECT FROM task_states t
        WHERE t.task_id = ${idIn('task')} AND t.to_position IS NULL AND t.contract_id = ${contractId})
      OR EXISTS (SELECT FROM chat_states c
        WHERE c.chat_id = ${idIn('chat')} AND c.to_position IS NULL AND c.contract_id = ${contractId}))) AS used`);
  return row!.used;
}
