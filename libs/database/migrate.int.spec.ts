import pg from 'pg';
import { emptyTestDatabase } from '#libs/testing/postgres.js';
import { migrate } from './migrate.js';

/** The advisory lock of node-pg-migrate. */
const LOCK = '7241865325823964';

describe('migrations', () => {
  it('wait for others that run, such as the last statement of a killed server', async () => {
    const database = await emptyTestDatabase();
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    await other.query(`SELECT pg_advisory_lock(${LOCK})`);
    let done = false;
    const migrating = migrate(database.url).then(() => (done = true));
    const waits = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
    while (!done && (await other.query(waits)).rowCount === 0) continue;
    expect(done).toBe(false);
    await other.end();
    await migrating;
    await database.drop();
  });

  it('run at once by several processes happen once', async () => {
    const database = await emptyTestDatabase();
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM log_head');
    expect(rows).toEqual([{ n: 1 }]);
    await client.end();
    await database.drop();
  });
});
