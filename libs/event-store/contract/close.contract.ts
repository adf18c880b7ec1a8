import type { EventStore } from '../event-store.js';
import { event, events, idsOf, newStream, type LogFactory } from './fixtures.contract.js';

/** Each case has a log of its own, because closing ends it. */
export function closeCases(factory: LogFactory): void {
  describe('close', () => {
    it('waits for the appends under way', async () => {
      const log = await factory.open();
      const reader = await log.reopen();
      const streams = Array.from({ length: 20 }, () => newStream());
      const appends = streams.map((stream) => log.store.append(stream, events(2), { expected: 0 }));
      await log.store.close();
      for (const result of await Promise.all(appends)) expect(result).toMatchObject({ version: 2 });
      for (const stream of streams) expect(await reader.readStream(stream)).toHaveLength(2);
      await log.close();
    });

    const USES: readonly (readonly [string, (store: EventStore) => Promise<unknown>])[] = [
      ['append', (store) => store.append(newStream(), events(1), { expected: 0 })],
      ['readStream', (store) => store.readStream(newStream())],
      ['findEvents', (store) => store.findEvents(newStream(), idsOf(events(1)))],
      ['readAll', (store) => store.readAll({ after: 0n, limit: 1 })],
      ['head', (store) => store.head()],
      ['positionAt', (store) => store.positionAt(new Date())],
      ['subscribe', (store) => firstBatch(store)],
    ];

    it('makes every later use a clear error, and may be repeated', async () => {
      const log = await factory.open();
      await log.store.append(newStream(), events(1), { expected: 0 });
      await log.store.close();
      await log.store.close();
      for (const [, use] of USES) await expect(use(log.store)).rejects.toThrow('the event store is closed');
      await log.close();
    });

    it('ends subscriptions, those that wait and those that catch up', async () => {
      const log = await factory.open();
      await log.store.append(newStream(), events(5), { expected: 0 });
      const { signal } = new AbortController();
      const head = await log.store.head();
      const waiting = log.store.subscribe({ after: head, signal })[Symbol.asyncIterator]();
      const catchingUp = log.store.subscribe({ after: 0n, signal, batchSize: 1 })[Symbol.asyncIterator]();
      await waiting.next();
      await catchingUp.next();
      const next = waiting.next();
      await log.store.close();
      expect((await next).done).toBe(true);
      expect((await catchingUp.next()).done).toBe(true);
      await log.close();
    });

    it('leaves other handles and the log alone', async () => {
      const log = await factory.open();
      const stream = newStream();
      const written = event();
      await log.store.append(stream, [written], { expected: 0 });
      const other = await log.reopen();
      await log.store.close();
      expect(idsOf(await other.readStream(stream))).toEqual([written.id]);
      expect(await other.append(stream, events(1), { expected: 1 })).toMatchObject({ version: 2 });
      await log.close();
    });
  });
}

async function firstBatch(store: EventStore): Promise<unknown> {
  const subscription = store.subscribe({ after: 0n, signal: new AbortController().signal });
  return subscription[Symbol.asyncIterator]().next();
}
