import { newId } from '#libs/kernel/ids.js';
import { testDatabase } from '#libs/testing/postgres.js';
import pg from 'pg';
import { events, idsOf, newStream, oneTo, readToEnd } from '../contract/fixtures.contract.js';
import { followAndCompare, type OrderingReport, type Seen } from '../contract/follow-and-compare.contract.js';
import { eventStoreContract } from '../event-store.contract.js';
import { PostgresEventStore } from './postgres-event-store.js';

const WRITERS = 16;
const ROUNDS = 60;

eventStoreContract('Postgres', {
  gaplessPositions: true,
  open: async () => {
    const database = await testDatabase();
    const handles: PostgresEventStore[] = [];
    const reopen = async (): Promise<PostgresEventStore> => {
      const handle = new PostgresEventStore({ url: database.url });
      handles.push(handle);
      return handle;
    };
    return {
      store: await reopen(),
      reopen,
      close: async () => {
        await Promise.all(handles.map((handle) => handle.close()));
        await database.drop();
      },
    };
  },
});

describe('a reader that follows 16 writers on Postgres', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>;

  beforeAll(async () => {
    database = await testDatabase();
  }, 60_000);
  afterAll(() => database.drop());

  it('sees every event once and in order, with one store for each writer', async () => {
    const stores = oneTo(WRITERS + 1).map(
      () => new PostgresEventStore({ url: database.url, appendConnections: 1 }),
    );
    const reader = stores.pop()!;
    const start = await reader.head();
    const report = await followAndCompare({
      writers: WRITERS,
      rounds: ROUNDS,
      start,
      append: async (writer) => {
        const written = events(oneToThree());
        await stores[writer]!.append(newStream(), written, { expected: 0 });
        return idsOf(written);
      },
      read: (after) => reader.readAll({ after, limit: 100 }),
    });
    expect(report).toEqual({ acknowledged: report.acknowledged, lost: [], repeated: [], outOfOrder: [] });
    expect(await readToEnd(reader, start)).toHaveLength(report.acknowledged);
    await Promise.all([reader, ...stores].map((store) => store.close()));
  }, 60_000);

  it('loses events when positions come from an identity column (negative control: the checker notices)', async () => {
    const report = await orderingNegativeControl(database.url);
    expect(report.acknowledged).toBeGreaterThan(WRITERS * ROUNDS);
    expect(report.lost.length).toBeGreaterThan(0);
  }, 60_000);
});

/** The log as it is often built: a position is drawn at the insert, and becomes visible at the commit. */
async function orderingNegativeControl(url: string): Promise<OrderingReport> {
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client;
  };
  const reader = await connect();
  const writers = await Promise.all(oneTo(WRITERS).map(connect));
  await reader.query(`
    CREATE TABLE naive_events (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL)`);
  try {
    return await followAndCompare({
      writers: WRITERS,
      rounds: ROUNDS,
      start: 0n,
      append: async (writer) => {
        const ids = oneTo(oneToThree()).map(() => newId());
        const client = writers[writer]!;
        await client.query('BEGIN');
        await client.query('INSERT INTO naive_events (id) SELECT unnest($1::text[])', [ids]);
        if (Math.random() < 0.3) await client.query('SELECT pg_sleep(0.004)');
        await client.query('COMMIT');
        return ids;
      },
      read: async (after) => {
        const { rows } = await reader.query<{ id: string; position: string }>(
          'SELECT id, position FROM naive_events WHERE position > $1 ORDER BY position LIMIT 100',
          [after],
        );
        return rows.map(({ id, position }): Seen => ({ id, position: BigInt(position) }));
      },
    });
  } finally {
    await Promise.all([reader, ...writers].map((client) => client.end()));
  }
}

const oneToThree = (): number => 1 + Math.floor(3 * Math.random());
