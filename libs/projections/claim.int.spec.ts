import { setTimeout as delay } from 'node:timers/promises';
import { Database, type Queryable } from '#libs/database/database.js';
import { sql, type Sql } from '#libs/database/sql.js';
import { NoteWorld, never, noteProjection, silent } from '#libs/testing/note-world.js';
import type { Projection } from './projection.js';
import { Rebuilder } from './rebuild.js';

let world: NoteWorld;
beforeEach(async () => {
  world = await NoteWorld.open();
});
afterEach(() => world.close());

describe('who builds', () => {
  const ROUNDS = 10;

  /** One that takes locks for free, as if nobody else ever did: the negative control. */
  class Lockless extends Database {
    override withConnection<T>(work: (connection: Queryable) => Promise<T>): Promise<T> {
      return super.withConnection((connection) =>
        work({
          query: <R extends object>(statement: Sql) =>
            statement.text.includes('pg_try_advisory_lock(')
              ? Promise.resolve([{ taken: true }] as object[] as R[])
              : connection.query<R>(statement),
        }),
      );
    }
  }

  /** Rebuilds on a process that does not lead, while notes are written and the one that leads takes what is unfinished. */
  async function rebuiltBeside(kind: typeof Database, rounds: number): Promise<ReadonlySet<string>[]> {
    const buildersOf = new Map<string, Set<string>>();
    const noted = (name: string): Projection => ({
      ...noteProjection(),
      load: async (connection, schema) => {
        const [row] = await connection.query<{ status: string }>(
          sql`SELECT status FROM projections WHERE schema = ${schema}`,
        );
        if (row?.status !== 'building') return;
        buildersOf.set(schema, (buildersOf.get(schema) ?? new Set()).add(name));
      },
    });
    const [leading, other] = [noted('leader'), noted('other')];
    const leader = await world.start([leading]);
    await world.note('n-1', ...Array.from({ length: 300 }, (_, n) => `${n}`));
    await world.reached(leader);
    const follower = await world.start([other], { leads: false });
    const database = new kind({ url: world.databaseUrl });
    const rebuilders = { leader: new Rebuilder(database, leader), other: new Rebuilder(database, follower) };
    const done = new AbortController();
    const writing = (async () => {
      for (; !done.signal.aborted; await delay(2)) await world.note('n-2', 'during');
    })();
    const looking = (async () => {
      for (; !done.signal.aborted; await delay(5)) {
        await leader.refresh();
        for (const instance of leader.instances)
          if (instance.status === 'building') await rebuilders.leader.resume(instance, never);
        await rebuilders.leader.clear();
      }
    })();
    try {
      for (let round = 0; round < rounds; round += 1) await rebuilders.other.rebuild([other], silent, never);
    } finally {
      done.abort();
      await Promise.all([writing, looking]);
    }
    await world.reached(leader);
    const { tables } = await rebuilders.other.verify([other], silent, never);
    expect(tables).toMatchObject([{ equal: true }]);
    await database.close();
    return [...buildersOf.values()];
  }

  it('an instance is one process at a time, whoever leads', async () => {
    const builders = await rebuiltBeside(Database, ROUNDS);
    expect(builders).toHaveLength(ROUNDS);
    for (const one of builders) expect(one.size).toBe(1);
    expect(await world.instances()).toHaveLength(1);
  }, 60_000);

  it('is not known without the locks (negative control)', async () => {
    const outcome = await rebuiltBeside(Lockless, 3).catch((error: Error) => error);
    const alone = outcome instanceof Error ? [] : outcome.filter(({ size }) => size === 1);
    expect(alone.length).toBeLessThan(3);
  }, 60_000);
});
