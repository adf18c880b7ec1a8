import { newId } from '#libs/kernel/ids.js';
import type { EventStore, StoredEvent, SubscribeOptions } from '../event-store.js';
import { event, events, idsOf, newStream, type Log } from './fixtures.contract.js';

type Batches = AsyncIterator<readonly StoredEvent[]>;

/** A subscription and the switch that ends it. */
function subscribe(
  store: EventStore,
  options: Omit<SubscribeOptions, 'signal'>,
): { batches: Batches; abort: () => void } {
  const controller = new AbortController();
  const batches = store.subscribe({ ...options, signal: controller.signal })[Symbol.asyncIterator]();
  return { batches, abort: () => controller.abort() };
}

/** The next events until there are `count`, without the empty batch. */
async function take(batches: Batches, count: number): Promise<StoredEvent[]> {
  const taken: StoredEvent[] = [];
  while (taken.length < count) {
    const { value, done } = await batches.next();
    if (done) throw new Error(`the subscription ended after ${taken.length} of ${count} events`);
    taken.push(...value);
  }
  return taken;
}

/** Events until the empty batch that says that the head was reached. */
async function catchUp(batches: Batches): Promise<StoredEvent[]> {
  const taken: StoredEvent[] = [];
  for (;;) {
    const { value, done } = await batches.next();
    if (done) throw new Error('the subscription ended before the head');
    if (value.length === 0) return taken;
    taken.push(...value);
  }
}

/** Catching up, following, resuming, ending. */
export function subscriptionCases(log: Log): void {
  describe('subscription', () => {
    it('catches up, says once that it reached the head, and follows', async () => {
      const { store } = log();
      const start = await store.head();
      const before = events(25);
      await store.append(newStream(), before, { expected: 0 });
      const { batches, abort } = subscribe(store, { after: start, batchSize: 10 });
      expect(idsOf(await catchUp(batches))).toEqual(idsOf(before));
      for (let round = 0; round < 5; round += 1) {
        const live = events(3);
        const next = batches.next();
        await store.append(newStream(), live, { expected: 0 });
        const { value } = await next;
        expect(idsOf(value as StoredEvent[])).toEqual(idsOf(live));
      }
      abort();
      expect(await batches.next()).toEqual({ value: undefined, done: true });
    });

    it('at the head says so with its first batch', async () => {
      const { store } = log();
      await store.append(newStream(), events(1), { expected: 0 });
      const { batches, abort } = subscribe(store, { after: await store.head() });
      expect(await batches.next()).toEqual({ value: [], done: false });
      abort();
      expect((await batches.next()).done).toBe(true);
    });

    it('resumes from a position without gap or repetition', async () => {
      const { store } = log();
      const start = await store.head();
      const written = events(40);
      const stream = newStream();
      const seen: string[] = [];
      let after = start;
      for (let at = 0; at < 40; at += 8) {
        await store.append(stream, written.slice(at, at + 8), { expected: at });
        const { batches, abort } = subscribe(store, { after, batchSize: 3 });
        const [first] = await take(batches, 1).then((batch) => [batch]);
        seen.push(...idsOf(first!));
        after = first!.at(-1)!.position;
        abort();
        expect((await batches.next()).done).toBe(true);
      }
      const { batches, abort } = subscribe(store, { after, batchSize: 7 });
      seen.push(...idsOf(await catchUp(batches)));
      abort();
      expect(seen).toEqual(idsOf(written));
    });

    it('ends when it is aborted while it waits', async () => {
      const { store } = log();
      const { batches, abort } = subscribe(store, { after: await store.head() });
      await batches.next();
      const waiting = batches.next();
      abort();
      expect((await waiting).done).toBe(true);
    });

    it('ends without an event when it was aborted before', async () => {
      const { store } = log();
      const start = await store.head();
      await store.append(newStream(), events(1), { expected: 0 });
      const { batches, abort } = subscribe(store, { after: start });
      abort();
      expect((await batches.next()).done).toBe(true);
    });

    it('ends when its consumer leaves, and the log goes on', async () => {
      const { store } = log();
      const start = await store.head();
      await store.append(newStream(), events(5), { expected: 0 });
      const controller = new AbortController();
      const seen: string[] = [];
      for await (const batch of store.subscribe({ after: start, signal: controller.signal, batchSize: 2 })) {
        seen.push(...idsOf(batch));
        if (seen.length >= 4) break;
      }
      expect(seen).toHaveLength(4);
      expect(await store.append(newStream(), events(1), { expected: 0 })).toMatchObject({ version: 1 });
    });

    it('hands no more over at once than was asked for', async () => {
      const { store } = log();
      const start = await store.head();
      await store.append(newStream(), events(23), { expected: 0 });
      const { batches, abort } = subscribe(store, { after: start, batchSize: 5 });
      const sizes: number[] = [];
      for (let seen = 0; seen < 23; seen += sizes.at(-1)!) sizes.push((await take(batches, 1)).length);
      abort();
      expect(Math.max(...sizes)).toBeLessThanOrEqual(5);
    });

    it('gives each of several subscribers everything', async () => {
      const { store, reopen } = log();
      const start = await store.head();
      const handles = [store, store, await reopen()];
      const subscriptions = handles.map((handle) => subscribe(handle, { after: start, batchSize: 4 }));
      const stream = newStream();
      const written = events(30);
      const reading = Promise.all(subscriptions.map(({ batches }) => take(batches, 30)));
      for (let at = 0; at < 30; at += 5)
        await store.append(stream, written.slice(at, at + 5), { expected: at });
      for (const seen of await reading) expect(idsOf(seen)).toEqual(idsOf(written));
      subscriptions.forEach(({ abort }) => abort());
    });

    it('hears of appends made through another handle', async () => {
      const { store, reopen } = log();
      const other = await reopen();
      const { batches, abort } = subscribe(store, { after: await store.head() });
      await batches.next();
      const waiting = batches.next();
      const written = event();
      await other.append(newStream(), [written], { expected: 0 });
      const { value } = await waiting;
      expect(idsOf(value as StoredEvent[])).toEqual([written.id]);
      abort();
    });

    it('loses nothing to a consumer that is slower than the writer, and delays no writer', async () => {
      const { store } = log();
      const start = await store.head();
      const { batches, abort } = subscribe(store, { after: start, batchSize: 50 });
      const stream = `slow-${newId()}`;
      const written = events(1_000);
      const seen: string[] = [];
      let finished = false;
      const writing = (async () => {
        for (let at = 0; at < 1_000; at += 20) {
          await store.append(stream, written.slice(at, at + 20), { expected: at });
        }
        finished = true;
      })();
      let lateBatches = 0;
      while (seen.length < 1_000) {
        const batch = await take(batches, 1);
        expect(batch.length).toBeLessThanOrEqual(50);
        seen.push(...idsOf(batch));
        // Slower than the writer by construction: the first batches are kept until everything is written.
        if (!finished) await writing;
        else lateBatches += 1;
      }
      abort();
      expect(seen).toEqual(idsOf(written));
      expect(lateBatches).toBeGreaterThan(10);
    }, 60_000);
  });
}
