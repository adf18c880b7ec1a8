// Emmett on Postgres, through its documented API, with its schema made beforehand.
import { randomUUID } from 'node:crypto';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import pg from 'pg';
import { closedLoops } from '../measure.mjs';
import { nextObject } from '../payloads.mjs';

/** A store with a pool of some connections. */
export async function emmettStore(url, connections = 16) {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  // Emmett closes its pool while connections may still be busy.
  pool.on('error', () => undefined);
  const store = getPostgreSQLEventStore(url, {
    connectionOptions: { pool },
    schema: { autoMigration: 'None' },
  });
  await store.schema.migrate();
  return {
    store,
    pool,
    async close() {
      await store.close().catch(() => undefined);
      await pool.end().catch(() => undefined);
    },
  };
}

/** Appends of `size` events, each caller to a stream of its own. */
export async function emmettAppends({ store }, { callers, size, ms }) {
  const streams = Array.from({ length: callers }, () => ({
    id: `session-${randomUUID()}`,
    version: undefined,
  }));
  const figures = await closedLoops({
    callers,
    ms,
    work: async (caller) => {
      const stream = streams[caller];
      const events = Array.from({ length: size }, () => ({ type: 'ToolResult', data: nextObject() }));
      const expected = stream.version === undefined ? undefined : { expectedStreamVersion: stream.version };
      const result = await store.appendToStream(stream.id, events, expected);
      stream.version = result.nextExpectedStreamVersion;
    },
  });
  return { ...figures, perSecond: figures.perSecond * size };
}
