import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable } from '#libs/database/database.js';
import { identifier, sql } from '#libs/database/sql.js';
import type { Recorded } from '#libs/kernel/event.js';
import type { TaskEvent } from '../task/task.events.js';

/**
 * The latest time among a branch's own messages so far, by task. Times may go back from one message to the next; the
 * latest never does along a branch, so the first message since a time is found by halving.
 */
export class LatestTimes {
  readonly #latest: Map<string, Date>;

  constructor(known: Iterable<readonly [string, Date]>) {
    this.#latest = new Map(known);
  }

  /** @param occurredAt ISO 8601 */
  add(taskId: string, occurredAt: string): Date {
    const [before, now] = [this.#latest.get(taskId), new Date(occurredAt)];
    const latest = before && before > now ? before : now;
    this.#latest.set(taskId, latest);
    return latest;
  }

  /** A new branch has no messages of its own yet. */
  branch(taskId: string): void {
    this.#latest.delete(taskId);
  }
}

/** As things stand before a batch, for the tasks in which it records messages. */
export async function loadLatestTimes(
  connection: Queryable,
  schema: string,
  batch: readonly Recorded<TaskEvent>[],
): Promise<LatestTimes> {
  const tasks = new Set(
    batch.flatMap(({ event, stream }) =>
      event.type === 'MessageRecorded' || event.type === 'ToolResultRecorded'
        ? [stream.slice('task-'.length)]
        : [],
    ),
  );
  if (tasks.size === 0) return new LatestTimes([]);
  const rows = await connection.query<{ task_id: string; latest_at: Date }>(
    sql`SELECT t.task_id, m.latest_at FROM unnest(${binaryArray('uuid', [...tasks])}::uuid[]) AS t(task_id)
      CROSS JOIN LATERAL (SELECT seq, latest_at FROM ${identifier(schema, 'messages')} m WHERE m.task_id = t.task_id
        ORDER BY m.seq DESC LIMIT 1) m
      CROSS JOIN LATERAL (SELECT from_seq FROM ${identifier(schema, 'conversation_branches')} b WHERE b.task_id = t.task_id
        ORDER BY b.branch DESC LIMIT 1) b
      WHERE m.seq >= b.from_seq`,
  );
  return new LatestTimes(rows.map((row) => [row.task_id, row.latest_at] as const));
}
