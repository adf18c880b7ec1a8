import type { Database, Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';

/** The key of the advisory lock that is held, shared, while scratch schemas are in use. */
const KEY = 7_420_003;
/** The first key of the advisory locks under which views are changed, one a projection. */
const VIEWS_KEY = 7_420_004;

/**
 * Says to other processes that scratch schemas are in use, by a lock that ends with its connection: what a killed
 * process leaves does not stay for ever. All work of a process shares one lock and one connection.
 */
export class ScratchClaim {
  #users = 0;
  #held: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;

  constructor(private readonly database: Database) {}

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#users += 1;
    if (this.#users === 1) this.#held = this.#hold();
    try {
      await this.#held;
      return await work();
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#release();
    }
  }

  /** Does something unless some process uses scratch schemas, and keeps all from beginning to meanwhile. */
  async unlessHeld(work: (connection: Queryable) => Promise<void>): Promise<void> {
    await this.database.withConnection(async (connection) => {
      const [lock] = await connection.query<{ mine: boolean }>(
        sql`SELECT pg_try_advisory_lock(${KEY}) AS mine`,
      );
      if (!lock?.mine) return;
      try {
        await work(connection);
      } finally {
        await connection.query(sql`SELECT pg_advisory_unlock(${KEY})`);
      }
    });
  }

  /** Does something while no other process does it for the same projection. */
  async alone<T>(projection: string, work: () => Promise<T>): Promise<T> {
    return this.database.withConnection(async (connection) => {
      await connection.query(sql`SELECT pg_advisory_lock(${VIEWS_KEY}, hashtext(${projection}))`);
      try {
        return await work();
      } finally {
        await connection
          .query(sql`SELECT pg_advisory_unlock(${VIEWS_KEY}, hashtext(${projection}))`)
          .catch(() => undefined);
      }
    });
  }

  /** Resolves when the lock is held; it is until `#release` is called. */
  #hold(): Promise<void> {
    const released = new Promise<void>((resolve) => (this.#release = resolve));
    return new Promise((resolve, reject) => {
      this.database
        .withConnection(async (connection) => {
          await connection.query(sql`SELECT pg_advisory_lock_shared(${KEY})`);
          resolve();
          await released;
          await connection.query(sql`SELECT pg_advisory_unlock_shared(${KEY})`);
        })
        // Nobody waits for it any more once it is held: with its connection the lock has gone too.
        .catch(reject);
    });
  }
}
