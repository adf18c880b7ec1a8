import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Database } from '#libs/database/database.js';
import { Sql, sql } from '#libs/database/sql.js';
import { MemoryBlobStore } from '#libs/event-store/blob-store.js';
import { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { MemoryEventStore } from '#libs/event-store/memory/memory-event-store.js';
import { PostgresEventStore } from '#libs/event-store/postgres/postgres-event-store.js';
import type { Recorded } from '#libs/kernel/event.js';
import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { advance, createInstance, dropInstance, PositionMoved, type Instance } from './instance.js';
import { projection, type Projection } from './projection.js';
import { Rebuilder } from './rebuild.js';
import { insert, supersede, upsert } from './row-operation.js';
import { ProjectionRunner } from './runner.js';
import type { Table } from './table.js';

const ownerId = randomUUID();
const codec = new EventCodec(new MemoryBlobStore());
const notes: Table = {
  name: 'notes',
  columns: { position: 'int8', owner_id: 'uuid', text: 'text' },
  key: ['position'],
};
const totals: Table = {
  name: 'totals',
  columns: { stream: 'text', owner_id: 'uuid', events: 'int8' },
  key: ['stream'],
};
const states: Table = {
  name: 'states',
  columns: { id: 'uuid', from_position: 'int8', to_position: 'int8?', owner_id: 'uuid', text: 'text' },
  key: ['id', 'from_position'],
};

type Noted = Recorded<{ readonly type: 'Noted'; readonly data: { readonly text: string } }>;

/** Refuses the text "poison", for the tests of what happens then. */
const noteProjection = (version = 1, shout = false): Projection =>
  projection({
    name: 'note',
    version,
    tables: [notes],
    views: { notes: 'SELECT * FROM {schema}.notes' },
    handles: ['Noted'],
    project: (batch) =>
      (batch as readonly Noted[]).map(({ position, event }) => {
        if (event.data.text === 'poison') throw new Error('cannot take poison');
        return insert(notes, {
          position,
          owner_id: ownerId,
          text: shout ? event.data.text.toUpperCase() : event.data.text,
        });
      }),
  });

/** Counts with a look-up of its own rows, so that a batch applied twice would show. */
const totalProjection = projection<Map<string, bigint>>({
  name: 'total',
  version: 1,
  tables: [totals],
  views: { totals: 'SELECT * FROM {schema}.totals' },
  handles: ['Noted'],
  load: async (connection, schema) => {
    const rows = await connection.query<{ stream: string; events: bigint }>(
      new Sql([`SELECT stream, events FROM "${schema}".totals`], []),
    );
    return new Map(rows.map((row) => [row.stream, row.events]));
  },
  project: (batch, counted) =>
    batch.map(({ stream }) => {
      counted.set(stream, (counted.get(stream) ?? 0n) + 1n);
      return upsert(totals, { stream, owner_id: ownerId, events: counted.get(stream) });
    }),
});

let test: TestDatabase;
let database: Database;
let store: EventStore;
const runners: ProjectionRunner[] = [];

beforeEach(async () => {
  test = await testDatabase();
  database = new Database({ url: test.url, max: 8 });
  store = new MemoryEventStore();
});
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.stop();
  await store.close();
  await database.close();
  await test.drop();
});

async function start(...projections: Projection[]): Promise<ProjectionRunner> {
  const runner = new ProjectionRunner({ database, store, codec, projections, batchSize: 10 });
  runners.push(runner);
  await runner.start();
  return runner;
}

async function note(stream: string, ...texts: string[]): Promise<string[]> {
  const metadata = {
    actor: { kind: 'system', id: 'test' },
    ownerId,
    occurredAt: '2026-01-01T00:00:00.000Z',
  } as const;
  const written = texts.map((text) => ({
    event: { type: 'Noted', data: { text } },
    id: randomUUID(),
    metadata,
  }));
  await store.append(stream, await codec.encode(written), { expected: 'any' });
  return written.map(({ id }) => id);
}

const texts = async (): Promise<string[]> =>
  (await database.query<{ text: string }>(sql`SELECT text FROM notes ORDER BY position`)).map(
    (row) => row.text,
  );
const reached = async (runner: ProjectionRunner): Promise<void> =>
  expect(await runner.caughtUp(await store.head(), 5_000)).toBe(true);

describe('the runner', () => {
  it('applies every event once, in order, before and after it started', async () => {
    await note('n-1', ...Array.from({ length: 25 }, (_, n) => `before ${n}`));
    const runner = await start(noteProjection(), totalProjection);
    await note('n-2', 'after');
    await reached(runner);
    expect(await texts()).toHaveLength(26);
    expect(await database.query(sql`SELECT stream, events FROM totals ORDER BY stream`)).toEqual([
      { stream: 'n-1', events: 25n },
      { stream: 'n-2', events: 1n },
    ]);
  });

  it('applies a batch once even if its position was moved by somebody else', async () => {
    const [p] = [noteProjection()];
    await database.transaction((connection) => createInstance(connection, p, 'note_v1', 'live'));
    await note('n-1', 'one');
    const events = (await store.readAll({ after: 0n, limit: 10 })).map((stored) => codec.decode(stored));
    const instance = (): Instance => ({ projection: p, schema: 'note_v1', position: 0n, status: 'live' });
    await advance(database, [instance()], events, 1n);
    await expect(advance(database, [instance()], events, 1n)).rejects.toThrow(PositionMoved);
    expect(await texts()).toEqual(['one']);
  });

  it('is not in the way of somebody who drops what it is just advancing, nor the other way round', async () => {
    const p = noteProjection();
    await database.transaction((connection) => createInstance(connection, p, 'note_v1', 'retired'));
    let dropping: Promise<void> | undefined;
    await database.transaction(async (connection) => {
      await connection.query(sql`UPDATE projections SET position = 1 WHERE schema = 'note_v1'`);
      dropping = dropInstance(database, 'note_v1');
      const waiting = sql`SELECT FROM pg_locks WHERE NOT granted`;
      while ((await connection.query(waiting)).length === 0) continue;
      await connection.query(sql`INSERT INTO note_v1.notes VALUES (1, ${ownerId}, 'one')`);
    });
    await dropping;
    expect(await database.query(sql`SELECT FROM projections`)).toEqual([]);
  });

  it('stops at a poison event with that projection alone, and goes on when the event is skipped', async () => {
    const runner = await start(noteProjection(), totalProjection);
    await note('n-1', 'good');
    const [, poison] = await note('n-1', 'good too', 'poison', 'later');
    await reached(runner);
    expect(await texts()).toEqual(['good', 'good too']);
    expect(await database.query(sql`SELECT events FROM totals`)).toEqual([{ events: 4n }]);
    const [row] = await database.query<{ status: string; error: { eventId: string; message: string } }>(
      sql`SELECT status, error FROM projections WHERE name = 'note'`,
    );
    expect(row).toMatchObject({
      status: 'failed',
      error: { eventId: poison, message: 'cannot take poison' },
    });

    expect(await runner.skip('note', randomUUID())).toBeNull();
    expect(await runner.skip('note', poison!)).toBe(3n);
    await reached(runner);
    for (let tries = 0; tries < 100 && (await texts()).length < 3; tries += 1)
      await runner.caughtUp(await store.head(), 100);
    expect(await texts()).toEqual(['good', 'good too', 'later']);
  });

  it('blames no event for trouble of the database, and goes on when that is over', async () => {
    const trouble = { code: '53100', message: 'could not extend file: No space left on device', times: 0 };
    const troubled: Projection = {
      ...noteProjection(),
      load: async (connection) => {
        if (trouble.code === '') return;
        trouble.times += 1;
        const raise = `DO $$ BEGIN RAISE EXCEPTION '${trouble.message}' USING ERRCODE = '${trouble.code}'; END $$`;
        await connection.query(new Sql([raise], []));
      },
    };
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const runner = new ProjectionRunner({ database, store, codec, projections: [troubled], log });
    runners.push(runner);
    await runner.start();
    await note('n-1', 'one', 'two');
    for (let tries = 0; tries < 400 && trouble.times < 3; tries += 1) await runner.caughtUp(2n, 20);
    expect(trouble.times).toBeGreaterThanOrEqual(3);
    trouble.code = '';
    await reached(runner);
    expect(await texts()).toEqual(['one', 'two']);
    expect(lines).toEqual([`projections: ${trouble.message}`]);
  });

  it('hands over to another process when the first one stops', async () => {
    const first = await start(noteProjection());
    const second = await start(noteProjection());
    await note('n-1', 'one');
    expect(await second.caughtUp(1n, 5_000)).toBe(true);
    await first.stop();
    await note('n-1', 'two');
    expect(await second.caughtUp(2n, 5_000)).toBe(true);
    expect(await texts()).toEqual(['one', 'two']);
  });
});

describe('versions and rebuilds', () => {
  const silent = (): void => undefined;
  const never = new AbortController().signal;

  it('builds a new version beside the old one and swaps them', async () => {
    const old = await start(noteProjection());
    await note('n-1', 'hello');
    await reached(old);
    await old.stop();
    const runner = await start(noteProjection(2, true));
    expect(await texts()).toEqual(['hello']);
    const building = runner.instances.find(({ status }) => status === 'building')!;
    expect(await new Rebuilder(database, runner).resume(building, never)).toBe(true);
    expect(await texts()).toEqual(['HELLO']);
    await note('n-1', 'again');
    await reached(runner);
    expect(await texts()).toEqual(['HELLO', 'AGAIN']);
    expect(await database.query(sql`SELECT version, status FROM projections`)).toEqual([
      { version: 2, status: 'live' },
    ]);
  });

  it('rebuilds to the same rows while writing goes on', async () => {
    const runner = await start(noteProjection(), totalProjection);
    await note('n-1', ...Array.from({ length: 50 }, (_, n) => `${n}`));
    await reached(runner);
    const writing = (async () => {
      for (let n = 0; n < 20; n += 1) await note('n-2', `during ${n}`);
    })();
    await new Rebuilder(database, runner).rebuild([noteProjection()], silent, never);
    await writing;
    await reached(runner);
    expect(await texts()).toHaveLength(70);
    const comparison = await new Rebuilder(database, runner).verify([noteProjection()], silent, never);
    expect(comparison).toMatchObject([{ table: 'notes', equal: true, serving: { rows: 70 } }]);
  });

  it('clears what killed rebuilds and verifications left, but not while somebody works on it', async () => {
    const runner = await start(noteProjection());
    await database.transaction(async (connection) => {
      await createInstance(connection, noteProjection(), 'note_v1_killed', 'retired');
      await createInstance(connection, noteProjection(), 'note_v1_lost', 'retired');
      await connection.query(sql`DELETE FROM projections WHERE schema = 'note_v1_lost'`);
      await createInstance(connection, noteProjection(), 'note_v1_building', 'building');
      await connection.query(sql`CREATE SCHEMA note_v1_of_the_users_own_kind`);
      await connection.query(sql`CREATE SCHEMA keynote_v1`);
    });
    const schemas = async () =>
      (
        await database.query<{ name: string }>(
          sql`SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE '%note%' ORDER BY 1`,
        )
      ).map(({ name }) => name);
    const before = await schemas();
    const rebuilder = new Rebuilder(database, runner);
    await database.withConnection(async (connection) => {
      await connection.query(sql`SELECT pg_advisory_lock_shared(7420003)`);
      await rebuilder.clear();
      expect(await schemas()).toEqual(before);
      await connection.query(sql`SELECT pg_advisory_unlock_shared(7420003)`);
    });
    await rebuilder.clear();
    const kept = ['keynote_v1', 'note_v1', 'note_v1_building', 'note_v1_of_the_users_own_kind'];
    expect(await schemas()).toEqual(kept);
    expect(await database.query(sql`SELECT schema FROM projections ORDER BY 1`)).toEqual([
      { schema: 'note_v1' },
      { schema: 'note_v1_building' },
    ]);
  });

  it('does not drop what serves, and waits for trouble of the database to pass before it serves', async () => {
    const runner = await start(noteProjection());
    await note('n-1', 'hello');
    await reached(runner);
    await dropInstance(database, 'note_v1');
    expect(await texts()).toEqual(['hello']);
    // Somebody's lock is in the way of the swap until its connection is ended: then it is tried again.
    const locked = new pg.Client({ connectionString: test.url });
    await locked.connect();
    await locked.query('BEGIN; LOCK TABLE notes IN ACCESS EXCLUSIVE MODE');
    const rebuilding = new Rebuilder(database, runner).rebuild([noteProjection(1, true)], silent, never);
    const end = sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'DROP VIEW%' AND wait_event_type = 'Lock'`;
    while ((await database.query(end)).length === 0) continue;
    await locked.query('COMMIT');
    await locked.end();
    await rebuilding;
    expect(await texts()).toEqual(['HELLO']);
    expect(await database.query(sql`SELECT status FROM projections`)).toEqual([{ status: 'live' }]);
  });

  it('tells a table that differs (negative control)', async () => {
    const runner = await start(noteProjection());
    await note('n-1', 'true');
    await reached(runner);
    await database.query(sql`UPDATE note_v1.notes SET text = 'false'`);
    const comparison = await new Rebuilder(database, runner).verify([noteProjection()], silent, never);
    expect(comparison).toMatchObject([{ table: 'notes', equal: false }]);
    expect(await database.query(sql`SELECT count(*) AS n FROM projections`)).toEqual([{ n: 1n }]);
  });
});

describe('rows that keep their former states', () => {
  const id = randomUUID();
  const stateProjection = projection({
    name: 'state',
    version: 1,
    tables: [states],
    views: { states: 'SELECT * FROM {schema}.states' },
    handles: ['Noted'],
    project: (batch) =>
      (batch as readonly Noted[]).map(({ position, event }) =>
        supersede(states, { id }, { owner_id: ownerId, text: event.data.text }, position),
      ),
  });

  it('hold from one position to the next, whichever batches they came in', async () => {
    await note('n-1', 'a', 'b', 'c');
    const runner = await start(stateProjection);
    await reached(runner);
    await note('n-1', 'd');
    await reached(runner);
    const rows = await database.query(
      sql`SELECT from_position, to_position, text FROM states ORDER BY from_position`,
    );
    expect(rows).toEqual([
      { from_position: 1n, to_position: 2n, text: 'a' },
      { from_position: 2n, to_position: 3n, text: 'b' },
      { from_position: 3n, to_position: 4n, text: 'c' },
      { from_position: 4n, to_position: null, text: 'd' },
    ]);
  });
});

describe('with the log on Postgres', () => {
  it('survives the end of its connections', async () => {
    await store.close();
    store = new PostgresEventStore({ url: test.url });
    const runner = await start(noteProjection());
    await note('n-1', 'one');
    await reached(runner);
    await database
      .query(
        sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      )
      .catch(() => undefined);
    await note('n-1', 'two');
    await reached(runner);
    expect(await texts()).toEqual(['one', 'two']);
  });
});
