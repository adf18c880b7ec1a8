import { isConnectionError } from '#libs/database/database.js';
import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { tcpProxy, type TcpProxy } from '#libs/testing/tcp-proxy.js';
import { event, events, json, newStream, oneTo } from '../contract/fixtures.contract.js';
import { LogOverloaded } from '../event-store.js';
import { PostgresEventStore } from './postgres-event-store.js';

const TIMEOUTS = { connectMs: 300, statementMs: 500 };
/** Far more than all the timeouts together, and far less than TCP takes to give up. */
const SOON = 8_000;

let test: TestDatabase;
let proxy: TcpProxy;
let store: PostgresEventStore;

beforeEach(async () => {
  test = await testDatabase();
  proxy = await tcpProxy(test.url);
  store = new PostgresEventStore({ url: proxy.url, timeouts: TIMEOUTS, maxWaitingBytes: 3_000_000 });
});
afterEach(async () => {
  await proxy.close();
  await store.close();
  await test.drop();
});

const outcomeOf = async (appending: Promise<unknown>): Promise<unknown> =>
  appending.then(() => 'written').catch((error: unknown) => error);

describe('a log whose database gives no answer', () => {
  it('refuses appends soon, and takes them again when it is back', async () => {
    const stream = newStream();
    await store.append(stream, events(1), { expected: 0 });
    proxy.swallow();
    const start = performance.now();
    const unclear = [events(1), events(1), events(1)];
    const first = outcomeOf(store.append(stream, unclear[0]!, { expected: 1 }));
    const others = unclear.slice(1).map((one) => outcomeOf(store.append(newStream(), one, { expected: 0 })));
    for (const error of [await first, ...(await Promise.all(others))])
      expect(isConnectionError(error) || error instanceof LogOverloaded).toBe(true);
    expect(isConnectionError(await outcomeOf(store.readStream(stream)))).toBe(true);
    expect(performance.now() - start).toBeLessThan(SOON);
    proxy.pass();
    // What was unclear can be sent again: it is written once.
    await store.append(stream, unclear[0]!, { expected: 1 });
    await store.append(stream, events(1), { expected: 2 });
    expect(await store.readStream(stream)).toHaveLength(3);
  }, 30_000);

  it('holds a few megabytes of what waits, and refuses the rest at once', async () => {
    await store.append(newStream(), events(1), { expected: 0 });
    proxy.swallow();
    const body = json('x'.repeat(800_000));
    const appends = oneTo(20).map(() =>
      outcomeOf(store.append(newStream(), [event({ body })], { expected: 0 })),
    );
    const refusedAtOnce = await Promise.race([
      Promise.all(appends.slice(-10)),
      new Promise((resolve) => setTimeout(resolve, TIMEOUTS.connectMs / 2, 'late')),
    ]);
    expect(refusedAtOnce).toEqual(oneTo(10).map(() => expect.any(LogOverloaded) as unknown));
    for (const error of await Promise.all(appends)) expect(error).toBeInstanceOf(Error);
  }, 30_000);
});
