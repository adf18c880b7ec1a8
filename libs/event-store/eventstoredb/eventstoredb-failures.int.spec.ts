import { EventStoreDbServer } from '#libs/testing/eventstoredb-server.js';
import { RecordedLog } from '#libs/testing/eventstoredb/recorded-log.js';
import { EventStoreDBClient, NO_STREAM, binaryEvent, jsonEvent } from '@eventstore/db-client';
import { expectChain } from '../contract/concurrency.contract.js';
import {
  event,
  events,
  idsOf,
  newStream,
  oneTo,
  rejection,
  versionsOf,
} from '../contract/fixtures.contract.js';
import { AppendTooLarge, EventIdConflict, LogOverloaded } from '../event-store.js';
import { EventStoreDbEventStore, type EventStoreDbOptions } from './eventstoredb-event-store.js';

/** What only this engine can do wrong. The server is the small one; it is told when to fail. */
describe('EventStoreDB adapter in trouble', () => {
  let server: EventStoreDbServer;
  const stores: EventStoreDbEventStore[] = [];

  const open = async (options: Partial<EventStoreDbOptions> = {}): Promise<EventStoreDbEventStore> => {
    const store = await EventStoreDbEventStore.open({ url: server.url, ...options });
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

  it.each([
    ['before the server wrote', 'before-write'],
    ['after the server wrote', 'before-answer'],
  ] as const)('writes once when the connection is lost %s', async (_, fault) => {
    const store = await open();
    const stream = newStream();
    for (const expected of [0, 2, 'any'] as const) {
      server.failNextAppends(fault);
      const written = events(2);
      const result = await store.append(stream, written, { expected });
      const stored = await store.readStream(stream, { after: result.version - 2 });
      expect(idsOf(stored)).toEqual(idsOf(written));
      expect(result).toEqual({ version: stored[1]!.version, position: stored[1]!.position, repeated: false });
    }
    expectChain(await store.readStream(stream));
    expect(await store.readStream(stream)).toHaveLength(6);
  });

  it('writes once when the connection is lost again and again', async () => {
    const store = await open();
    const stream = newStream();
    server.failNextAppends('before-write', 'before-answer', 'before-answer', 'before-write');
    expect(await store.append(stream, events(3), { expected: 0 })).toMatchObject({
      version: 3,
      repeated: false,
    });
    expect(await store.append(stream, events(1), { expected: 3 })).toMatchObject({ version: 4 });
    expectChain(await store.readStream(stream));
  });

  it('says that the outcome is unknown when no answer comes, and the repetition finds out', async () => {
    const store = await open({ giveUpMs: 200 });
    const stream = newStream();
    await store.append(stream, events(1), { expected: 0 });
    const written = events(2);
    server.stop();
    const error = await rejection(store.append(stream, written, { expected: 1 }));
    expect(String(error)).toContain('not known');
    await server.start();
    expect(await store.append(stream, written, { expected: 1 })).toMatchObject({ version: 3 });
    expect(await store.append(stream, written, { expected: 1 })).toMatchObject({
      version: 3,
      repeated: true,
    });
    expectChain(await store.readStream(stream));
  });

  it('loses and doubles nothing when the server goes away under load and comes back', async () => {
    const store = await open({ pollMs: 100 });
    const streams = oneTo(8).map(() => newStream());
    const acknowledged: string[] = [];
    const seen: string[] = [];
    const controller = new AbortController();
    const following = (async () => {
      for (let after = 0n; !controller.signal.aborted;) {
        try {
          for await (const batch of store.subscribe({ after, signal: controller.signal, batchSize: 20 })) {
            seen.push(...idsOf(batch));
            after = batch.at(-1)?.position ?? after;
          }
        } catch {
          // The consumer goes on where it was, as the port says.
        }
      }
    })();
    const writing = Promise.all(
      streams.map(async (stream) => {
        for (let round = 0; round < 30; round += 1) {
          const written = events(1 + (round % 2));
          await store.append(stream, written, { expected: 'any' });
          acknowledged.push(...idsOf(written));
        }
      }),
    );
    for (let cuts = 0; cuts < 3; cuts += 1) {
      const before = acknowledged.length;
      while (acknowledged.length < before + 30) await new Promise((resolve) => setTimeout(resolve, 1));
      server.stop();
      await server.start();
    }
    await writing;
    while (seen.length < acknowledged.length) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    await following;
    expect(seen.toSorted()).toEqual(acknowledged.toSorted());
    for (const stream of streams) expectChain(await store.readStream(stream));
  }, 60_000);

  it('starts a dropped wake-up subscription anew', async () => {
    const [store, other] = [await open({ pollMs: 600_000 }), await open()];
    const controller = new AbortController();
    const subscription = store.subscribe({ after: await store.head(), signal: controller.signal });
    const batches = subscription[Symbol.asyncIterator]();
    await batches.next();
    for (let drops = 0; drops < 3; drops += 1) {
      server.dropSubscriptions();
      const next = batches.next();
      const written = event();
      await other.append(newStream(), [written], { expected: 0 });
      const { value } = await next;
      expect(value).toMatchObject([{ id: written.id }]);
    }
    controller.abort();
  });

  it('never uses batch append, with which one lost connection fails the callers of all others', async () => {
    const store = await open();
    await store.append(newStream(), events(3), { expected: 0 });
    expect(server.callsOf('append')).toBe(1);
    expect(server.callsOf('batchAppend')).toBe(0);
    const plain = EventStoreDBClient.connectionString(server.url);
    await plain.appendToStream(newStream(), jsonEvent({ type: 'T', data: {} }));
    expect(server.callsOf('batchAppend')).toBe(1);
    await plain.dispose();
  });

  it('gives events another id on the server, because the server compares nothing but ids', async () => {
    const plain = EventStoreDBClient.connectionString(server.url);
    const id = event().id;
    const [stream, ours] = [newStream(), newStream()];
    const one = (body: string) => binaryEvent({ id, type: 'T', data: Buffer.from(body) });
    const first = await plain.appendToStream(stream, one('one'), { expectedRevision: NO_STREAM });
    const second = await plain.appendToStream(stream, one('another'), { expectedRevision: NO_STREAM });
    expect(second).toEqual(first);
    const [here, there] = [await open(), await open()];
    await here.append(ours, [event({ id, body: Buffer.from('one') })], { expected: 0 });
    const other = there.append(ours, [event({ id, body: Buffer.from('another') })], { expected: 0 });
    await expect(other).rejects.toThrow(EventIdConflict);
    await plain.dispose();
  });

  it('refuses appends beyond its queue and writes nothing of them', async () => {
    const store = await open({ maxWaiting: 5 });
    const stream = newStream();
    const attempts = await Promise.allSettled(
      oneTo(20).map(() => store.append(stream, events(1), { expected: 'any' })),
    );
    const refused = attempts.filter((attempt) => attempt.status === 'rejected');
    expect(refused).toHaveLength(15);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(LogOverloaded);
    expect(versionsOf(await store.readStream(stream))).toEqual(oneTo(5));
    expect(await store.append(stream, events(1), { expected: 5 })).toMatchObject({ version: 6 });
  });

  it('refuses appends beyond the bytes of its queue', async () => {
    const store = await open({ maxWaitingBytes: 1_500_000 });
    const large = () => [event({ body: Buffer.alloc(700_000, 'a') })];
    const attempts = await Promise.allSettled(
      oneTo(5).map(() => store.append(newStream(), large(), { expected: 0 })),
    );
    const refused = attempts.filter((attempt) => attempt.status === 'rejected');
    expect(refused).toHaveLength(3);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(LogOverloaded);
    expect(await store.append(newStream(), large(), { expected: 0 })).toMatchObject({ version: 1 });
  });

  it('goes on from what the server holds when that went back to a backup', async () => {
    const store = await open();
    const stream = newStream();
    const kept = events(2);
    await store.append(stream, kept, { expected: 0 });
    await store.append(stream, events(3), { expected: 2 });
    const { port } = server;
    server.stop();
    server = await new EventStoreDbServer(new RecordedLog(), port).start();
    const other = await open();
    await other.append(stream, kept, { expected: 0 });
    expect(await store.append(stream, events(1), { expected: 'any' })).toMatchObject({ version: 3 });
    expect(await rejection(store.append(stream, events(1), { expected: 5 }))).toMatchObject({ actual: 3 });
    expectChain(await store.readStream(stream));
  });

  it('answers in its own words when a server takes less in one append', async () => {
    server.stop();
    server = await new EventStoreDbServer(new RecordedLog({ maxAppendBytes: 10_000 })).start();
    const store = await open();
    const stream = newStream();
    const large = [event({ body: Buffer.alloc(20_000, 'a') })];
    await expect(store.append(stream, large, { expected: 0 })).rejects.toThrow(AppendTooLarge);
    expect(await store.append(stream, events(1), { expected: 0 })).toMatchObject({ version: 1 });
  });

  it('knows the ids of streams that it had to forget', async () => {
    const store = await open({ maxIds: 50 });
    const streams = oneTo(10).map(() => newStream());
    const firsts = new Map(streams.map((stream) => [stream, events(6)]));
    for (const [stream, written] of firsts) await store.append(stream, written, { expected: 0 });
    for (const [stream, written] of firsts) {
      await store.append(stream, events(6), { expected: 6 });
      expect(await store.append(stream, written, { expected: 12 })).toMatchObject({
        version: 6,
        repeated: true,
      });
    }
    for (const stream of streams) expectChain(await store.readStream(stream));
  });

  it('finds a server through gossip', async () => {
    const store = await open({ url: `esdb+discover://127.0.0.1:${server.port}?tls=false` });
    expect(await store.append(newStream(), events(1), { expected: 0 })).toMatchObject({ version: 1 });
  });
});
