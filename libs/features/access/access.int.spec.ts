import { Controller, Get, Module, Post } from '@nestjs/common';
import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { MemoryBlobStore } from '#libs/event-store/blob-store.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { PostgresEventStore } from '#libs/event-store/postgres/postgres-event-store.js';
import { contractStream } from '#libs/features/contract/contract.events.js';
import { Requires, type KeyAuthenticator } from '#libs/http/auth.guard.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { listen, type Listening } from '#libs/http/listening.js';
import { newId } from '#libs/kernel/ids.js';
import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { AccessDatabases } from './access-databases.js';
import { ownerStream } from './access.events.js';
import { issueKey } from './access-key.js';
import { AccessModule } from './access.module.js';
import { AccessKeys } from './access.process.js';
import { AccessTrail } from './access-trail.js';
import { AccessBootstrap } from './bootstrap.js';
import { StoredKeyAuthenticator, TRUSTED_MS } from './key-authenticator.js';

@Controller('thing')
class Thing {
  @Get() @Requires('history:read') read(@Context() context: RequestContext): unknown {
    return { ownerId: context.ownerId, actor: context.actor };
  }
  @Post() @Requires('history:write') write(@Context() context: RequestContext): unknown {
    return { ownerId: context.ownerId };
  }
}

interface Answer {
  readonly status: number;
  readonly [field: string]: unknown;
}

let database: TestDatabase;
let system: Database;
let reader: Database;
let store: PostgresEventStore;
let server: Listening;
let root: string;
let ownerId: string;

beforeAll(async () => {
  database = await testDatabase();
  system = new Database({ url: database.url, max: 5 });
  reader = new Database({ url: database.url, max: 2, role: 'makima_app' });
  store = new PostgresEventStore({ url: database.url });
  const codec = new EventCodec(new MemoryBlobStore());
  class Log {}
  Module({
    providers: [{ provide: EventStore, useValue: store }, { provide: EventCodec, useValue: codec }],
    exports: [EventStore, EventCodec],
  })(Log);
  server = await listen({
    keys: 'provided elsewhere',
    imports: [{ module: Log, global: true }, AccessModule.forRoot({ system, reader })],
    controllers: [Thing],
  });
  const credentials = await server.application.get(AccessBootstrap).ensure(undefined);
  root = credentials!.token;
  ownerId = credentials!.ownerId;
});
afterAll(async () => {
  await server.close();
  await store.close();
  await Promise.all([system.close(), reader.close()]);
  await database.drop();
});

async function call(token: string, method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
  const response = await server.call(method, path, body, { authorization: `Bearer ${token}`, ...headers });
  const text = await response.text();
  return { status: response.status, ...(text === '' ? {} : (JSON.parse(text) as object)) };
}

const KEYS = '/api/v1/access/keys';
const OWNERS = '/api/v1/access/owners';
const create = (token: string, body: object, headers = {}): Promise<Answer> =>
  call(token, 'POST', KEYS, { name: 'a key', ...body }, headers);
const tokenOf = async (token: string, body: object, headers = {}): Promise<string> => {
  const created = await create(token, body, headers);
  expect(created).toMatchObject({ status: 201 });
  return created.token as string;
};
const idOf = (token: string): string => token.split('_')[2]!;
const newOwner = async (name: string): Promise<string> => {
  const created = await call(root, 'POST', OWNERS, { name });
  expect(created).toMatchObject({ status: 201, name });
  return created.id as string;
};
const eventsOf = async (owner: string): Promise<readonly { type: string; data: Record<string, unknown>; actor: unknown }[]> =>
  (await store.readStream(ownerStream(owner))).map(({ type, body, metadata }) => ({
    type, data: JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>, actor: metadata.actor,
  }));

describe('the first start', () => {
  it('makes the owner local and an admin key with all scopes', async () => {
    expect(await call(root, 'GET', '/api/v1/access/whoami')).toMatchObject({ status: 200, ownerId, kind: 'admin', contractId: null });
    expect((await eventsOf(ownerId)).slice(0, 2)).toMatchObject([
      { type: 'OwnerCreated', data: { ownerId, name: 'local' }, actor: { kind: 'system', id: 'bootstrap' } },
      { type: 'AccessKeyCreated', data: { keyId: idOf(root), kind: 'admin' } },
    ]);
  });

  it('does nothing while the token works, and lets in again who lost it', async () => {
    const bootstrap = server.application.get(AccessBootstrap);
    expect(await bootstrap.ensure(root)).toBeNull();
    const [lost, broken] = [await bootstrap.ensure(undefined), await bootstrap.ensure(root.slice(0, -1))];
    for (const again of [lost, broken]) {
      expect(again).toMatchObject({ ownerId });
      expect(await call(again!.token, 'GET', '/thing')).toMatchObject({ status: 200, ownerId });
    }
    const created = (await eventsOf(ownerId)).filter(({ type }) => type === 'OwnerCreated');
    expect(created).toHaveLength(1);
  });

  it('gives two processes that start at once the same owner', async () => {
    const fresh = await testDatabase();
    const other = new Database({ url: fresh.url, max: 4 });
    const log = new PostgresEventStore({ url: fresh.url });
    class Log {}
    Module({
      providers: [{ provide: EventStore, useValue: log }, { provide: EventCodec, useValue: new EventCodec(new MemoryBlobStore()) }],
      exports: [EventStore, EventCodec],
    })(Log);
    const start = () =>
      listen({ keys: 'provided elsewhere', imports: [{ module: Log, global: true }, AccessModule.forRoot({ system: other, reader: other })] });
    const processes = await Promise.all([start(), start()]);
    const owners = await Promise.all(processes.map((process) => process.application.get(AccessBootstrap).ensure(undefined)));
    expect(owners[0]!.ownerId).toBe(owners[1]!.ownerId);
    await Promise.all(processes.map((process) => process.close()));
    await Promise.all([log.close(), other.close()]);
    await fresh.drop();
  });
});

describe('a key', () => {
  it('is shown once, works, and is stored as a hash only', async () => {
    const created = await create(root, { kind: 'user', name: 'mine', scopes: ['history:read'] });
    expect(created).toMatchObject({ status: 201, kind: 'user', name: 'mine', scopes: ['history:read'], revokedAt: null, contractId: null });
    const token = created.token as string;
    expect(await call(token, 'GET', '/thing')).toMatchObject({ status: 200, ownerId, actor: { kind: 'user', id: created.id } });
    const secret = token.split('_')[3]!;
    const dump = await system.query(sql`
      SELECT (SELECT string_agg(k::text, '') FROM access_keys k) AS keys,
             (SELECT string_agg(encode(e.body, 'escape') || encode(e.metadata, 'escape'), '') FROM events e) AS events`);
    expect(JSON.stringify(dump)).toContain(created.id);
    expect(JSON.stringify(dump)).not.toContain(secret);
    const listed = await call(root, 'GET', KEYS);
    expect(JSON.stringify(listed)).toContain(created.id);
    expect(JSON.stringify(listed)).not.toMatch(/secret|token|hash/i);
  });

  it('does only what its scopes say', async () => {
    const token = await tokenOf(root, { kind: 'user', scopes: ['history:read'] });
    expect(await call(token, 'GET', '/thing')).toMatchObject({ status: 200 });
    expect(await call(token, 'POST', '/thing')).toMatchObject({ status: 403, code: 'FORBIDDEN', context: { missing: ['history:write'] } });
    expect(await call(token, 'GET', KEYS)).toMatchObject({ status: 403 });
  });

  it('with a wrong secret, of another kind or unknown is refused in the same way', async () => {
    const token = await tokenOf(root, { kind: 'user' });
    const wrongSecret = issueKey('user', idOf(token)).token;
    for (const forged of [wrongSecret, issueKey('admin', idOf(token)).token, issueKey('user', '0'.repeat(16)).token, token.slice(0, -1), 'x']) {
      const answer = await call(forged, 'GET', '/thing');
      expect(answer).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
      expect(await call(token, 'GET', '/thing')).toMatchObject({ status: 200 });
      expect(await call(forged, 'GET', '/thing')).toMatchObject({ status: 401, detail: answer.detail });
    }
  });

  it('ends when it expires, also if it was used just before', async () => {
    const now = Date.now();
    const token = await tokenOf(root, { kind: 'user', expiresAt: new Date(now + 60_000).toISOString() });
    const keys = server.application.get(StoredKeyAuthenticator);
    expect(await keys.authenticate(token, new Date(now + 59_000))).not.toBeNull();
    expect(await keys.authenticate(token, new Date(now + 60_000))).toBeNull();
    expect(await create(root, { kind: 'user', expiresAt: new Date(now - 1).toISOString() })).toMatchObject({
      status: 422, errors: [{ field: 'expiresAt' }],
    });
  });

  it('notes when it was used, at most once a minute', async () => {
    const token = await tokenOf(root, { kind: 'user' });
    const keys = server.application.get(StoredKeyAuthenticator);
    const used = async (): Promise<Date | null> => {
      const [row] = await system.query<{ last_used_at: Date | null }>(sql`SELECT last_used_at FROM access_keys WHERE id = ${idOf(token)}`);
      return row!.last_used_at;
    };
    const untilUsed = async (at: number): Promise<void> => {
      for (;;) if ((await used())?.getTime() === at) return;
    };
    const start = Date.now();
    for (const [offset, noted] of [[0, 0], [30_000, 0], [59_999, 0], [60_000, 60_000]] as const) {
      await keys.authenticate(token, new Date(start + offset));
      await untilUsed(start + noted);
    }
  });

  it.each([
    ['kind', { kind: 'root' }], ['kind', {}], ['name', { kind: 'user', name: 'a\nb' }], ['name', { kind: 'user', name: '' }],
    ['scopes', { kind: 'user', scopes: ['everything'] }], ['scopes', { kind: 'user', scopes: 'history:read' }],
    ['contractId', { kind: 'tool', contractId: 'x' }], ['expiresAt', { kind: 'user', expiresAt: 'tomorrow' }], ['secret', { kind: 'user', secret: 'x' }],
  ])('is not created with a wrong %s', async (field, body) => {
    expect(await create(root, body)).toMatchObject({ status: 422, errors: [{ field }] });
  });

  it.each([
    ['CONTRACT_MISSING', 422, { kind: 'tool' }], ['CONTRACT_NOT_EXPECTED', 422, { kind: 'user', contractId: newId() }],
    ['SCOPE_INVALID', 422, { kind: 'auditor', scopes: ['history:write'] }], ['NOT_FOUND', 404, { kind: 'tool', contractId: newId() }],
  ])('is refused with %s', async (code, status, body) => {
    expect(await create(root, body)).toMatchObject({ status, code });
  });
});

describe('a repeated request', () => {
  it('with the same Idempotency-Key gives the same key, and with another body none', async () => {
    const headers = { 'idempotency-key': 'create-1' };
    const first = await create(root, { kind: 'user' }, headers);
    const second = await create(root, { kind: 'user' }, headers);
    expect(second).toEqual(first);
    expect(await create(root, { kind: 'user', name: 'other' }, headers)).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
    const created = (await eventsOf(ownerId)).filter(({ data }) => data.keyId === first.id);
    expect(created).toHaveLength(1);
  });

  it('at the same moment gives one key', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => create(root, { kind: 'user' }, { 'idempotency-key': 'create-2' })));
    for (const answer of answers) expect([201, 409]).toContain(answer.status);
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ token }) => token)).size).toBe(1);
  });

  it('after a restart finishes what was interrupted, and shows no secret twice', async () => {
    const get = server.application.get.bind(server.application);
    const restarted = () => new AccessKeys(get(AccessDatabases), get(AccessTrail), get(StoredKeyAuthenticator), get(CursorCodec));
    const caller = (await get(StoredKeyAuthenticator).authenticate(root))!;
    const context: RequestContext = {
      caller, actor: caller.actor, ownerId, commandId: newId(), idempotent: true, requestHash: 'same', now: new Date(), traceId: '',
    };
    const request = { kind: 'user', name: 'interrupted' } as const;
    const first = await restarted().create(request, context);
    await system.query(sql`DELETE FROM access_keys WHERE id = ${first.id}`);
    const second = await restarted().create(request, { ...context, now: new Date() });
    expect(second.id).toBe(first.id);
    expect(await call(first.token, 'GET', '/thing')).toMatchObject({ status: 401 });
    expect(await call(second.token, 'GET', '/thing')).toMatchObject({ status: 200 });
    await expect(restarted().create(request, context)).rejects.toMatchObject({ code: 'SECRET_SHOWN_ALREADY', status: 409 });
  });
});

describe('revoking', () => {
  it('counts at once, is recorded once, and can be repeated', async () => {
    const token = await tokenOf(root, { kind: 'user' });
    expect(await call(token, 'GET', '/thing')).toMatchObject({ status: 200 });
    expect(await call(root, 'DELETE', `${KEYS}/${idOf(token)}`)).toMatchObject({ status: 204 });
    expect(await call(token, 'GET', '/thing')).toMatchObject({ status: 401 });
    const revokedAt = async () => (await system.query(sql`SELECT revoked_at FROM access_keys WHERE id = ${idOf(token)}`))[0];
    const before = await revokedAt();
    expect(await call(root, 'DELETE', `${KEYS}/${idOf(token)}`)).toMatchObject({ status: 204 });
    expect(await revokedAt()).toEqual(before);
    const revoked = (await eventsOf(ownerId)).filter(({ type, data }) => type === 'AccessKeyRevoked' && data.keyId === idOf(token));
    expect(revoked).toHaveLength(1);
  });

  it('counts even for a look-up that was under way', async () => {
    const token = await tokenOf(root, { kind: 'user' });
    const keys = server.application.get(StoredKeyAuthenticator);
    const lookingUp = keys.authenticate(token);
    keys.forget(idOf(token));
    await system.query(sql`UPDATE access_keys SET revoked_at = now() WHERE id = ${idOf(token)}`);
    await lookingUp;
    expect(await keys.authenticate(token)).toBeNull();
  });

  it('counts in another process within the time that a key is trusted', async () => {
    const token = await tokenOf(root, { kind: 'user' });
    const other = new StoredKeyAuthenticator({ system, reader }, server.application.get(AccessTrail));
    const start = Date.now();
    expect(await other.authenticate(token, new Date(start))).not.toBeNull();
    await call(root, 'DELETE', `${KEYS}/${idOf(token)}`);
    expect(await other.authenticate(token, new Date(start + TRUSTED_MS))).toBeNull();
  });

  it('is refused for what does not exist, is foreign, or ranks higher', async () => {
    const user = await tokenOf(root, { kind: 'user' });
    const foreign = await tokenOf(root, { kind: 'user' }, { 'x-makima-owner': await newOwner('revoking') });
    expect(await call(user, 'DELETE', `${KEYS}/${'0'.repeat(16)}`)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(await call(user, 'DELETE', `${KEYS}/${idOf(foreign)}`)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(await call(user, 'DELETE', `${KEYS}/x`)).toMatchObject({ status: 422, errors: [{ field: 'keyId' }] });
    expect(await call(user, 'DELETE', `${KEYS}/${idOf(root)}`)).toMatchObject({ status: 403, code: 'KEY_KIND_NOT_ALLOWED' });
    expect(await call(foreign, 'GET', '/thing')).toMatchObject({ status: 200 });
    expect(await call(user, 'DELETE', `${KEYS}/${idOf(user)}`)).toMatchObject({ status: 204 });
  });

  it('never leaves nobody who could create keys', async () => {
    const { keys } = (await call(root, 'GET', `${KEYS}?limit=500`)) as unknown as { keys: { id: string; kind: string; revokedAt: string | null }[] };
    for (const { id, kind } of keys.filter(({ id, kind, revokedAt }) => kind === 'admin' && id !== idOf(root) && revokedAt === null)) {
      expect([kind, await call(root, 'DELETE', `${KEYS}/${id}`)]).toMatchObject(['admin', { status: 204 }]);
    }
    expect(await call(root, 'DELETE', `${KEYS}/${idOf(root)}`)).toMatchObject({ status: 409, code: 'LAST_ADMIN_KEY' });
    expect(await call(root, 'GET', '/thing')).toMatchObject({ status: 200 });
  });
});

describe('tool keys', () => {
  it('are for contracts of one’s own', async () => {
    const contractId = newId();
    const metadata = { actor: { kind: 'user', id: 'x' }, ownerId, occurredAt: new Date().toISOString() } as const;
    const event = { id: newId(), type: 'ContractCreated', schemaVersion: 1, metadata, body: Buffer.from('{}') };
    await store.append(contractStream(contractId), [event], { expected: 0 });
    const token = await tokenOf(root, { kind: 'tool', contractId });
    expect(await call(token, 'GET', '/api/v1/access/whoami')).toMatchObject({ status: 200, kind: 'tool', contractId });
    const stranger = await tokenOf(root, { kind: 'user' }, { 'x-makima-owner': await newOwner('tools') });
    expect(await create(stranger, { kind: 'tool', contractId })).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });
});

describe('owners', () => {
  it('have names of their own, and are created by admins of all owners only', async () => {
    await newOwner('research');
    expect(await call(root, 'POST', OWNERS, { name: 'research' })).toMatchObject({ status: 409, code: 'OWNER_NAME_TAKEN' });
    const user = await tokenOf(root, { kind: 'user' });
    expect(await call(user, 'POST', OWNERS, { name: 'x' })).toMatchObject({ status: 403 });
    const listed = (await call(root, 'GET', `${OWNERS}?limit=1`)) as unknown as { owners: { name: string }[]; cursor: string };
    const next = (await call(root, 'GET', `${OWNERS}?limit=500&cursor=${listed.cursor}`)) as unknown as typeof listed;
    const names = [...listed.owners, ...next.owners].map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['local', 'research']));
    expect(new Set(names).size).toBe(names.length);
  });

  it('are created once when the request is repeated', async () => {
    const headers = { 'idempotency-key': 'owner-1' };
    const first = await call(root, 'POST', OWNERS, { name: 'twice' }, headers);
    expect(await call(root, 'POST', OWNERS, { name: 'twice' }, headers)).toEqual(first);
    expect(await call(root, 'POST', OWNERS, { name: 'thrice' }, headers)).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('see their own keys only, in the API and in Postgres', async () => {
    const other = await newOwner('apart');
    const theirs = await tokenOf(root, { kind: 'user' }, { 'x-makima-owner': other });
    const listed = (await call(theirs, 'GET', KEYS)) as unknown as { keys: { id: string }[] };
    expect(listed.keys.map(({ id }) => id)).toEqual([idOf(theirs)]);
    const seen = await reader.asOwner(other, (db) => db.query(sql`SELECT id FROM access_keys`));
    expect(seen).toEqual([{ id: idOf(theirs) }]);
    await expect(reader.asOwner(other, (db) => db.query(sql`UPDATE access_keys SET name = 'x'`))).rejects.toThrow(/permission denied/);
  });

  it('page through their keys', async () => {
    const other = await newOwner('pages');
    const headers = { 'x-makima-owner': other };
    const created: string[] = [];
    for (let index = 0; index < 5; index += 1) created.push(idOf(await tokenOf(root, { kind: 'user' }, headers)));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const path: string = `${KEYS}?limit=2${cursor ? `&cursor=${cursor}` : ''}`;
      const page = (await call(root, 'GET', path, undefined, headers)) as unknown as { keys: { id: string }[]; cursor: string | null };
      seen.push(...page.keys.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor);
    expect(seen.sort()).toEqual(created.sort());
    const foreign = (await call(root, 'GET', `${KEYS}?limit=2`, undefined, headers)) as unknown as { cursor: string };
    expect(await call(root, 'GET', `${KEYS}?cursor=${foreign.cursor}`)).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
  });
});

describe('other owners’ data', () => {
  it('is reached with all-owners only, and each time put on record in that owner’s stream', async () => {
    const other = await newOwner('observed');
    const headers = { 'x-makima-owner': other };
    const auditor = await tokenOf(root, { kind: 'auditor', scopes: ['history:read', 'all-owners'] });
    expect(await call(auditor, 'GET', '/thing?minPosition=1', undefined, headers)).toMatchObject({ status: 200, ownerId: other });
    expect(await eventsOf(other)).toMatchObject([
      { type: 'OwnerCreated' },
      {
        type: 'ForeignDataRead', actor: { kind: 'auditor', id: idOf(auditor) },
        data: { keyId: idOf(auditor), homeOwnerId: ownerId, method: 'GET', path: '/thing?minPosition=1' },
      },
    ]);
    const user = await tokenOf(root, { kind: 'user' });
    expect(await call(user, 'GET', '/thing', undefined, headers)).toMatchObject({ status: 403 });
    const confined = await tokenOf(root, { kind: 'admin', scopes: ['history:read'] });
    expect(await call(confined, 'GET', '/thing', undefined, headers)).toMatchObject({ status: 403 });
    expect(await eventsOf(other)).toHaveLength(2);
  });

  it('of owners that do not exist answers 404', async () => {
    for (const unknown of [newId(), 'x', '']) {
      expect(await call(root, 'GET', '/thing', undefined, { 'x-makima-owner': unknown })).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    }
  });

  it('is not read when that cannot be put on record', async () => {
    const trail = server.application.get(AccessTrail);
    const failing = new Proxy(trail, { get: () => () => Promise.reject(new Error('the log is down')) });
    const keys: KeyAuthenticator = new StoredKeyAuthenticator({ system, reader }, failing);
    const caller = (await keys.authenticate(root))!;
    const access = { method: 'GET', path: '/thing', traceId: '0'.repeat(32), at: new Date() };
    await expect(keys.asOwner(caller, await newOwner('unrecorded'), access)).rejects.toThrow('the log is down');
  });
});
