import { getEventListeners, getMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { StoredEvent } from './event-store.js';
import { Signal, pullSubscription, type PullSource } from './pull-subscription.js';

const LONG_MS = 600_000;
const never = new AbortController().signal;

/** Whether a promise settles within a few turns of the event loop. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.finally(() => (settled = true));
  for (let turns = 0; turns < 5; turns += 1) await turn();
  return settled;
}

const stored = (position: bigint): StoredEvent => ({
  id: `event ${position}`,
  type: 'T',
  schemaVersion: 1,
  metadata: { actor: { kind: 'system', id: 'test' }, ownerId: '', occurredAt: '' },
  body: new Uint8Array(),
  stream: 'task-1',
  version: Number(position),
  position,
  recordedAt: new Date(0),
  metadataBytes: new Uint8Array(),
  bodyHash: new Uint8Array(),
  hash: new Uint8Array(),
});

describe('Signal', () => {
  it('wakes all who wait', async () => {
    const signal = new Signal();
    const waits = [signal.wait(LONG_MS, never), signal.wait(LONG_MS, never)];
    expect(await settles(Promise.race(waits))).toBe(false);
    signal.notify();
    expect(await settles(Promise.all(waits))).toBe(true);
  });

  it('does not let a call be missed between looking and waiting', async () => {
    const signal = new Signal();
    const seen = signal.count;
    signal.notify();
    expect(await settles(signal.wait(LONG_MS, never, seen))).toBe(true);
    const waiting = signal.wait(LONG_MS, never);
    expect(await settles(waiting)).toBe(false);
    signal.notify();
    await waiting;
  });

  it('ends a wait after its time and when it is aborted', async () => {
    const signal = new Signal();
    await signal.wait(1, never);
    const controller = new AbortController();
    const waiting = signal.wait(LONG_MS, controller.signal);
    controller.abort();
    expect(await settles(waiting)).toBe(true);
    expect(await settles(signal.wait(LONG_MS, controller.signal))).toBe(true);
  });
});

describe('pullSubscription', () => {
  const sourceOf = (log: StoredEvent[], closing = new AbortController()) => ({
    readAll: counted((after: bigint, limit: number) => log.filter((e) => e.position > after).slice(0, limit)),
    wakeUp: new Signal(),
    closing: closing.signal,
    pollMs: LONG_MS,
  });

  /** A readAll that counts its calls. */
  function counted(read: (after: bigint, limit: number) => StoredEvent[]) {
    const readAll: PullSource['readAll'] & { calls?: number } = async ({ after, limit }) => {
      readAll.calls = (readAll.calls ?? 0) + 1;
      return read(after, limit);
    };
    return readAll;
  }

  it('reads a page only when its consumer asks for one', async () => {
    const source = sourceOf([1n, 2n, 3n, 4n].map(stored));
    const batches = pullSubscription(source, { after: 0n, signal: never, batchSize: 2 });
    expect(source.readAll.calls).toBeUndefined();
    await batches.next();
    expect(await settles(turn())).toBe(true);
    expect(source.readAll.calls).toBe(1);
    await batches.next();
    expect(source.readAll.calls).toBe(2);
  });

  it('misses no wake-up that comes while it reads', async () => {
    const log = [stored(1n)];
    const source = sourceOf(log);
    const readAll: PullSource['readAll'] = async (options) => {
      const page = await source.readAll(options);
      // Appended after the page was read and before the subscription waits.
      if (page.length === 0 && log.length < 2) {
        log.push(stored(2n));
        source.wakeUp.notify();
      }
      return page;
    };
    const batches = pullSubscription({ ...source, readAll }, { after: 1n, signal: never });
    expect((await batches.next()).value).toEqual([]);
    expect((await batches.next()).value).toEqual([stored(2n)]);
  });

  it('ends when the store closes, and does not begin on a closed one', async () => {
    const closing = new AbortController();
    const source = sourceOf([], closing);
    const batches = pullSubscription(source, { after: 0n, signal: never });
    await batches.next();
    const waiting = batches.next();
    expect(await settles(waiting)).toBe(false);
    closing.abort();
    expect((await waiting).done).toBe(true);
    await expect(pullSubscription(source, { after: 0n, signal: never }).next()).rejects.toThrow('closed');
  });

  it('ends with the error of a read, but not when it was told to end meanwhile', async () => {
    const controller = new AbortController();
    const broken: PullSource = { ...sourceOf([]), readAll: () => Promise.reject(new Error('gone')) };
    await expect(pullSubscription(broken, { after: 0n, signal: never }).next()).rejects.toThrow('gone');
    const late: PullSource = {
      ...broken,
      readAll: () => {
        controller.abort();
        return Promise.reject(new Error('gone'));
      },
    };
    expect((await pullSubscription(late, { after: 0n, signal: controller.signal }).next()).done).toBe(true);
  });

  it('lets many subscriptions share a signal and a store', async () => {
    const [controller, closing] = [new AbortController(), new AbortController()];
    const source = sourceOf([], closing);
    const waits = Array.from({ length: 40 }, async () => {
      const batches = pullSubscription(source, { after: 0n, signal: controller.signal });
      await batches.next();
      return batches.next();
    });
    for (let turns = 0; turns < 10; turns += 1) await turn();
    // Node warns of a leak beyond a signal's most listeners (by default 10).
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(40);
    expect(getMaxListeners(controller.signal)).toBe(Infinity);
    expect(getEventListeners(closing.signal, 'abort')).toHaveLength(1);
    controller.abort();
    for (const { done } of await Promise.all(waits)) expect(done).toBe(true);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });
});
