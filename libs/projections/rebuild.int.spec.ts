import pg from 'pg';
import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import {
  NoteWorld,
  never,
  noteProjection,
  silent,
  totalProjection,
  until,
} from '#libs/testing/note-world.js';
import { createInstance, dropInstance, type Instance } from './instance.js';
import type { Projection } from './projection.js';
import { Rebuilder } from './rebuild.js';

let world: NoteWorld;
beforeEach(async () => {
  world = await NoteWorld.open();
});
afterEach(() => world.close());

describe('versions and rebuilds', () => {
  /** A connection that its test ends. */
  async function client(): Promise<pg.Client> {
    const connection = new pg.Client({ connectionString: world.databaseUrl });
    await connection.connect();
    return connection;
  }

  /** Whether somebody waits for a lock of this mode on a table or view. */
  async function waitsFor(mode: string): Promise<boolean> {
    const waiting = await world.database.query(sql`
      SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
      WHERE d.datname = current_database() AND l.mode = ${mode} AND l.locktype = 'relation' AND NOT l.granted`);
    return waiting.length > 0;
  }

  it('builds a new version beside the old one and swaps them', async () => {
    const old = await world.start([noteProjection()]);
    await world.note('n-1', 'hello');
    await world.reached(old);
    await old.stop();
    const runner = await world.start([noteProjection(2, true)]);
    expect(await world.texts()).toEqual(['hello']);
    const building = runner.instances.find(({ status }) => status === 'building')!;
    expect(await new Rebuilder(world.database, runner).resume(building, never)).toBe(true);
    expect(await world.texts()).toEqual(['HELLO']);
    await world.note('n-1', 'again');
    await world.reached(runner);
    expect(await world.texts()).toEqual(['HELLO', 'AGAIN']);
    expect(await world.database.query(sql`SELECT version, status FROM projections`)).toEqual([
      { version: 2, status: 'live' },
    ]);
  });

  it('rebuilds to the same rows while writing goes on', async () => {
    const runner = await world.start([noteProjection(), totalProjection]);
    await world.note('n-1', ...Array.from({ length: 50 }, (_, n) => `${n}`));
    await world.reached(runner);
    const writing = (async () => {
      for (let n = 0; n < 20; n += 1) await world.note('n-2', `during ${n}`);
    })();
    await new Rebuilder(world.database, runner).rebuild([noteProjection()], silent, never);
    await writing;
    await world.reached(runner);
    expect(await world.texts()).toHaveLength(70);
    const { tables } = await new Rebuilder(world.database, runner).verify([noteProjection()], silent, never);
    expect(tables).toMatchObject([{ table: 'notes', equal: true, serving: { rows: 70 } }]);
  });

  it('clears what killed rebuilds and verifications left, but not while somebody works on it', async () => {
    const runner = await world.start([noteProjection()]);
    await world.database.transaction(async (connection) => {
      await createInstance(connection, noteProjection(), 'note_v1_killed', 'retired');
      await createInstance(connection, noteProjection(), 'note_v1_lost', 'retired');
      await connection.query(sql`DELETE FROM projections WHERE schema = 'note_v1_lost'`);
      await createInstance(connection, noteProjection(), 'note_v1_building', 'building');
      await connection.query(sql`CREATE SCHEMA note_v1_of_the_users_own_kind`);
      await connection.query(sql`CREATE SCHEMA keynote_v1`);
    });
    const schemas = async () =>
      (
        await world.database.query<{ name: string }>(
          sql`SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE '%note%' ORDER BY 1`,
        )
      ).map(({ name }) => name);
    const before = await schemas();
    const rebuilder = new Rebuilder(world.database, runner);
    await world.database.withConnection(async (connection) => {
      await connection.query(sql`SELECT pg_advisory_lock(7420003, hashtext('note'))`);
      await rebuilder.clear();
      expect(await schemas()).toEqual(before);
      await connection.query(sql`SELECT pg_advisory_unlock(7420003, hashtext('note'))`);
    });
    await rebuilder.clear();
    const kept = ['keynote_v1', 'note_v1', 'note_v1_building', 'note_v1_of_the_users_own_kind'];
    expect(await schemas()).toEqual(kept);
    expect(await world.database.query(sql`SELECT schema FROM projections ORDER BY 1`)).toEqual([
      { schema: 'note_v1' },
      { schema: 'note_v1_building' },
    ]);
  });

  it('does not drop what serves, and waits for trouble of the database to pass before it serves', async () => {
    const runner = await world.start([noteProjection()]);
    await world.note('n-1', 'hello');
    await world.reached(runner);
    await dropInstance(world.database, 'note_v1');
    expect(await world.texts()).toEqual(['hello']);
    // Somebody's lock is in the way of the swap until its connection is ended: then it is tried again.
    const locked = await client();
    await locked.query('BEGIN; LOCK TABLE notes IN ACCESS EXCLUSIVE MODE');
    const rebuilding = new Rebuilder(world.database, runner).rebuild([noteProjection()], silent, never);
    const end = sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'CREATE OR REPLACE VIEW%' AND wait_event_type = 'Lock'`;
    await until(async () => (await world.database.query(end)).length > 0);
    await locked.end();
    await rebuilding;
    expect(await world.texts()).toEqual(['hello']);
    expect(await world.instances()).toMatchObject([
      { schema: expect.stringMatching('^note_v1_') as string, status: 'live' },
    ]);
  });

  it('lets the serving one go on while tables are compared', async () => {
    const runner = await world.start([noteProjection()]);
    await world.note('n-1', 'one', 'two');
    await world.reached(runner);
    // Somebody locks the scratch table when it is filled, so that comparing it waits.
    const locker = await client();
    class SlowlyCompared extends Database {
      override async transaction<T>(
        ...[work, options]: Parameters<typeof Database.prototype.transaction<T>>
      ) {
        if (options?.snapshot) {
          const [scratch] = (await world.instances()).filter(({ status }) => status === 'retired');
          await locker.query(`BEGIN; LOCK TABLE "${scratch!.schema}".notes IN ACCESS EXCLUSIVE MODE`);
        }
        return super.transaction(work, options);
      }
    }
    const database = new SlowlyCompared({ url: world.databaseUrl });
    const verifying = new Rebuilder(database, runner).verify([noteProjection()], silent, never);
    await until(() => waitsFor('AccessShareLock'));
    await world.note('n-1', 'three');
    await world.reached(runner);
    expect(await world.texts()).toHaveLength(3);
    await locker.end();
    expect(await verifying).toMatchObject({
      tables: [{ table: 'notes', equal: true, serving: { rows: 2 } }],
    });
    await database.close();
  });

  it('makes neither the serving one nor readers wait for somebody who reads for long', async () => {
    const runner = await world.start([noteProjection()]);
    await world.note('n-1', 'one');
    await world.reached(runner);
    const reader = await client();
    await reader.query('BEGIN; SELECT FROM notes');
    const rebuilding = new Rebuilder(world.database, runner).rebuild([noteProjection()], silent, never);
    await until(() => waitsFor('AccessExclusiveLock'));
    await world.note('n-1', 'two');
    await world.reached(runner);
    expect(await world.texts()).toEqual(['one', 'two']);
    // By now both follow the log, and it does not matter which of them is read.
    const [one, other] = await world.instances();
    expect(other).toEqual({ ...one, schema: other!.schema });
    await reader.end();
    await rebuilding;
    await world.note('n-1', 'three');
    await world.reached(runner);
    expect(await world.texts()).toEqual(['one', 'two', 'three']);
    expect(await world.instances()).toMatchObject([{ schema: other!.schema, status: 'live' }]);
  });

  it('goes on with a swap that was interrupted', async () => {
    const killed = await world.start([noteProjection()]);
    await world.note('n-1', 'one');
    await world.reached(killed);
    const reader = await client();
    await reader.query('BEGIN; SELECT FROM notes');
    const stop = new AbortController();
    const rebuilding = new Rebuilder(world.database, killed).rebuild([noteProjection()], silent, stop.signal);
    await until(async () => (await world.instances()).every(({ status }) => status === 'live'));
    await until(() => waitsFor('AccessExclusiveLock'));
    stop.abort();
    await expect(rebuilding).rejects.toThrow();
    await killed.stop();
    await reader.end();
    const unfinished: Instance[] = [];
    const runner = await world.start([noteProjection()], {
      onUnfinished: (instances) => void unfinished.push(...instances),
    });
    await until(() => unfinished.length > 0);
    const [before, after] = await world.instances();
    expect([before!.schema, unfinished.map(({ schema }) => schema)]).toEqual(['note_v1', [after!.schema]]);
    expect(await new Rebuilder(world.database, runner).resume(unfinished[0]!, never)).toBe(true);
    await world.note('n-1', 'two');
    await world.reached(runner);
    expect(await world.texts()).toEqual(['one', 'two']);
    expect(await world.instances()).toMatchObject([{ schema: after!.schema, status: 'live' }]);
  });

  it('keeps the views that others have built on its own', async () => {
    const runner = await world.start([noteProjection()]);
    await world.note('n-1', 'one');
    await world.reached(runner);
    await world.database.query(sql`CREATE VIEW public.report AS SELECT count(*) AS notes FROM public.notes`);
    await new Rebuilder(world.database, runner).rebuild([noteProjection()], silent, never);
    await world.note('n-1', 'two');
    await world.reached(runner);
    expect(await world.database.query(sql`SELECT notes FROM report`)).toEqual([{ notes: 2n }]);
  });

  it('compares with what serves where that stands, be it behind the log', async () => {
    const runner = await world.start([noteProjection()]);
    await world.note('n-1', 'one');
    await world.reached(runner);
    await runner.stop();
    await world.note('n-1', 'two');
    const { tables } = await new Rebuilder(world.database, runner).verify([noteProjection()], silent, never);
    expect(tables).toMatchObject([{ equal: true, serving: { rows: 1 }, rebuilt: { rows: 1 } }]);
  });

  it('verifies any number of times at once, with the connections that there are', async () => {
    const runner = await world.start([noteProjection()]);
    await world.note('n-1', 'one');
    await world.reached(runner);
    const rebuilder = new Rebuilder(world.database, runner);
    const all = Array.from({ length: 20 }, () => rebuilder.verify([noteProjection()], silent, never));
    for (const { tables } of await Promise.all(all)) expect(tables).toMatchObject([{ equal: true }]);
  });

  it('leaves a new version that an event stops unread, until it is told to go on', async () => {
    const old = await world.start([noteProjection()]);
    const [first, second] = await world.note('n-1', 'one', 'two');
    await world.reached(old);
    await old.stop();
    let mended = false;
    const picky: Projection = {
      ...noteProjection(2, true),
      load: (_connection, _schema, batch) => {
        const refuses = !mended && batch.some(({ id }) => id === second);
        return refuses ? Promise.reject(new Error('not this one')) : Promise.resolve();
      },
    };
    const unfinished: Instance[] = [];
    const onUnfinished = (building: readonly Instance[]): void => void unfinished.push(...building);
    const runner = await world.start([picky], { onUnfinished });
    await until(() => unfinished.length === 1);
    const rebuilder = new Rebuilder(world.database, runner);
    await expect(rebuilder.resume(unfinished[0]!, never)).rejects.toThrow(`note stopped at event ${second}`);
    const standing = [
      { schema: 'note_v1', status: 'live', position: 2n },
      { schema: 'note_v2', status: 'building', position: 1n },
    ];
    expect(await world.instances()).toEqual(standing);
    expect(await runner.release(picky, first!, 'with')).toBeNull();
    mended = true;
    expect(await runner.release(picky, second!, 'with')).toBe(1n);
    expect(unfinished).toHaveLength(2);
    await rebuilder.resume(unfinished[1]!, never);
    expect(await world.texts()).toEqual(['ONE', 'TWO']);
  });

  it('tells a table that differs (negative control)', async () => {
    const runner = await world.start([noteProjection()]);
    await world.note('n-1', 'true');
    await world.reached(runner);
    await world.database.query(sql`UPDATE note_v1.notes SET text = 'false'`);
    const { tables } = await new Rebuilder(world.database, runner).verify([noteProjection()], silent, never);
    expect(tables).toMatchObject([{ table: 'notes', equal: false }]);
    expect(await world.database.query(sql`SELECT count(*) AS n FROM projections`)).toEqual([{ n: 1n }]);
  });
});
