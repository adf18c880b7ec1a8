import { setTimeout as delay } from 'node:timers/promises';
import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { tcpProxy, type TcpProxy } from '#libs/testing/tcp-proxy.js';
import { closed, PATIENT, type Timeouts } from './connection.js';
import { Database, isConnectionError, isTooSlow } from './database.js';
import { sql } from './sql.js';

const SHORT: Timeouts = { connectMs: 400, statementMs: 500 };
/** Far more than all the timeouts together, and far less than TCP takes to give up. */
const SOON = 5_000;

let test: TestDatabase;
let proxy: TcpProxy;
let opened: Database[];

const open = (timeouts: Timeouts): Database => {
  const database = new Database({ url: proxy.url, max: 2, timeouts });
  opened.push(database);
  return database;
};
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(() => undefined).catch((e: unknown) => e);
const one = (database: Database): Promise<unknown> => database.query(sql`SELECT 1 AS one`);

beforeEach(async () => {
  test = await testDatabase();
  proxy = await tcpProxy(test.url);
  opened = [];
});
afterEach(async () => {
  await proxy.close();
  await Promise.all(opened.map((database) => database.close()));
  await test.drop();
});

describe('a database that gives no answer', () => {
  it('fails what waits for it, soon, and what comes next, until it is there again', async () => {
    const database = open(SHORT);
    await one(database);
    proxy.swallow();
    const start = performance.now();
    const withConnection = await failure(one(database));
    const withoutOne = await failure(database.transaction((connection) => connection.query(sql`SELECT 1`)));
    expect(performance.now() - start).toBeLessThan(SOON);
    expect([withConnection, withoutOne].map(isConnectionError)).toEqual([true, true]);
    proxy.pass();
    expect(await one(database)).toEqual([{ one: 1 }]);
  });

  it('would be waited for otherwise (negative control)', async () => {
    const database = open({ connectMs: 0, statementMs: 0 });
    await one(database);
    proxy.swallow();
    const waiting = failure(one(database)).then(() => 'failed');
    expect(await Promise.race([waiting, delay(1_500, 'waits')])).toBe('waits');
  });

  it('does not keep anybody from stopping', async () => {
    const database = open(SHORT);
    await one(database);
    proxy.swallow();
    await closed(database.close(), 200);
  });
});

describe('a statement that takes too long', () => {
  it('is ended by the server, and the connection goes on', async () => {
    const database = open(SHORT);
    const error = await failure(database.query(sql`SELECT pg_sleep(30)`));
    expect([isTooSlow(error), isConnectionError(error)]).toEqual([true, false]);
    expect(await one(database)).toEqual([{ one: 1 }]);
  });

  it('may take its time where nobody waits', async () => {
    await open({ ...PATIENT, connectMs: 400 }).query(
      sql`SELECT pg_sleep(${SHORT.statementMs / 1_000 + 0.3})`,
    );
  });
});

it('takes the locks back of a transaction that nobody goes on with', async () => {
  const [forgetful, other] = [open(SHORT), open(PATIENT)];
  await other.query(sql`CREATE TABLE locked (n int)`);
  const leave = new AbortController();
  const forgotten = forgetful.transaction(async (connection) => {
    await connection.query(sql`LOCK TABLE locked`);
    await delay(60_000, undefined, { signal: leave.signal }).catch(() => undefined);
  });
  await other.query(sql`SELECT pg_sleep(0.1)`);
  await other.query(sql`INSERT INTO locked VALUES (1)`);
  leave.abort();
  expect(isConnectionError(await failure(forgotten))).toBe(true);
});
