import { randomUUID } from 'node:crypto';
import type { Actor } from '#libs/kernel/event.js';
import { EventStoreDbServer } from '#libs/testing/eventstoredb-server.js';
import { testDatabase } from '#libs/testing/postgres.js';
import { GENESIS, verifies } from './event-hash.js';
import type {
  ChainedEvent,
  EventStore,
  NewEvent,
  ReadAllOptions,
  SearchOptions,
  StoredEvent,
} from './event-store.js';
import { EventStoreDbEventStore } from './eventstoredb/eventstoredb-event-store.js';
import { LogSearch, matches } from './log-search.js';
import { MemoryEventStore, MemoryLog } from './memory/memory-event-store.js';
import { PostgresEventStore } from './postgres/postgres-event-store.js';

const OWNERS = [randomUUID(), randomUUID()] as const;
const ACTORS: readonly Actor[] = [
  { kind: 'user', id: 'ada' },
  { kind: 'tool', id: 'ada' },
  { kind: 'system', id: 'user' },
  { kind: 'user', id: 'quo"te:ü' },
];
const TYPES = ['MessageRecorded', 'TaskForked', 'ConversationRewound'];
const EVENTS = 240;

const newEvent = (n: number): NewEvent => ({
  id: randomUUID(),
  type: TYPES[n % 7 === 0 ? 1 : n % 11 === 0 ? 2 : 0]!,
  schemaVersion: 1,
  metadata: {
    actor: ACTORS[n % 4]!,
    ownerId: OWNERS[Math.floor(n / 4) % 6 === 0 ? 1 : 0],
    occurredAt: '2026-01-01T00:00:00.000Z',
  },
  body: Buffer.from(JSON.stringify({ n })),
});

async function fill(store: EventStore): Promise<void> {
  const streams = Array.from({ length: 6 }, () => `task-${randomUUID()}`);
  for (let n = 0; n < EVENTS; n += 4) {
    await store.append(streams[(n / 4) % 6]!, [n, n + 1, n + 2, n + 3].map(newEvent), { expected: 'any' });
  }
}

type Wanted = Pick<SearchOptions, 'ownerId' | 'types' | 'actor' | 'order' | 'limit'> & Partial<SearchOptions>;

/** Everything that a search finds, page after page. */
async function searchAll(
  store: EventStore,
  wanted: Wanted,
  search = new LogSearch(store),
): Promise<readonly ChainedEvent[]> {
  const found: ChainedEvent[] = [];
  let rest: { after: bigint; upTo: bigint } | null = {
    after: wanted.after ?? 0n,
    upTo: wanted.upTo ?? (await store.head()),
  };
  for (let pages = 0; rest; pages += 1) {
    if (pages > 1_000) throw new Error('the search does not end');
    const page = await search.search({ ...wanted, ...rest });
    expect(page.events.length).toBeLessThanOrEqual(wanted.limit);
    found.push(...page.events);
    rest = page.rest;
  }
  return found;
}

/** What should be found: the whole log, filtered. */
async function expectedIds(store: EventStore, wanted: Wanted): Promise<string[]> {
  const { after = 0n, upTo = 2n ** 62n } = wanted;
  const all = await store.readAll({ after: 0n, limit: 10_000 });
  const ids = all
    .filter((e) => e.position > after && e.position <= upTo && matches(e, wanted))
    .map(({ id }) => id);
  return wanted.order === 'oldest' ? ids : ids.reverse();
}

/** Positions with gaps, and no reading from between two events: as EventStoreDB has it. */
class SparseStore extends MemoryEventStore {
  override async readAll({ after, upTo, limit }: ReadAllOptions): Promise<readonly StoredEvent[]> {
    if (after % 100n !== 0n) throw new Error(`${after} is in the middle of an event`);
    const page = await super.readAll({
      after: after / 100n,
      limit,
      ...(upTo === undefined ? {} : { upTo: upTo / 100n }),
    });
    return page.map((event) => ({ ...event, position: event.position * 100n }));
  }
  override async head(): Promise<bigint> {
    return (await super.head()) * 100n;
  }
  override async positionAt(time: Date): Promise<bigint> {
    return (await super.positionAt(time)) * 100n;
  }
}

interface Engine {
  readonly store: EventStore;
  close(): Promise<void>;
}
const engines: readonly (readonly [string, () => Promise<Engine>])[] = [
  ['memory', async () => ({ store: new MemoryEventStore(), close: () => Promise.resolve() })],
  ['memory, with gaps', async () => ({ store: new SparseStore(), close: () => Promise.resolve() })],
  [
    'Postgres',
    async () => {
      const database = await testDatabase();
      const store = new PostgresEventStore({ url: database.url });
      return { store, close: () => store.close().then(() => database.drop()) };
    },
  ],
  [
    'EventStoreDB, small in-process server',
    async () => {
      const server = await new EventStoreDbServer().start();
      const store = await EventStoreDbEventStore.open({ url: server.url });
      return { store, close: () => store.close().then(() => server.stop()) };
    },
  ],
];

describe.each(engines)('searching the log on %s', (_name, open) => {
  let engine: Engine;
  let store: EventStore;
  beforeAll(async () => {
    engine = await open();
    store = engine.store;
    await fill(store);
  });
  afterAll(() => engine.close());

  const filters: readonly Partial<SearchOptions>[] = [
    {},
    { types: ['TaskForked'] },
    { types: ['TaskForked', 'ConversationRewound'] },
    { types: ['Unheard'] },
    { actor: 'ada' },
    { actor: 'user' },
    { actor: 'tool:ada' },
    { actor: 'quo"te:ü' },
    { actor: 'user:quo"te:ü' },
    { actor: 'nobody' },
    { types: ['MessageRecorded'], actor: 'system' },
  ];

  it.each(['oldest', 'newest'] as const)(
    'finds what matches, %s first, in pages of any size',
    async (order) => {
      const search = new LogSearch(store);
      for (const [n, filter] of filters.entries()) {
        const [ownerId, limit] = (
          [
            [OWNERS[0], 17],
            [OWNERS[1], 9],
            [OWNERS[0], 1_000],
          ] as const
        )[n % 3]!;
        const wanted = { ownerId, order, limit, ...filter };
        expect((await searchAll(store, wanted, search)).map(({ id }) => id)).toEqual(
          await expectedIds(store, wanted),
        );
      }
    },
    60_000,
  );

  it('keeps to its bounds, which may lie between events', async () => {
    const all = await store.readAll({ after: 0n, limit: 10_000 });
    const [after, upTo] = [all[50]!.position, all[150]!.position];
    for (const order of ['oldest', 'newest'] as const) {
      for (const bounds of [
        { after, upTo },
        { after: after + 1n, upTo: upTo - 1n },
        { after: upTo, upTo: after },
      ]) {
        const wanted = { ownerId: OWNERS[0], order, limit: 40, ...bounds };
        expect((await searchAll(store, wanted)).map(({ id }) => id)).toEqual(
          await expectedIds(store, wanted),
        );
      }
    }
  }, 60_000);

  it('gives each event with the hash of the one before it in its stream', async () => {
    for (const wanted of [{ types: ['TaskForked'], limit: 9 }, { limit: 1_000 }]) {
      const found = await searchAll(store, { ownerId: OWNERS[0], order: 'newest', ...wanted });
      expect(found.length).toBeGreaterThan(20);
      for (const event of found)
        expect([event.version, verifies(event, event.previousHash!)]).toEqual([event.version, true]);
      if (wanted.limit > 100)
        expect(
          found.filter(({ version }) => version === 1).map((e) => Buffer.from(e.previousHash!)),
        ).toContainEqual(GENESIS);
    }
  }, 60_000);

  it("finds the event at a position, and nobody else's", async () => {
    const all = await store.readAll({ after: 0n, limit: 10_000 });
    for (const event of [all[0]!, all[77]!, all.at(-1)!]) {
      const mine = OWNERS.find((ownerId) => ownerId === event.metadata.ownerId)!;
      const other = OWNERS.find((ownerId) => ownerId !== mine)!;
      const search = new LogSearch(store);
      expect((await search.at(event.position, mine))?.id).toBe(event.id);
      expect(await search.at(event.position, other)).toBeNull();
    }
    const search = new LogSearch(store);
    expect(await search.at(all.at(-1)!.position + 1n, OWNERS[0])).toBeNull();
    if (all[1]!.position > all[0]!.position + 1n)
      expect(await search.at(all[0]!.position + 1n, OWNERS[0])).toBeNull();
  }, 60_000);
});

it('goes back over years in a log that is read forwards only', async () => {
  const log = new MemoryLog();
  const store = new MemoryEventStore(log);
  await fill(store);
  const year = 365 * 86_400_000;
  log.events.forEach((event, index) => {
    const age = index < 80 ? 9 * year - index * 1_000 : index < 160 ? 2 * year : 5_000;
    log.events[index] = { ...event, recordedAt: new Date(Date.now() - age) };
  });
  for (const limit of [1, 7, 1_000]) {
    const wanted = { ownerId: OWNERS[0], order: 'newest', limit } as const;
    expect((await searchAll(store, wanted)).map(({ id }) => id)).toEqual(await expectedIds(store, wanted));
  }
});
