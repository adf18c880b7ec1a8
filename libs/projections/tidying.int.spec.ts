import { setTimeout as delay } from 'node:timers/promises';
import { sql } from '#libs/database/sql.js';
import { NoteWorld, noteProjection } from '#libs/testing/note-world.js';
import { createInstance, type Instance } from './instance.js';
import { Tidying } from './tidying.js';

const projection = noteProjection();
const instance: Instance = { projection, schema: 'note_v1', position: 0n, status: 'live' };
const AT_ONCE = 10;

let world: NoteWorld;
beforeEach(async () => {
  world = await NoteWorld.open();
  await world.database.transaction((connection) => createInstance(connection, projection, 'note_v1', 'live'));
  await world.database.query(sql`ALTER TABLE note_v1.notes SET (autovacuum_enabled = off)`);
  await world.database.query(
    sql`INSERT INTO note_v1.notes SELECT n, gen_random_uuid(), 'text' FROM generate_series(1, 5000) n`,
  );
});
afterEach(() => world.close());

/** Rows that Postgres plans with; -1: it knows nothing of the table. */
async function planned(): Promise<number> {
  const [row] = await world.database.query<{ rows: number }>(
    sql`SELECT reltuples::int AS rows FROM pg_class WHERE oid = 'note_v1.notes'::regclass`,
  );
  return row!.rows;
}

describe('a load that is over', () => {
  it('leaves Postgres knowing how large the tables are', async () => {
    expect(await planned()).toBe(-1);
    const tidying = new Tidying(world.database, 50);
    tidying.noted([instance], 5_000);
    // Ordinary work is in nobody's way.
    for (let n = 0; (await planned()) === -1 && n < 200; n += 1) {
      tidying.noted([instance], 1);
      await delay(10);
    }
    expect(await planned()).toBe(5_000);
  });

  it('is forgotten when its tables are, and is not tidied up after where nobody will read them', async () => {
    const tidying = new Tidying(world.database, 50);
    const scratch: Instance = { projection, schema: 'note_v1_scratch', position: 0n, status: 'retired' };
    const gone: Instance = { ...scratch, schema: 'note_v1_gone' };
    await world.database.transaction((connection) =>
      createInstance(connection, projection, scratch.schema, 'retired'),
    );
    tidying.noted([instance, scratch, gone], 5_000);
    expect(tidying.counted).toEqual(['note_v1', 'note_v1_scratch', 'note_v1_gone']);
    for (let n = 0; (await planned()) === -1 && n < 200; n += 1) await delay(10);
    expect(await planned()).toBe(5_000);
    expect(tidying.counted).toEqual(['note_v1']);
  });

  it('is not tidied up after while it goes on, when it was small, or when the server stops', async () => {
    const tidying = new Tidying(world.database, 50);
    for (let n = 0; n < 5; n += 1) {
      tidying.noted([instance], 1_000);
      await delay(20);
    }
    expect(await planned()).toBe(-1);
    tidying.stop();
    new Tidying(world.database, AT_ONCE).noted([instance], 999);
    await delay(200);
    expect(await planned()).toBe(-1);
  });
});
