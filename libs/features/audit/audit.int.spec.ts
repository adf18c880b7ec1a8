import { jest } from '@jest/globals';
import { EventStore } from '#libs/event-store/event-store.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { EventStoreDbServer } from '#libs/testing/eventstoredb-server.js';
import type { AuditEventResponse, VerificationResponse } from './audit.answers.dto.js';

interface Page {
  readonly events: readonly AuditEventResponse[];
  readonly cursor?: string;
}

const AUDIT = '/api/v1/audit';
let app: TestApp;
let other: TestCaller;
let taskId: string;
let otherTask: string;

const message = (content: string): unknown => ({
  id: crypto.randomUUID(),
  kind: 'message',
  role: 'user',
  content,
});
async function newTask(caller: TestCaller, messages: number): Promise<string> {
  const { id } = await caller.post<{ id: string }>('/api/v1/mesh/tasks', { name: 'a task', plan: '' });
  for (let n = 1; n <= messages; n += 1) {
    await caller.post(`/api/v1/mesh/tasks/${id}/activity`, { items: [message(`message ${n} \0`)] });
  }
  return id;
}
const get = <Body = Page>(path: string, caller: TestCaller = app): Promise<Body> =>
  caller.get<Body>(`${AUDIT}${path}`);
async function all(path: string, caller: TestCaller = app): Promise<readonly AuditEventResponse[]> {
  const events: AuditEventResponse[] = [];
  let cursor: string | undefined;
  do {
    const page: Page = await get(
      `${path}${path.includes('?') ? '&' : '?'}${cursor ? `cursor=${cursor}` : ''}`,
      caller,
    );
    events.push(...page.events);
    cursor = page.cursor;
  } while (cursor);
  return events;
}
async function lines<Line = AuditEventResponse>(
  path: string,
  headers: Record<string, string> = {},
  caller: TestCaller = app,
): Promise<readonly Line[]> {
  const response = await caller.fetch(`${AUDIT}${path}`, { headers });
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'application/x-ndjson; charset=utf-8',
  ]);
  const text = await response.text();
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}
/** A number once it has stopped changing. */
async function steady(value: () => number): Promise<number> {
  for (let before = -1, same = 0; ; before = value()) {
    same = before === value() ? same + 1 : 0;
    if (same === 10) return before;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const idsOf = (events: readonly AuditEventResponse[]): string[] => events.map(({ id }) => id);

/** The whole of it, on one engine or the other. */
function auditing(): void {
  it('shows events as they are stored, chained to one another', async () => {
    const events = await all(`/streams/task-${taskId}`);
    expect(events.map(({ version, type }) => [version, type])).toEqual([
      [1, 'TaskCreated'],
      ...Array.from({ length: 6 }, (_, n) => [n + 2, 'MessageRecorded']),
    ]);
    expect(events[1]).toMatchObject({
      stream: `task-${taskId}`,
      schemaVersion: 1,
      body: { seq: 1, role: 'user', content: 'message 1 \0' },
      metadata: { actor: { kind: 'admin' }, ownerId: app.ownerId },
    });
    events.forEach((event, index) => {
      expect(event.previousHash).toBe(index === 0 ? '0'.repeat(64) : events[index - 1]!.hash);
      for (const hash of [event.hash, event.bodyHash]) expect(hash).toMatch(/^[0-9a-f]{64}$/);
      expect(Date.parse(event.recordedAt)).toBeGreaterThan(0);
    });
    expect(await get<AuditEventResponse>(`/events/${events[3]!.position}`)).toEqual(events[3]);
    expect(await all(`/streams/task-${taskId}?limit=2`)).toEqual(events);
    expect(await all(`/streams/task-${taskId}?limit=2&order=newest`)).toEqual(events.toReversed());
  });

  it('goes through the log in pages, from either end, and as lines', async () => {
    const oldest = await all('/events?limit=3');
    expect(new Set(idsOf(oldest)).size).toBe(oldest.length);
    expect(oldest.map(({ position }) => BigInt(position))).toEqual(
      oldest.map(({ position }) => BigInt(position)).toSorted((a, b) => (a < b ? -1 : 1)),
    );
    expect(await all('/events?limit=4&order=newest')).toEqual(oldest.toReversed());
    expect(await lines('/events?format=ndjson')).toEqual(oldest);
    expect(
      await lines('/events?order=newest', { accept: 'application/x-ndjson, application/json;q=0.5' }),
    ).toEqual(oldest.toReversed());
    expect(await lines('/events?format=ndjson&limit=5')).toEqual(oldest.slice(0, 5));
    expect(oldest.every(({ metadata }) => metadata.ownerId === app.ownerId)).toBe(true);
  });

  it('finds by type, actor, stream, time and position', async () => {
    const everything = await all('/events');
    const middle = everything[Math.floor(everything.length / 2)]!;
    const of = (wanted: (event: AuditEventResponse) => boolean): string[] => idsOf(everything.filter(wanted));
    const [keyId] = everything
      .filter(({ type }) => type === 'TaskCreated')
      .map(({ metadata }) => metadata.actor.id);
    const cases: readonly (readonly [string, (event: AuditEventResponse) => boolean])[] = [
      ['type=TaskCreated', ({ type }) => type === 'TaskCreated'],
      ['type=TaskCreated,OwnerCreated', ({ type }) => type === 'TaskCreated' || type === 'OwnerCreated'],
      ['type=Unheard', () => false],
      [`actor=${keyId}`, ({ metadata }) => metadata.actor.id === keyId],
      ['actor=system', ({ metadata }) => metadata.actor.kind === 'system'],
      [
        `actor=admin:${keyId}`,
        ({ metadata }) => metadata.actor.id === keyId && metadata.actor.kind === 'admin',
      ],
      [`stream=task-${taskId}`, ({ stream }) => stream === `task-${taskId}`],
      [
        `stream=task-${taskId}&type=MessageRecorded`,
        ({ stream, type }) => stream === `task-${taskId}` && type === 'MessageRecorded',
      ],
      [`stream=task-${otherTask}`, () => false],
      [`from=${middle.recordedAt}`, ({ recordedAt }) => recordedAt >= middle.recordedAt],
      [`to=${middle.recordedAt}`, ({ recordedAt }) => recordedAt <= middle.recordedAt],
      [
        `stream=task-${taskId}&to=${middle.recordedAt}`,
        ({ stream, recordedAt }) => stream === `task-${taskId}` && recordedAt <= middle.recordedAt,
      ],
      [`after=${middle.position}`, ({ position }) => BigInt(position) > BigInt(middle.position)],
      [
        `from=${middle.recordedAt}&to=${middle.recordedAt}`,
        ({ recordedAt }) => recordedAt === middle.recordedAt,
      ],
    ];
    for (const [query, wanted] of cases) {
      expect([query, idsOf(await all(`/events?${query}&limit=3`))]).toEqual([query, of(wanted)]);
      expect([query, idsOf(await lines(`/events?${query}&order=newest&format=ndjson`))]).toEqual([
        query,
        of(wanted).toReversed(),
      ]);
    }
  });

  it("keeps to the caller's owner", async () => {
    const theirs = await all('/events', other);
    expect(theirs.length).toBeGreaterThan(0);
    expect(theirs.every(({ metadata }) => metadata.ownerId === other.ownerId)).toBe(true);
    const mine = await all('/events');
    for (const path of [
      `/streams/task-${taskId}`,
      `/verify?stream=task-${taskId}`,
      `/events/${mine.at(-1)!.position}`,
      `/streams/owner-${app.ownerId}`,
    ]) {
      expect([path, (await other.call('GET', `${AUDIT}${path}`)).status]).toEqual([path, 404]);
      expect([path, (await app.call('GET', `${AUDIT}${path}`)).status]).toEqual([path, 200]);
    }
    const [page] = [await get('/events?limit=1')];
    expect((await other.call('GET', `${AUDIT}/events?limit=1&cursor=${page.cursor!}`)).status).toBe(400);
  });

  it('verifies what nobody changed', async () => {
    const events = await all('/events');
    const result = await get<VerificationResponse>('/verify');
    expect(result).toMatchObject({
      ok: true,
      events: events.length,
      streams: new Set(events.map(({ stream }) => stream)).size,
    });
    expect(await get<VerificationResponse>(`/verify?stream=task-${taskId}`)).toMatchObject({
      ok: true,
      events: 7,
      streams: 1,
    });
    const told = await lines<{ kind: string }>('/verify?format=ndjson');
    expect(told.at(-1)).toEqual({ kind: 'result', ...result });
    expect(await get<VerificationResponse>('/verify', other)).toMatchObject({ ok: true });
  });
}

async function prepare(options = {}): Promise<void> {
  app = await startTestApp(options);
  other = await app.secondOwner();
  taskId = await newTask(app, 6);
  otherTask = await newTask(other, 3);
  await newTask(app, 2);
}

describe('auditing on EventStoreDB, the small in-process server', () => {
  let server: EventStoreDbServer;
  beforeAll(async () => {
    server = await new EventStoreDbServer().start();
    await prepare({ eventStoreUrl: server.url });
  }, 60_000);
  afterAll(async () => {
    await app.close();
    server.stop();
  });
  auditing();
});

describe('auditing on Postgres', () => {
  beforeAll(() => prepare());
  afterAll(() => app.close());
  auditing();

  it('needs the scope, and says what is wrong with a request', async () => {
    const user = await app.key('user', { scopes: ['history:read'] });
    const auditor = await app.key('auditor');
    for (const path of ['/events', '/events/1', `/streams/task-${taskId}`, '/verify']) {
      expect((await user.call('GET', `${AUDIT}${path}`)).status).toBe(403);
      expect((await auditor.call('GET', `${AUDIT}${path}`)).status).toBe(200);
    }
    const wrong = [
      '/events?limit=0',
      '/events?limit=1001',
      '/events?order=up',
      '/events?format=xml',
      '/events?after=-1',
      '/events?stream=a/b',
      '/events?from=now',
      '/events?unknown=1',
      '/events/x',
      '/streams/%2e%2e%2f',
      '/verify?stream=',
    ];
    for (const path of wrong)
      expect([path, (await app.call('GET', `${AUDIT}${path}`)).status]).toEqual([path, 422]);
    for (const path of [
      '/events/0',
      '/events/9223372036854775807',
      '/events/9999999999999999999',
      '/streams/task-nobody',
      '/verify?stream=task-nobody',
    ]) {
      expect([path, (await app.call('GET', `${AUDIT}${path}`)).status]).toEqual([path, 404]);
    }
    expect((await app.call('GET', `${AUDIT}/events?cursor=forged`)).status).toBe(400);
  });

  it('reads no faster than its client: lines wait in the log, not in memory', async () => {
    const big = 'x'.repeat(200_000);
    for (let n = 0; n < 60; n += 1) {
      await other.post(`/api/v1/mesh/tasks/${otherTask}/activity`, {
        items: [1, 2, 3, 4].map(() => message(big)),
      });
    }
    const reads = jest.spyOn(app.server.application.get(EventStore), 'readStream');
    const response = await other.fetch(`${AUDIT}/streams/task-${otherTask}?format=ndjson`);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let received = (await reader.read()).value!.length;
    const stalled = await steady(() => reads.mock.calls.length);
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read())
      received += chunk.value.length;
    expect(received).toBeGreaterThan(240 * big.length);
    expect(stalled).toBeLessThan(reads.mock.calls.length / 2);
    reads.mockRestore();
  }, 30_000);
});
