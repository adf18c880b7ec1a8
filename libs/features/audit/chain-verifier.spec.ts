import { randomUUID } from 'node:crypto';
import { GENESIS, chainHash, contentDigest, metadataBytes, sha256 } from '#libs/event-store/event-hash.js';
import type { NewEvent, StoredEvent, StreamTail } from '#libs/event-store/event-store.js';
import { LogSearch } from '#libs/event-store/log-search.js';
import { MemoryEventStore, MemoryLog } from '#libs/event-store/memory/memory-event-store.js';
import type { VerificationResponse, VerifiedAnswer } from './audit.answers.dto.js';
import { ChainVerifier } from './chain-verifier.js';

const ownerId = randomUUID();
const other = randomUUID();

/** A log in memory whose record of its streams stands apart from the events, as on Postgres. */
class RecordedStore extends MemoryEventStore {
  recorded: StreamTail[] = [];
  override async tails(owner: string, stream?: string): Promise<readonly StreamTail[]> {
    const own = this.recorded.filter((tail) => (tail.stream === 'x' ? other : ownerId) === owner);
    return own.filter((tail) => stream === undefined || tail.stream === stream);
  }
}

let log: MemoryLog;
let store: RecordedStore;

const newEvent = (owner: string): NewEvent => ({
  id: randomUUID(),
  type: 'MessageRecorded',
  schemaVersion: 1,
  metadata: { actor: { kind: 'user', id: 'ada' }, ownerId: owner, occurredAt: '2026-01-01T00:00:00.000Z' },
  body: Buffer.from(JSON.stringify({ random: Math.random() })),
});

/** Streams a and b of the owner, and another owner's x, with ten events each, taking turns. */
beforeEach(async () => {
  log = new MemoryLog();
  store = new RecordedStore(log);
  for (let n = 0; n < 10; n += 1) {
    for (const [stream, owner] of [
      ['a', ownerId],
      ['b', ownerId],
      ['x', other],
    ] as const) {
      await store.append(stream, [newEvent(owner)], { expected: n });
    }
  }
  store.recorded = ['a', 'b', 'x'].map((stream) => {
    const { version, hash } = log.streams.get(stream)!.at(-1)!;
    return { stream, version, hash };
  });
});

async function run(stream?: string, owner = ownerId): Promise<VerificationResponse> {
  const verification = new ChainVerifier(store, new LogSearch(store), owner).run(stream);
  for (;;) {
    const step = await verification.next();
    if (step.done) return step.value;
  }
}

/** Puts another event in the place of one. */
function replace(stream: string, version: number, change: (event: StoredEvent) => StoredEvent): void {
  const events = log.streams.get(stream)!;
  const event = events.find((one) => one.version === version)!;
  const changed = change(event);
  events[events.indexOf(event)] = changed;
  log.events[log.events.indexOf(event)] = changed;
}

function removeLast(stream: string): void {
  const event = log.streams.get(stream)!.pop()!;
  log.events.splice(log.events.indexOf(event), 1);
}

const where = ({ ok, firstBroken }: VerificationResponse): unknown[] => [
  ok,
  firstBroken?.stream,
  firstBroken?.version,
  firstBroken?.reason,
];

it('an untouched log holds, for each owner', async () => {
  expect(await run()).toEqual({ ok: true, streams: 2, events: 20, position: '29' });
  expect(await run('a')).toEqual({ ok: true, streams: 1, events: 10, position: '28' });
  expect(await run(undefined, other)).toEqual({ ok: true, streams: 1, events: 10, position: '30' });
});

it('tells how far it is', async () => {
  const seen: VerifiedAnswer[] = [];
  const verification = new ChainVerifier(store, new LogSearch(store), ownerId).run();
  for (let step = await verification.next(); !step.done; step = await verification.next())
    seen.push(step.value);
  expect(seen.at(-1)).toEqual({ streams: 2, events: 20, position: '29' });
});

describe.each([
  ['the whole log', undefined],
  ['the stream', 'b'],
] as const)('verifying %s finds', (_name, stream) => {
  const verify = (): Promise<VerificationResponse> => run(stream);
  const meta = (event: StoredEvent, change: object): Pick<StoredEvent, 'metadata' | 'metadataBytes'> => {
    const metadata = { ...event.metadata, ...change };
    return { metadata, metadataBytes: metadataBytes(metadata) };
  };

  it.each<[string, (event: StoredEvent) => StoredEvent, string]>([
    ['a changed body', (e) => ({ ...e, body: Buffer.from('{}') }), 'body_changed'],
    ['an emptied body', (e) => ({ ...e, body: new Uint8Array() }), 'body_changed'],
    [
      'a body changed with its hash',
      (e) => ({ ...e, body: Buffer.from('{}'), bodyHash: sha256('{}') }),
      'content_changed',
    ],
    [
      'another actor',
      (e) => ({ ...e, ...meta(e, { actor: { kind: 'user', id: 'eve' } }) }),
      'content_changed',
    ],
    [
      'another time',
      (e) => ({ ...e, ...meta(e, { occurredAt: '2020-01-01T00:00:00.000Z' }) }),
      'content_changed',
    ],
    ['another type', (e) => ({ ...e, type: 'TaskForked' }), 'content_changed'],
    ['another schema version', (e) => ({ ...e, schemaVersion: 2 }), 'content_changed'],
    ['another id', (e) => ({ ...e, id: randomUUID() }), 'content_changed'],
    ['another hash', (e) => ({ ...e, hash: GENESIS }), 'content_changed'],
  ])('%s', async (_change, change, reason) => {
    replace('b', 5, change);
    const result = await verify();
    expect(where(result)).toEqual([false, 'b', 5, reason]);
    expect(result.firstBroken).toMatchObject({ position: '14', id: log.events[13]!.id });
  });

  it('an event whose own hash was made to fit, by the one after it', async () => {
    replace('b', 5, (event) => {
      const body = Buffer.from('{"forged":true}');
      const before = log.streams.get('b')![3]!.hash;
      const digest = contentDigest('b', event, event.metadataBytes, sha256(body));
      return { ...event, body, bodyHash: sha256(body), hash: chainHash(before, 5, digest) };
    });
    expect(where(await verify())).toEqual([false, 'b', 6, 'content_changed']);
  });

  it('a forged chain up to its end, by the record of the stream', async () => {
    let before: Uint8Array = GENESIS;
    for (let version = 1; version <= 10; version += 1) {
      replace('b', version, (event) => {
        const body = Buffer.from(`{"forged":${version}}`);
        const hash = chainHash(before, version, contentDigest('b', event, event.metadataBytes, sha256(body)));
        before = hash;
        return { ...event, body, bodyHash: sha256(body), hash };
      });
    }
    expect(where(await verify())).toEqual([false, 'b', 10, 'record_differs']);
    store.tails = undefined as never;
    expect((await verify()).ok).toBe(true);
  });

  it('a last event that is gone, by the record of the stream', async () => {
    removeLast('b');
    expect((await verify()).firstBroken).toMatchObject({
      stream: 'b',
      version: 10,
      position: null,
      id: null,
      reason: 'event_missing',
    });
  });

  it('two events that changed places', async () => {
    const [three, four] = [log.streams.get('b')![2]!, log.streams.get('b')![3]!];
    replace('b', 3, (event) => ({ ...event, position: four.position }));
    replace('b', 4, (event) => ({ ...event, position: three.position }));
    log.events.sort((one, another) => Number(one.position - another.position));
    expect(where(await verify())).toEqual([false, 'b', stream ? 4 : 3, 'order_changed']);
  });

  it('nothing wrong with what others did to theirs', async () => {
    replace('x', 5, (event) => ({ ...event, body: Buffer.from('{}') }));
    expect((await verify()).ok).toBe(true);
  });
});

it('names the first along the log, and in a stream the first of that stream', async () => {
  replace('b', 3, (event) => ({ ...event, body: Buffer.from('{}') }));
  replace('a', 5, (event) => ({ ...event, body: Buffer.from('{}') }));
  expect(where(await run())).toEqual([false, 'b', 3, 'body_changed']);
  expect(where(await run('a'))).toEqual([false, 'a', 5, 'body_changed']);
});

it('finds an event that was moved to another owner', async () => {
  replace('a', 5, (event) => {
    const metadata = { ...event.metadata, ownerId: other };
    return { ...event, metadata, metadataBytes: metadataBytes(metadata) };
  });
  expect(where(await run())).toEqual([false, 'a', 5, 'content_changed']);
});

it('finds a stream that the engine has no record of, and one that it has more of', async () => {
  store.recorded = store.recorded.filter((tail) => tail.stream !== 'b');
  expect(where(await run())).toEqual([false, 'b', 10, 'record_differs']);
  store.recorded = [...store.recorded, { stream: 'c', version: 3, hash: GENESIS }];
  expect(where(await run())).toEqual([false, 'c', 1, 'event_missing']);
});

it('leaves out what is recorded while it runs', async () => {
  const verification = new ChainVerifier(store, new LogSearch(store), ownerId).run();
  await verification.next();
  await store.append('a', [newEvent(ownerId)], { expected: 10 });
  await store.append('new', [newEvent(ownerId)], { expected: 0 });
  store.recorded = ['a', 'b', 'new'].map((stream) => {
    const { version, hash } = log.streams.get(stream)!.at(-1)!;
    return { stream, version, hash };
  });
  let step = await verification.next();
  while (!step.done) step = await verification.next();
  expect(step.value).toMatchObject({ ok: true, events: 20 });
});
