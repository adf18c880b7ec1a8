import type { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';

/** The first key of the advisory locks that say who builds, verifies or clears a projection. */
const KEY = 7_420_003;

/**
 * Does something with projections that one at a time may do, of all processes. The claim ends with its connection: what
 * a killed process had begun is free for others.
 * @returns what came of it, or null if somebody else has claimed one of them: nothing is done then.
 */
export function whileClaimed<T>(
  database: Database,
  names: readonly string[],
  work: () => Promise<T>,
): Promise<{ readonly result: T } | null> {
  return database.withConnection(async (connection) => {
    try {
      const [locks] = await connection.query<{ taken: boolean }>(
        sql`SELECT bool_and(pg_try_advisory_lock(${KEY}, hashtext(name))) AS taken FROM unnest(${names}::text[]) AS name`,
      );
      return locks?.taken ? { result: await work() } : null;
    } finally {
      // With a connection that is gone the locks are too.
      await connection.query(sql`SELECT pg_advisory_unlock_all()`).catch(() => undefined);
    }
  });
}
