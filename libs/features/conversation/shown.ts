import type { Queryable } from '#libs/database/database.js';
import { Problem } from '#libs/kernel/problem.js';
import { shownBy, type Shown } from './conversation.queries.js';

/** What a branch of a task shows, or 404. */
export async function requireShown(
  db: Queryable,
  taskId: string,
  branch: number | null,
  at: bigint | null,
): Promise<Shown> {
  const found = await shownBy(db, taskId, branch, at);
  if (!found)
    throw new Problem(
      'BRANCH_UNKNOWN',
      `Task ${taskId} has no branch ${branch ?? ''}. List its branches to see which there are.`,
    );
  return found;
}
