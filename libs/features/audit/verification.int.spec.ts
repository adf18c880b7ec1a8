import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import type { AuditEventResponse, VerificationResponse } from './audit.answers.dto.js';

// What verifying says after somebody has changed the database. The other engines keep no rows that could be changed.

const AUDIT = '/api/v1/audit';
let app: TestApp;
let other: TestCaller;
let database: Database;
let task: string;

beforeAll(async () => {
  app = await startTestApp();
  other = await app.secondOwner();
  database = new Database({ url: app.databaseUrl, max: 2 });
});
afterAll(async () => {
  await database.close();
  await app.close();
});
/** A task with six messages: seven events. */
beforeEach(async () => {
  const { id } = await app.post<{ id: string }>('/api/v1/mesh/tasks', { name: 'a task', plan: '' });
  for (let n = 1; n <= 6; n += 1) {
    const message = { id: crypto.randomUUID(), kind: 'message', role: 'user', content: `message ${n}` };
    await app.post(`/api/v1/mesh/tasks/${id}/activity`, { items: [message] });
  }
  task = id;
  // A projection that meets a hole in the log stops there, and rightly so.
  await app.caughtUp();
});
afterEach(async () => {
  // What one case breaks must not stand in the way of the next.
  await database.query(
    sql`DELETE FROM events WHERE stream_id = (SELECT id FROM streams WHERE name = ${`task-${task}`})`,
  );
  await database.query(sql`DELETE FROM streams WHERE name = ${`task-${task}`}`);
});

const events = async (): Promise<readonly AuditEventResponse[]> =>
  (await app.get<{ events: readonly AuditEventResponse[] }>(`${AUDIT}/streams/task-${task}`)).events;
const of = (version: number) =>
  sql`e.stream_id = (SELECT id FROM streams WHERE name = ${`task-${task}`}) AND e.version = ${version}`;
const verify = async (): Promise<void> => {
  for (const path of ['/verify', `/verify?stream=task-${task}`])
    found.push((await app.get<VerificationResponse>(`${AUDIT}${path}`)).firstBroken);
};
let found: VerificationResponse['firstBroken'][];
beforeEach(() => {
  found = [];
});
const both = (expected: object): void => {
  expect(found).toMatchObject([expected, expected]);
};

describe('verifying', () => {
  it('holds before that, for a negative control', async () => {
    expect(await app.get(`${AUDIT}/verify`)).toMatchObject({ ok: true });
    expect(await app.get(`${AUDIT}/verify?stream=task-${task}`)).toMatchObject({ ok: true });
  });

  it('names an event whose body was changed', async () => {
    const [row] = await database.query<{ id: string; position: bigint }>(sql`
      UPDATE events e SET body = convert_to(replace(convert_from(body, 'UTF8'), 'message 3', 'message 0'), 'UTF8')
      WHERE ${of(4)} RETURNING e.event_id AS id, e.position`);
    await verify();
    both({
      stream: `task-${task}`,
      version: 4,
      position: String(row!.position),
      id: row!.id,
      reason: 'body_changed',
    });
    const told = await (await app.fetch(`${AUDIT}/verify?format=ndjson`)).text();
    expect(JSON.parse(told.trimEnd().split('\n').at(-1)!)).toMatchObject({
      kind: 'result',
      ok: false,
      firstBroken: { id: row!.id },
    });
  });

  it('names an event whose body is gone', async () => {
    await database.query(sql`UPDATE events e SET body = NULL WHERE ${of(4)}`);
    await verify();
    both({ version: 4, reason: 'body_changed' });
    expect((await events())[3]).toMatchObject({ body: null, bodyText: '' });
  });

  it('shows a body that is no JSON as text', async () => {
    await database.query(sql`UPDATE events e SET body = 'no json' WHERE ${of(4)}`);
    expect((await events())[3]).toMatchObject({ body: null, bodyText: 'no json' });
  });

  it('names an event whose metadata was changed, or is none any more', async () => {
    const before = await database.query<{ metadata: Buffer }>(
      sql`SELECT metadata FROM events e WHERE ${of(3)}`,
    );
    await database.query(sql`
      UPDATE events e SET metadata = convert_to(replace(convert_from(metadata, 'UTF8'), '"admin"', '"user"'), 'UTF8') WHERE ${of(3)}`);
    await verify();
    both({ version: 3, reason: 'content_changed' });
    for (const metadata of ['not json', '{}', 'null']) {
      await database.query(
        sql`UPDATE events e SET metadata = convert_to(${metadata}, 'UTF8') WHERE ${of(3)}`,
      );
      found = [];
      await verify();
      both({ version: 3, reason: 'metadata_unreadable' });
    }
    await database.query(sql`UPDATE events e SET metadata = ${before[0]!.metadata} WHERE ${of(3)}`);
    expect(await app.get(`${AUDIT}/verify`)).toMatchObject({ ok: true });
  });

  it('names what was broken before an event that cannot be read', async () => {
    await database.query(sql`UPDATE events e SET metadata = 'not json' WHERE ${of(5)}`);
    await database.query(sql`UPDATE events e SET body = '{}' WHERE ${of(4)}`);
    await verify();
    both({ version: 4, reason: 'body_changed' });
  });

  it('names an event that is missing: in the middle, at the end, and a whole stream', async () => {
    const last = await database.query<{ position: bigint }>(
      sql`DELETE FROM events e WHERE ${of(7)} RETURNING e.position`,
    );
    await verify();
    both({ stream: `task-${task}`, version: 7, position: null, reason: 'event_missing' });
    await database.query(sql`DELETE FROM events e WHERE ${of(4)}`);
    found = [];
    await verify();
    both({ version: 4, reason: 'event_missing' });
    await database.query(
      sql`DELETE FROM events WHERE stream_id = (SELECT id FROM streams WHERE name = ${`task-${task}`})`,
    );
    expect(await app.get(`${AUDIT}/verify`)).toMatchObject({
      ok: false,
      firstBroken: { stream: `task-${task}`, version: 1, reason: 'event_missing' },
    });
    expect(last[0]!.position).toBeGreaterThan(0n);
  });

  it('names events that changed places, by version or by position', async () => {
    const swap = async (column: 'version' | 'position'): Promise<void> => {
      const rows = await database.query<{ event_id: string; version: bigint; position: bigint }>(sql`
        SELECT event_id, version, position FROM events e
        WHERE e.stream_id = (SELECT id FROM streams WHERE name = ${`task-${task}`}) AND e.event_id = ANY (${ids}::uuid[]) ORDER BY position`);
      const [one, another] = rows as [(typeof rows)[0], (typeof rows)[0]];
      const set = (id: string, value: bigint) =>
        column === 'version'
          ? sql`UPDATE events SET version = ${value} WHERE event_id = ${id}`
          : sql`UPDATE events SET position = ${value} WHERE event_id = ${id}`;
      await database.query(set(one.event_id, -1n));
      await database.query(set(another.event_id, one[column]));
      await database.query(set(one.event_id, another[column]));
    };
    const ids = (await events()).slice(2, 4).map(({ id }) => id);
    await swap('position');
    await verify();
    expect(found).toMatchObject([
      { version: 3, reason: 'order_changed' },
      { version: 4, reason: 'order_changed' },
    ]);
    await swap('position');
    found = [];
    await swap('version');
    await verify();
    both({ version: 3, reason: 'content_changed' });
  });

  it('names an event that was given to another owner', async () => {
    await database.query(sql`UPDATE events e SET owner_id = ${other.ownerId} WHERE ${of(4)}`);
    expect(await app.get(`${AUDIT}/verify`)).toMatchObject({
      ok: false,
      firstBroken: { stream: `task-${task}`, version: 4 },
    });
    expect(await other.get(`${AUDIT}/verify`)).toMatchObject({ ok: true });
  });
});
