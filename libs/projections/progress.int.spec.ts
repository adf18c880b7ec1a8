import { setTimeout as delay } from 'node:timers/promises';
import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { Progress } from './progress.js';

const FOLLOWERS = 200;
/** Without news a follower looks every two seconds. */
const MOVES = 5;

let test: TestDatabase;
let stop: AbortController;
let looks: number;
let position: bigint;

/** A process that moves nothing itself. */
function follower(): Progress {
  const lowest = async (): Promise<bigint> => {
    looks += 1;
    return position;
  };
  const standsBelow = (): boolean => false;
  return new Progress({ lowest, reflected: lowest, standsBelow, stopped: stop.signal }, test.url);
}

beforeEach(async () => {
  test = await testDatabase();
  stop = new AbortController();
  looks = 0;
  position = 1n;
});
afterEach(async () => {
  stop.abort();
  await test.drop();
});

describe('those who follow the projections in a process that does not move them', () => {
  it('look together, hear of every move, and look once for each', async () => {
    const [moving, here] = [follower(), follower()];
    moving.listen();
    here.listen();
    const seen = Array.from({ length: FOLLOWERS }, () => 0n);
    const following = seen.map(async (_, index) => {
      for await (const now of here.positions(stop.signal, [])) seen[index] = now;
    });
    const everybodySees = async (): Promise<void> => {
      while (!seen.every((one) => one === position)) await delay(5);
    };
    await everybodySees();
    // Until the listeners are connected, a follower hears nothing and looks by itself.
    for (const deadline = Date.now() + 10_000; ;) {
      position += 1n;
      moving.announce();
      const moved = performance.now();
      await everybodySees();
      if (performance.now() - moved < 500 || Date.now() > deadline) break;
    }

    looks = 0;
    const start = performance.now();
    for (let move = 0; move < MOVES; move += 1) {
      position += 1n;
      moving.announce();
      await everybodySees();
    }
    expect(performance.now() - start).toBeLessThan(MOVES * 1_000);
    // Each move is looked for once or, where two announcements meet, twice.
    expect(looks).toBeLessThanOrEqual(3 * MOVES);

    looks = 0;
    await delay(3_000);
    expect(looks).toBeLessThanOrEqual(6);
    stop.abort();
    await Promise.all(following);
    await Promise.all([moving.close(), here.close()]);
  }, 60_000);

  it('find out by themselves when no news comes', async () => {
    const here = follower();
    const positions = here.positions(stop.signal, [])[Symbol.asyncIterator]();
    expect(await positions.next()).toEqual({ done: false, value: 1n });
    const next = positions.next();
    position = 2n;
    expect(await next).toEqual({ done: false, value: 2n });
  });

  it('look again after a look that failed', async () => {
    let fails = true;
    const lowest = async (): Promise<bigint> => {
      if (fails) throw new Error('no database');
      return 7n;
    };
    const here = new Progress(
      { lowest, reflected: lowest, standsBelow: () => false, stopped: stop.signal },
      test.url,
    );
    const first = () => here.positions(stop.signal, [])[Symbol.asyncIterator]().next();
    await expect(first()).rejects.toThrow('no database');
    fails = false;
    expect(await first()).toEqual({ done: false, value: 7n });
  });
});
