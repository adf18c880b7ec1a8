import { Database, type Queryable } from '#libs/database/database.js';
import { identifier, sql, type Sql } from '#libs/database/sql.js';
import { NoteWorld, never, ownerId, silent, until, type Noted } from '#libs/testing/note-world.js';
import type { Instance } from './instance.js';
import { projection, type Projection } from './projection.js';
import { Rebuilder } from './rebuild.js';
import { supersede } from './row-operation.js';
import type { ProjectionRunner } from './runner.js';
import type { Table } from './table.js';

let world: NoteWorld;
beforeEach(async () => {
  world = await NoteWorld.open();
});
afterEach(() => world.close());

describe('the indexes of a read model', () => {
  const thoughts: Table = {
    name: 'thoughts',
    columns: { stream: 'text', from_position: 'int8', to_position: 'int8?', owner_id: 'uuid', text: 'text' },
    key: ['stream', 'from_position'],
    ownIndexes: ['(text) WHERE to_position IS NULL'],
    indexes: [
      '(stream) WHERE to_position IS NULL',
      '(owner_id, from_position DESC) INCLUDE (text)',
      '(text, stream) WHERE to_position IS NOT NULL',
    ],
  };
  const thinking = (version = 1): Projection =>
    projection({
      name: 'thought',
      version,
      tables: [thoughts],
      views: { thoughts: 'SELECT * FROM {schema}.thoughts' },
      handles: ['Noted'],
      project: (batch) =>
        (batch as readonly Noted[]).map(({ position, stream, event }) =>
          supersede(thoughts, { stream }, { owner_id: ownerId, text: event.data.text }, position),
        ),
    });
  const specified = [
    'UNIQUE (stream, from_position)',
    '(owner_id, from_position DESC) INCLUDE (text)',
    '(stream) WHERE (to_position IS NULL)',
    '(text) WHERE (to_position IS NULL)',
    '(text, stream) WHERE (to_position IS NOT NULL)',
  ].sort();

  /** What Postgres has of the table that serves, or of one in a schema. */
  async function indexes(schema?: string): Promise<readonly string[]> {
    const rows = await world.database.query<{ unique: boolean; definition: string }>(sql`
      SELECT i.indisunique AS unique, pg_get_indexdef(i.indexrelid) AS definition
      FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
      WHERE t.relname = 'thoughts' AND i.indisvalid
        AND n.nspname = coalesce(${schema ?? null}, (SELECT schema FROM projections WHERE status = 'live'))`);
    return rows
      .map(({ unique, definition }) => `${unique ? 'UNIQUE ' : ''}${definition.split(' USING btree ')[1]}`)
      .sort();
  }

  async function serving(): Promise<ProjectionRunner> {
    const runner = await world.start([thinking()]);
    await world.note('n-1', 'one', 'two', 'three');
    await world.reached(runner);
    return runner;
  }

  /** Starts a rebuild on a connection that ends when a statement is sent, as if the process were killed there. */
  async function killedAt(moment: RegExp, runner: ProjectionRunner): Promise<void> {
    const stop = new AbortController();
    class Killed extends Database {
      override query<R extends object>(statement: Sql): Promise<readonly R[]> {
        if (moment.test(statement.text)) stop.abort();
        return stop.signal.aborted ? Promise.reject(new Error('killed')) : super.query<R>(statement);
      }

      override transaction<T>(...[work, options]: Parameters<typeof Database.prototype.transaction<T>>) {
        const watched = (connection: Queryable): Promise<T> =>
          work({
            query: <R extends object>(statement: Sql) => {
              if (moment.test(statement.text)) stop.abort();
              return stop.signal.aborted
                ? Promise.reject(new Error('killed'))
                : connection.query<R>(statement);
            },
          });
        return super.transaction(watched, options);
      }
    }
    const database = new Killed({ url: world.databaseUrl });
    await expect(
      new Rebuilder(database, runner).rebuild([thinking()], silent, stop.signal),
    ).rejects.toThrow();
    await database.close();
  }

  it('are all there at a fresh start and after a rebuild', async () => {
    const runner = await serving();
    expect(await indexes()).toEqual(specified);
    await new Rebuilder(world.database, runner).rebuild([thinking()], silent, never);
    expect(await indexes()).toEqual(specified);
    expect(await world.instances()).toMatchObject([
      { schema: expect.stringMatching(/^thought_v1_/) as string },
    ]);
  });

  it.each([
    ['before they are made', /thoughts_by_2/, 3],
    ['while they are made', /thoughts_by_3/, 4],
    ['after they were made', /CREATE OR REPLACE VIEW/, 5],
  ])('are all there when a rebuild was killed %s', async (_, moment, made) => {
    const killed = await serving();
    // The first two are made with the table: by them the projection finds rows.
    await killedAt(moment, killed);
    await killed.stop();
    const [scratch] = (await world.instances()).filter(({ schema }) => schema !== 'thought_v1');
    expect(await indexes(scratch!.schema)).toHaveLength(made);
    const unfinished: Instance[] = [];
    const onUnfinished = (instances: readonly Instance[]): void => void unfinished.push(...instances);
    const runner = await world.start([thinking()], { onUnfinished });
    await until(() => unfinished.length > 0);
    expect(await new Rebuilder(world.database, runner).resume(unfinished[0]!, never)).toBe(true);
    expect(await world.instances()).toMatchObject([{ schema: scratch!.schema, status: 'live' }]);
    expect(await indexes()).toEqual(specified);
  });

  it('are made anew where one does not work', async () => {
    const killed = await serving();
    await killedAt(/CREATE OR REPLACE VIEW/, killed);
    await killed.stop();
    const [{ schema }] = (await world.instances()).filter((one) => one.schema !== 'thought_v1') as [Instance];
    await world.database.query(sql`UPDATE projections SET status = 'building' WHERE schema = ${schema}`);
    const [index, table] = [identifier(schema, 'thoughts_by_2'), identifier(schema, 'thoughts')];
    await world.database.query(sql`DROP INDEX ${index}`);
    const failing = sql`CREATE UNIQUE INDEX CONCURRENTLY thoughts_by_2 ON ${table} (owner_id)`;
    await expect(world.database.query(failing)).rejects.toThrow('could not create unique index');
    expect(await indexes(schema)).toHaveLength(4);
    const unfinished: Instance[] = [];
    const runner = await world.start([thinking()], {
      onUnfinished: (those) => void unfinished.push(...those),
    });
    await until(() => unfinished.length > 0);
    await new Rebuilder(world.database, runner).resume(unfinished[0]!, never);
    expect(await indexes()).toEqual(specified);
  });

  it('say once what keeps them from being made, and are made when it is gone', async () => {
    const runner = await serving();
    let tries = 0;
    class Full extends Database {
      override query<R extends object>(statement: Sql): Promise<readonly R[]> {
        if (/CREATE INDEX IF NOT EXISTS "thoughts_by_3"/.test(statement.text) && (tries += 1) < 4)
          return super.query(
            sql`DO $$BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END$$`,
          );
        return super.query<R>(statement);
      }
    }
    const database = new Full({ url: world.databaseUrl });
    const [lines, troubles]: [string[], string[]] = [[], []];
    const progress = (_step: string, _position: bigint, _target: bigint, trouble?: string): void =>
      void (trouble !== undefined && troubles.push(trouble));
    await new Rebuilder(database, runner, (line) => lines.push(line)).rebuild([thinking()], progress, never);
    await database.close();
    expect(lines).toEqual([expect.stringMatching(/^building projection thought .*No space left on device$/)]);
    expect(troubles).toHaveLength(3);
    expect(await indexes()).toEqual(specified);
  });

  it('are made for a new version when its tables are filled, and not for a verification', async () => {
    const old = await serving();
    await old.stop();
    const runner = await world.start([thinking(2)]);
    const [building] = runner.instances.filter(({ status }) => status === 'building');
    expect(await indexes('thought_v2')).toHaveLength(3);
    await new Rebuilder(world.database, runner).resume(building!, never);
    expect(await indexes()).toEqual(specified);
    const made: string[] = [];
    class Watched extends Database {
      override query<R extends object>(statement: Sql): Promise<readonly R[]> {
        if (statement.text.startsWith('CREATE INDEX')) made.push(statement.text);
        return super.query<R>(statement);
      }

      override transaction<T>(...[work, options]: Parameters<typeof Database.prototype.transaction<T>>) {
        const watched = (connection: Queryable): Promise<T> =>
          work({
            query: <R extends object>(statement: Sql) => {
              if (statement.text.startsWith('CREATE INDEX')) made.push(statement.text);
              return connection.query<R>(statement);
            },
          });
        return super.transaction(watched, options);
      }
    }
    const database = new Watched({ url: world.databaseUrl });
    const { tables } = await new Rebuilder(database, runner).verify([thinking(2)], silent, never);
    await database.close();
    expect(tables).toMatchObject([{ equal: true, serving: { rows: 3 } }]);
    expect(made).toEqual(
      ['thoughts_by_0', 'thoughts_by_1'].map((name) => expect.stringContaining(name) as string),
    );
  });
});
