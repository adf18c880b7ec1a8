import { EventStoreDbServer } from '#libs/testing/eventstoredb-server.js';
import { RecordedLog } from '#libs/testing/eventstoredb/recorded-log.js';
import { EventStoreDBClient, binaryEvent, jsonEvent } from '@eventstore/db-client';
import { events, idsOf, newStream } from '../contract/fixtures.contract.js';
import { EventUnreadable, LogCorrupt } from '../event-store.js';
import { EventStoreDbEventStore } from './eventstoredb-event-store.js';

/** The log has other tenants: the server itself, and other programs. Only what makima wrote is read. */
describe('EventStoreDB adapter on a shared server', () => {
  let server: EventStoreDbServer;
  const stores: EventStoreDbEventStore[] = [];

  const open = async (): Promise<EventStoreDbEventStore> => {
    const store = await EventStoreDbEventStore.open({ url: server.url });
    stores.push(store);
    return store;
  };

  beforeEach(async () => {
    server = await new EventStoreDbServer(new RecordedLog({ statisticsEvery: 3 })).start();
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    server.stop();
  });

  it("leaves out the server's own events and other programs'", async () => {
    const store = await open();
    const plain = EventStoreDBClient.connectionString(server.url);
    const foreign = async (): Promise<void> => {
      for (let count = 0; count < 90; count += 1) {
        await plain.appendToStream(newStream('foreign'), jsonEvent({ type: 'T', data: { count } }));
      }
    };
    await foreign();
    expect(await store.head()).toBe(0n);
    expect(await store.readAll({ after: 0n, limit: 10 })).toEqual([]);
    const [one, two] = [events(2), events(2)];
    await store.append(newStream(), one, { expected: 0 });
    await foreign();
    expect(await store.head()).toBe((await store.readAll({ after: 0n, limit: 9 })).at(-1)?.position);
    await store.append(newStream(), two, { expected: 0 });
    await foreign();
    const all = await store.readAll({ after: 0n, limit: 3 });
    expect(idsOf(all)).toEqual(idsOf([...one, two[0]!]));
    const rest = await store.readAll({ after: all[2]!.position, limit: 3 });
    expect(idsOf(rest)).toEqual([two[1]!.id]);
    expect(await store.head()).toBe(rest[0]!.position);
    expect(await store.positionAt(new Date(Date.now() + 1_000))).toBe(rest[0]!.position);
    await plain.dispose();
  });

  it('does not read over the same foreign events at the end of the log again and again', async () => {
    const store = await open();
    const plain = EventStoreDBClient.connectionString(server.url);
    await store.append(newStream(), events(1), { expected: 0 });
    for (let count = 0; count < 200; count += 1) {
      await plain.appendToStream(newStream('foreign'), jsonEvent({ type: 'T', data: { count } }));
    }
    const head = await store.head();
    await store.readAll({ after: head, limit: 10 });
    const reads = server.callsOf('read');
    for (let polls = 0; polls < 10; polls += 1) {
      await store.readAll({ after: head, limit: 10 });
      await store.head();
    }
    expect(server.callsOf('read')).toBe(reads + 20);
    await plain.dispose();
  });

  it('finds a time that it looked for before without walking back again', async () => {
    const store = await open();
    const stream = newStream();
    const first = await store.append(stream, events(1), { expected: 0 });
    const [{ recordedAt } = { recordedAt: new Date(0) }] = await store.readStream(stream);
    while (Date.now() <= recordedAt.getTime()) await new Promise((resolve) => setTimeout(resolve, 1));
    for (let at = 1; at < 8_000; at += 1_000) await store.append(stream, events(1_000), { expected: at });
    const readsOf = async (): Promise<number> => {
      const before = server.callsOf('read');
      expect(await store.positionAt(recordedAt)).toBe(first.position);
      return server.callsOf('read') - before;
    };
    const walk = await readsOf();
    expect(walk).toBeGreaterThan(8);
    expect(await readsOf()).toBeLessThan(4);
  }, 30_000);

  it('says that a stream of its own holds a foreign event, or was deleted', async () => {
    const store = await open();
    const plain = EventStoreDBClient.connectionString(server.url);
    const [mixed, deleted] = [newStream(), newStream()];
    for (const stream of [mixed, deleted]) await store.append(stream, events(2), { expected: 0 });
    await plain.appendToStream(mixed, jsonEvent({ type: 'T', data: {} }));
    await expect(store.readStream(mixed)).rejects.toThrow(LogCorrupt);
    await expect(store.append(mixed, events(1), { expected: 2 })).rejects.toThrow(LogCorrupt);
    await plain.tombstoneStream(deleted);
    await expect(store.append(deleted, events(1), { expected: 2 })).rejects.toThrow('is deleted');
    await expect(store.readStream(deleted)).rejects.toThrow('is deleted');
    await plain.dispose();
  });

  it('names an event whose metadata cannot be read', async () => {
    const store = await open();
    const plain = EventStoreDBClient.connectionString(server.url);
    const stream = newStream();
    const hash = Buffer.alloc(32).toString('base64');
    const metadata = { makima: 1, id: 'forged', schemaVersion: 1, metadata: '{', bodyHash: hash, hash };
    await plain.appendToStream(stream, binaryEvent({ type: 'T', data: Buffer.from('{}'), metadata }));
    await expect(store.readStream(stream)).rejects.toThrow(EventUnreadable);
    await expect(store.readAll({ after: 0n, limit: 10 })).rejects.toMatchObject({
      event: { id: 'forged', stream },
    });
    await plain.dispose();
  });
});
