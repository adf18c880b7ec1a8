import pg from 'pg';
import { emptyTestDatabase, testDatabase } from './postgres.js';

async function query<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('a test database', () => {
  it('is migrated, and its own: what one test writes, another does not see', async () => {
    const [one, other] = await Promise.all([testDatabase(), testDatabase()]);
    await query(one.url, 'UPDATE log_head SET position = 7');
    expect(await query(one.url, 'SELECT position FROM log_head')).toEqual([{ position: '7' }]);
    expect(await query(other.url, 'SELECT position FROM log_head')).toEqual([{ position: '0' }]);
    await Promise.all([one.drop(), other.drop()]);
  });

  it('belongs to a role that row-level security holds for', async () => {
    const database = await testDatabase();
    const [role] = await query(
      database.url,
      'SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user',
    );
    expect(role).toEqual({ rolsuper: false, rolbypassrls: false });
    await database.drop();
  });

  it('is dropped although someone is connected, and dropping it again is harmless', async () => {
    const database = await emptyTestDatabase();
    const client = new pg.Client({ connectionString: database.url });
    client.on('error', () => undefined);
    await client.connect();
    await database.drop();
    await database.drop();
    await expect(query(database.url, 'SELECT 1')).rejects.toThrow('does not exist');
    await client.end().catch(() => undefined);
  });
});
