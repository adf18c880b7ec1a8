import {
  BACKWARDS,
  END,
  EventStoreDBClient,
  NO_STREAM,
  STREAM_EXISTS,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
  binaryEvent,
  jsonEvent,
  streamNameFilter,
} from '@eventstore/db-client';
import { EventStoreDbServer } from './eventstoredb-server.js';
import { dockerAnswers } from './eventstoredb/real-server.js';
import { createServer } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const event = (number: number) => jsonEvent({ type: `T${number % 3}`, data: { number, text: 'žluť 漢字' } });
const events = (count: number) => Array.from({ length: count }, (_, number) => event(number));

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The small server, as the vendor's client sees it when it is used as the vendor's documentation says. */
describe('small EventStoreDB server', () => {
  let server: EventStoreDbServer;
  let client: EventStoreDBClient;

  /** What the stream shows, as the numbers in its events. */
  const numbersOf = async (stream: string, options: Parameters<EventStoreDBClient['readStream']>[1] = {}) =>
    (await collect(client.readStream(stream, options))).map(
      (read) => (read.event?.data as { number: number }).number,
    );

  beforeAll(async () => {
    server = await new EventStoreDbServer().start();
    client = EventStoreDBClient.connectionString(server.url);
  });
  afterAll(async () => {
    await client.dispose();
    server.stop();
  });

  it('appends in batches and by single calls', async () => {
    const batch = await client.appendToStream('append', events(3), { expectedRevision: NO_STREAM });
    expect(batch).toMatchObject({ success: true, nextExpectedRevision: 2n });
    const credentials = { username: 'admin', password: 'changeit' };
    const single = await client.appendToStream('append', event(3), { expectedRevision: 2n, credentials });
    expect(single).toMatchObject({ success: true, nextExpectedRevision: 3n });
    expect(single.position!.commit > batch.position!.commit).toBe(true);
    expect([server.callsOf('batchAppend'), server.callsOf('append')]).toEqual([1, 1]);
    expect(await numbersOf('append')).toEqual([0, 1, 2, 3]);
  });

  it.each([
    ['batch append', {}],
    ['append', { credentials: { username: 'admin', password: 'changeit' } }],
  ])('checks the expected revision of %s', async (name, options) => {
    const stream = `expected by ${name}`;
    await client.appendToStream(stream, events(2), { expectedRevision: NO_STREAM, ...options });
    for (const expectedRevision of [NO_STREAM, 0n, 5n] as const) {
      const refused = client.appendToStream(stream, event(9), { expectedRevision, ...options });
      await expect(refused).rejects.toThrow(WrongExpectedVersionError);
      await expect(refused).rejects.toMatchObject({ actualVersion: 1n });
    }
    const absent = client.appendToStream('absent', event(1), { expectedRevision: STREAM_EXISTS, ...options });
    await expect(absent).rejects.toMatchObject({ actualVersion: 'no_stream' });
    await client.appendToStream(stream, event(2), { expectedRevision: STREAM_EXISTS, ...options });
    expect(await numbersOf(stream)).toEqual([0, 1, 2]);
  });

  it('takes the same ids at the same place for a repetition', async () => {
    const written = events(2);
    const first = await client.appendToStream('again', written, { expectedRevision: NO_STREAM });
    await client.appendToStream('again', event(7), { expectedRevision: 1n });
    expect(await client.appendToStream('again', written, { expectedRevision: NO_STREAM })).toEqual(first);
    expect(await client.appendToStream('again', written)).toEqual(first);
    await expect(client.appendToStream('again', written, { expectedRevision: 0n })).rejects.toThrow();
    expect(await numbersOf('again')).toEqual([0, 1, 7]);
  });

  it('refuses an append of more than one mebibyte', async () => {
    const large = binaryEvent({ type: 'T', data: Buffer.alloc(1024 * 1024) });
    await expect(client.appendToStream('large', large)).rejects.toMatchObject({
      type: 'maximum-append-size-exceeded',
    });
  });

  it('reads forwards and backwards, from a revision and a number of events', async () => {
    await client.appendToStream('read', events(5));
    expect(await numbersOf('read', { fromRevision: 3n })).toEqual([3, 4]);
    expect(await numbersOf('read', { maxCount: 2 })).toEqual([0, 1]);
    expect(await numbersOf('read', { direction: BACKWARDS, fromRevision: END, maxCount: 2 })).toEqual([4, 3]);
    expect(await numbersOf('read', { direction: BACKWARDS, fromRevision: 1n })).toEqual([1, 0]);
    await expect(numbersOf('never written')).rejects.toThrow(StreamNotFoundError);
  });

  it('keeps binary data, metadata, unicode names and the time', async () => {
    const data = Buffer.from([0, 255, 0xed, 0xa0, 0x80]);
    const before = Date.now() - 1;
    await client.appendToStream(
      'žluť 漢字',
      binaryEvent({ type: 'Zpráva', data, metadata: { of: 'metadata' } }),
    );
    const [{ event: read } = {}] = await collect(client.readStream('žluť 漢字'));
    expect(read).toMatchObject({
      streamId: 'žluť 漢字',
      type: 'Zpráva',
      isJson: false,
      metadata: { of: 'metadata' },
    });
    expect(Buffer.compare(read?.data as Uint8Array, data)).toBe(0);
    expect(read?.created.getTime()).toBeGreaterThan(before);
  });

  it('reads the log from a position: inclusive forwards, exclusive backwards', async () => {
    await client.appendToStream('in the log', events(4));
    const all = await collect(client.readAll());
    expect(all).toHaveLength(server.log.all.length);
    const middle = all[all.length - 3]!.event!;
    const idsOf = (page: typeof all) => page.map((read) => read.event?.id);
    expect(idsOf(await collect(client.readAll({ fromPosition: middle.position })))).toEqual(
      idsOf(all.slice(-3)),
    );
    const back = await collect(
      client.readAll({ direction: BACKWARDS, fromPosition: middle.position, maxCount: 2 }),
    );
    expect(idsOf(back)).toEqual(idsOf(all.slice(-5, -3).toReversed()));
  });

  it('deletes softly and goes on with the next revision', async () => {
    await client.appendToStream('soft', events(2));
    await client.deleteStream('soft');
    await expect(numbersOf('soft')).rejects.toThrow(StreamNotFoundError);
    const again = await client.appendToStream('soft', event(5), { expectedRevision: NO_STREAM });
    expect(again.nextExpectedRevision).toBe(2n);
    expect(await numbersOf('soft')).toEqual([5]);
  });

  it('deletes for ever', async () => {
    await client.appendToStream('tombstone', event(0));
    await expect(client.tombstoneStream('tombstone', { expectedRevision: 4n })).rejects.toThrow(
      WrongExpectedVersionError,
    );
    await client.tombstoneStream('tombstone', { expectedRevision: 0n });
    await expect(numbersOf('tombstone')).rejects.toThrow(StreamDeletedError);
    await expect(client.appendToStream('tombstone', event(1))).rejects.toThrow(StreamDeletedError);
  });

  it('truncates by stream metadata', async () => {
    await client.appendToStream('truncated', events(4));
    await client.setStreamMetadata('truncated', { truncateBefore: 2 });
    expect(await numbersOf('truncated')).toEqual([2, 3]);
  });

  it('subscribes to the log and to a stream: catches up, says so, follows', async () => {
    await client.appendToStream('followed', events(2));
    const ofLog = client.subscribeToAll({ filter: streamNameFilter({ prefixes: ['followed'] }) });
    const ofStream = client.subscribeToStream('followed', { fromRevision: 0n });
    const caughtUp = new Promise((resolve) => ofLog.on('caughtUp', () => resolve('caught up')));
    const take = async (subscription: AsyncIterable<{ event?: { data: unknown } }>, count: number) => {
      const taken: unknown[] = [];
      for await (const { event: read } of subscription) if (taken.push(read?.data) === count) break;
      return taken;
    };
    const [fromLog, fromStream] = [take(ofLog, 4), take(ofStream, 3)];
    expect(await caughtUp).toBe('caught up');
    await client.appendToStream('not followed', events(1));
    await client.appendToStream('followed', [event(2), event(3)]);
    expect(await fromLog).toMatchObject([0, 1, 2, 3].map((number) => ({ number })));
    expect(await fromStream).toMatchObject([1, 2, 3].map((number) => ({ number })));
    await Promise.all([ofLog.unsubscribe(), ofStream.unsubscribe()]);
  });

  it('is found through gossip, and keeps its log over a restart on the same port', async () => {
    await client.appendToStream('kept', events(2));
    const { url } = server;
    server.stop();
    await server.start();
    expect(server.url).toBe(url);
    const other = EventStoreDBClient.connectionString(`esdb+discover://127.0.0.1:${server.port}?tls=false`);
    expect(await collect(other.readStream('kept'))).toHaveLength(2);
    await other.dispose();
  });
});

describe('looking for a Docker engine', () => {
  const { DOCKER_HOST } = process.env;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'docker-'));
  });
  afterAll(async () => {
    if (DOCKER_HOST === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = DOCKER_HOST;
    await rm(folder, { recursive: true });
  });

  it('does not take a socket without an engine for one, and does not wait for a silent one', async () => {
    process.env['DOCKER_HOST'] = `unix://${join(folder, 'none.sock')}`;
    expect(await dockerAnswers(1_000)).toBe(false);
    const silent = createServer().listen(join(folder, 'silent.sock'));
    process.env['DOCKER_HOST'] = `unix://${join(folder, 'silent.sock')}`;
    const started = Date.now();
    expect(await dockerAnswers(200)).toBe(false);
    expect(Date.now() - started).toBeLessThan(5_000);
    silent.close();
    process.env['DOCKER_HOST'] = 'ssh://somewhere';
    expect(await dockerAnswers(200)).toBe(false);
  });

  it('recognises one that answers', async () => {
    const engine = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'));
    }).listen(join(folder, 'engine.sock'));
    process.env['DOCKER_HOST'] = `unix://${join(folder, 'engine.sock')}`;
    expect(await dockerAnswers(2_000)).toBe(true);
    engine.close();
  });
});
