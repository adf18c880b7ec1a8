import { randomUUID } from 'node:crypto';
import { Sql, sql } from '#libs/database/sql.js';
import {
  NoteWorld,
  noteProjection,
  ownerId,
  totalProjection,
  until,
  type Noted,
} from '#libs/testing/note-world.js';
import { advance, createInstance, dropInstance, PositionMoved, type Instance } from './instance.js';
import { projection, type Projection } from './projection.js';
import { supersede } from './row-operation.js';
import type { Table } from './table.js';

const states: Table = {
  name: 'states',
  columns: { id: 'uuid', from_position: 'int8', to_position: 'int8?', owner_id: 'uuid', text: 'text' },
  key: ['id', 'from_position'],
};

let world: NoteWorld;
beforeEach(async () => {
  world = await NoteWorld.open();
});
afterEach(() => world.close());

describe('the runner', () => {
  it('applies every event once, in order, before and after it started', async () => {
    await world.note('n-1', ...Array.from({ length: 25 }, (_, n) => `before ${n}`));
    const runner = await world.start([noteProjection(), totalProjection]);
    await world.note('n-2', 'after');
    await world.reached(runner);
    expect(await world.texts()).toHaveLength(26);
    expect(await world.database.query(sql`SELECT stream, events FROM totals ORDER BY stream`)).toEqual([
      { stream: 'n-1', events: 25n },
      { stream: 'n-2', events: 1n },
    ]);
  });

  it('applies a batch once even if its position was moved by somebody else', async () => {
    const [p] = [noteProjection()];
    await world.database.transaction((connection) => createInstance(connection, p, 'note_v1', 'live'));
    await world.note('n-1', 'one');
    const events = (await world.store.readAll({ after: 0n, limit: 10 })).map((stored) =>
      world.codec.decode(stored),
    );
    const instance = (): Instance => ({ projection: p, schema: 'note_v1', position: 0n, status: 'live' });
    await advance(world.database, [instance()], events, 1n);
    await expect(advance(world.database, [instance()], events, 1n)).rejects.toThrow(PositionMoved);
    expect(await world.texts()).toEqual(['one']);
  });

  it('knows what somebody has dropped from what an event has broken', async () => {
    const gone: Instance = { projection: totalProjection, schema: 'total_v1', position: 0n, status: 'live' };
    await world.note('n-1', 'one');
    const events = (await world.store.readAll({ after: 0n, limit: 10 })).map((stored) =>
      world.codec.decode(stored),
    );
    await expect(advance(world.database, [gone], events, 1n)).rejects.toThrow(PositionMoved);
  });

  it('is not in the way of somebody who drops what it is just advancing, nor the other way round', async () => {
    const p = noteProjection();
    await world.database.transaction((connection) => createInstance(connection, p, 'note_v1', 'retired'));
    let dropping: Promise<void> | undefined;
    await world.database.transaction(async (connection) => {
      await connection.query(sql`UPDATE projections SET position = 1 WHERE schema = 'note_v1'`);
      dropping = dropInstance(world.database, 'note_v1');
      const waiting = sql`SELECT FROM pg_locks WHERE NOT granted`;
      while ((await connection.query(waiting)).length === 0) continue;
      await connection.query(sql`INSERT INTO note_v1.notes VALUES (1, ${ownerId}, 'one')`);
    });
    await dropping;
    expect(await world.database.query(sql`SELECT FROM projections`)).toEqual([]);
  });

  it('stops at a poison event with that projection alone, and goes on when the event is skipped', async () => {
    const runner = await world.start([noteProjection(), totalProjection]);
    await world.note('n-1', 'good');
    const [, poison] = await world.note('n-1', 'good too', 'poison', 'later');
    await world.reached(runner);
    expect(await world.texts()).toEqual(['good', 'good too']);
    expect(await world.database.query(sql`SELECT events FROM totals`)).toEqual([{ events: 4n }]);
    const [row] = await world.database.query<{ status: string; error: { eventId: string; message: string } }>(
      sql`SELECT status, error FROM projections WHERE name = 'note'`,
    );
    expect(row).toMatchObject({
      status: 'failed',
      error: { eventId: poison, message: 'cannot take poison' },
    });

    const [stopped] = runner.projections;
    expect(await runner.release(stopped!, randomUUID(), 'after')).toBeNull();
    expect(await runner.release(stopped!, poison!, 'after')).toBe(3n);
    await world.reached(runner);
    for (let tries = 0; tries < 100 && (await world.texts()).length < 3; tries += 1)
      await runner.caughtUp(await world.store.head(), 100);
    expect(await world.texts()).toEqual(['good', 'good too', 'later']);
  });

  it('tries a poison event again when it is told to, also by another process than the one that leads', async () => {
    let mended = false;
    const picky = (): Projection => ({
      ...noteProjection(),
      load: () => (mended ? Promise.resolve() : Promise.reject(new Error('not yet'))),
    });
    const leader = await world.start([picky()]);
    const [eventId] = await world.note('n-1', 'one');
    const other = await world.start([picky()]);
    await until(() => other.standing.length === 1 && leader.standing.length === 1);
    expect(other.standing[0]).toMatchObject({ position: 0n, failure: { eventId, message: 'not yet' } });
    // A try that fails leaves it as it was; so does a restart.
    expect(await leader.release(leader.projections[0]!, eventId!, 'with')).toBe(0n);
    await until(() => leader.standing.length === 1);
    mended = true;
    expect(await other.release(other.projections[0]!, eventId!, 'with')).toBe(0n);
    await until(() => leader.standing.length === 0);
    await world.reached(leader);
    expect(await world.texts()).toEqual(['one']);
  });

  it('stops only those who handle an event whose metadata cannot be read', async () => {
    await world.close();
    world = await NoteWorld.open('on Postgres');
    await world.note('n-1', 'one');
    const [eventId] = await world.note('n-1', 'two');
    await world.write('Counted', 'c-1', 'x');
    await world.note('n-1', 'three');
    const metadata = sql`SELECT metadata FROM events WHERE position = 2`;
    const [former] = await world.database.query<{ metadata: Buffer }>(metadata);
    await world.database.query(sql`UPDATE events SET metadata = 'x' WHERE position = 2`);
    const runner = await world.start([noteProjection(), { ...totalProjection, handles: ['Counted'] }]);
    await until(() => runner.standing.length === 1);
    await world.reached(runner);
    await world.write('Counted', 'c-1', 'y');
    await world.reached(runner);
    expect(await world.texts()).toEqual(['one']);
    expect(await world.database.query(sql`SELECT stream, events FROM totals`)).toEqual([
      { stream: 'c-1', events: 2n },
    ]);
    const message = expect.stringContaining('unreadable metadata') as string;
    expect(runner.standing[0]).toMatchObject({ position: 1n, failure: { eventId, type: 'Noted', message } });
    await world.database.query(sql`UPDATE events SET metadata = ${former!.metadata} WHERE position = 2`);
    expect(await runner.release(runner.projections[0]!, eventId!, 'with')).toBe(1n);
    await world.reached(runner);
    await until(async () => (await world.texts()).length === 3);
    expect(await world.texts()).toEqual(['one', 'two', 'three']);
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
    const runner = await world.start([troubled], { log, batchSize: 1_000 });
    await world.note('n-1', 'one', 'two');
    for (let tries = 0; tries < 400 && trouble.times < 3; tries += 1) await runner.caughtUp(2n, 20);
    expect(trouble.times).toBeGreaterThanOrEqual(3);
    trouble.code = '';
    await world.reached(runner);
    expect(await world.texts()).toEqual(['one', 'two']);
    expect(lines).toEqual([`projections: ${trouble.message}`]);
  });

  it('only waits for another process where it is told not to lead', async () => {
    const follower = await world.start([noteProjection()], { leads: false });
    const [poison] = await world.note('n-1', 'poison', 'later');
    expect(await follower.caughtUp(2n, 1_500)).toBe(false);
    await world.start([noteProjection()]);
    await until(() => follower.standing.length > 0);
    expect(await follower.release(follower.projections[0]!, poison!, 'after')).toBe(1n);
    await until(async () => (await world.texts()).length > 0);
    expect(await follower.caughtUp(2n, 5_000)).toBe(true);
    expect(await world.texts()).toEqual(['later']);
  });

  it('hands over to another process when the first one stops', async () => {
    const first = await world.start([noteProjection()]);
    const second = await world.start([noteProjection()]);
    await world.note('n-1', 'one');
    expect(await second.caughtUp(1n, 5_000)).toBe(true);
    await first.stop();
    await world.note('n-1', 'two');
    expect(await second.caughtUp(2n, 5_000)).toBe(true);
    expect(await world.texts()).toEqual(['one', 'two']);
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
    await world.note('n-1', 'a', 'b', 'c');
    const runner = await world.start([stateProjection]);
    await world.reached(runner);
    await world.note('n-1', 'd');
    await world.reached(runner);
    const rows = await world.database.query(
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
    await world.close();
    world = await NoteWorld.open('on Postgres');
    const runner = await world.start([noteProjection()]);
    await world.note('n-1', 'one');
    await world.reached(runner);
    await world.database
      .query(
        sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      )
      .catch(() => undefined);
    await world.note('n-1', 'two');
    await world.reached(runner);
    expect(await world.texts()).toEqual(['one', 'two']);
  });
});
