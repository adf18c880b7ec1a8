import fc from 'fast-check';
import { testDatabase } from '#libs/testing/postgres.js';
import { binaryArray, type ArrayType } from './binary-array.js';
import { Database } from './database.js';
import { Sql, sql } from './sql.js';

let database: Database;
let drop: () => Promise<void>;

beforeAll(async () => {
  const test = await testDatabase();
  drop = test.drop;
  database = new Database({ url: test.url, max: 3 });
});
afterAll(async () => {
  await database.close();
  await drop();
});

describe('binary arrays', () => {
  const cases: readonly [ArrayType, fc.Arbitrary<unknown>][] = [
    ['bool', fc.boolean()],
    ['int2', fc.integer({ min: -32_768, max: 32_767 })],
    ['int4', fc.integer()],
    ['int8', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
    ['float8', fc.double({ noNaN: true })],
    ['text', fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))],
    ['uuid', fc.uuid()],
    ['bytea', fc.uint8Array().map((bytes) => Buffer.from(bytes))],
    [
      'timestamptz',
      fc.date({ min: new Date('1900-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }),
    ],
  ];

  it.each(cases)('come back as they were sent: %s', async (type, arbitrary) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(arbitrary), { maxLength: 20 }), async (values) => {
        const rows = await database.query<{ v: unknown }>(
          new Sql(
            [`SELECT v FROM unnest(`, `::${type}[]) WITH ORDINALITY AS u(v, n) ORDER BY n`],
            [binaryArray(type, values)],
          ),
        );
        expect(rows.map(({ v }) => v)).toEqual(values);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a database', () => {
  it('rolls a failed transaction back', async () => {
    await database.query(sql`CREATE TABLE t (n int)`);
    const failed = database.transaction(async (connection) => {
      await connection.query(sql`INSERT INTO t VALUES (1)`);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await database.query(sql`SELECT * FROM t`)).toEqual([]);
  });

  it('goes on after a statement that failed', async () => {
    await expect(database.query(sql`SELECT 1 / 0`)).rejects.toThrow('division by zero');
    expect(await database.query(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
  });
});

describe('row-level security', () => {
  const mine = 'aaaaaaaa-0000-4000-8000-000000000001';
  const theirs = 'bbbbbbbb-0000-4000-8000-000000000002';

  it('shows an owner its own rows, and without an owner none, whatever the application asks', async () => {
    for (const owner of [mine, theirs]) {
      await database.query(
        sql`INSERT INTO blobs (owner_id, sha256, bytes, content) VALUES (${owner}, ${Buffer.from(owner)}, 1, ${Buffer.from('x')})`,
      );
    }
    const application = new Database({ url: database.options.url, max: 1, role: 'makima_app' });
    try {
      const seen = (owner: string): Promise<readonly { owner_id: string }[]> =>
        application.asOwner(owner, (connection) => connection.query(sql`SELECT owner_id FROM blobs`));
      expect(await application.query(sql`SELECT owner_id FROM blobs`)).toEqual([]);
      expect(await seen(mine)).toEqual([{ owner_id: mine }]);
      expect(await seen(theirs)).toEqual([{ owner_id: theirs }]);
      await application.query(sql`RESET ROLE`);
      expect(await seen(mine)).toEqual([{ owner_id: mine }]);
      await expect(application.query(sql`DELETE FROM blobs`)).rejects.toThrow('permission denied');
      const [role] = await application.query(
        sql`SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user`,
      );
      expect(role).toEqual({ rolsuper: false, rolbypassrls: false });
    } finally {
      await application.close();
    }
    // Negative control: the owner of the tables sees both, so it is the role that hides them.
    expect(await database.query(sql`SELECT owner_id FROM blobs`)).toHaveLength(2);
  });
});
