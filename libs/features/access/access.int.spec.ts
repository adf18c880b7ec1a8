import { sql } from '#libs/database/sql.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { newId } from '#libs/kernel/ids.js';
import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { AccessDatabases } from './access-databases.js';
import { issueKey } from './access-key.js';
import { AccessKeys } from './access.process.js';
import { AccessTrail } from './access-trail.js';
import { StoredKeyAuthenticator } from './key-authenticator.js';
import { commandOf, idOf, KEYS, ListeningAccess } from '#libs/testing/listening-access.js';

let database: TestDatabase;
let access: ListeningAccess;
let root: string;
let ownerId: string;

beforeAll(async () => {
  database = await testDatabase();
  access = await ListeningAccess.on(database.url);
  ({ root, ownerId } = access);
});
afterAll(async () => {
  await access.close();
  await database.drop();
});

describe('a key', () => {
  it('is shown once, works, and is stored as a hash only', async () => {
    const created = await access.create(root, { kind: 'user', name: 'mine', scopes: ['history:read'] });
    expect(created).toMatchObject({
      status: 201,
      kind: 'user',
      name: 'mine',
      scopes: ['history:read'],
      revokedAt: null,
      contractId: null,
    });
    const token = created.token as string;
    expect(await access.call(token, 'GET', '/thing')).toMatchObject({
      status: 200,
      ownerId,
      actor: { kind: 'user', id: created.id },
    });
    const secret = token.split('_')[3]!;
    const dump = await access.system.query(sql`
      SELECT (SELECT string_agg(k::text, '') FROM access_keys k) AS keys,
             (SELECT string_agg(encode(e.body, 'escape') || encode(e.metadata, 'escape'), '') FROM events e) AS events`);
    expect(JSON.stringify(dump)).toContain(created.id);
    expect(JSON.stringify(dump)).not.toContain(secret);
    const listed = await access.call(root, 'GET', KEYS);
    expect(JSON.stringify(listed)).toContain(created.id);
    expect(JSON.stringify(listed)).not.toMatch(/secret|token|hash/i);
  });

  it('does only what its scopes say', async () => {
    const token = await access.token({ kind: 'user', scopes: ['history:read'] });
    expect(await access.call(token, 'GET', '/thing')).toMatchObject({ status: 200 });
    expect(await access.call(token, 'POST', '/thing')).toMatchObject({
      status: 403,
      code: 'FORBIDDEN',
      context: { missing: ['history:write'] },
    });
    expect(await access.call(token, 'GET', KEYS)).toMatchObject({ status: 403 });
  });

  it('with a wrong secret, of another kind or unknown is refused in the same way', async () => {
    const token = await access.token({ kind: 'user' });
    const wrongSecret = issueKey('user', idOf(token)).token;
    for (const forged of [
      wrongSecret,
      issueKey('admin', idOf(token)).token,
      issueKey('user', '0'.repeat(16)).token,
      token.slice(0, -1),
      'x',
    ]) {
      const answer = await access.call(forged, 'GET', '/thing');
      expect(answer).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
      expect(await access.call(token, 'GET', '/thing')).toMatchObject({ status: 200 });
      expect(await access.call(forged, 'GET', '/thing')).toMatchObject({
        status: 401,
        detail: answer.detail,
      });
    }
  });

  it('ends when it expires, also if it was used just before', async () => {
    const now = Date.now();
    const token = await access.token({ kind: 'user', expiresAt: new Date(now + 60_000).toISOString() });
    const keys = access.server.application.get(StoredKeyAuthenticator);
    expect(await keys.authenticate(token, new Date(now + 59_000))).not.toBeNull();
    expect(await keys.authenticate(token, new Date(now + 60_000))).toBeNull();
    expect(
      await access.create(root, { kind: 'user', expiresAt: new Date(now - 1).toISOString() }),
    ).toMatchObject({
      status: 422,
      errors: [{ field: 'expiresAt' }],
    });
  });

  it('notes when it was used, at most once a minute', async () => {
    const token = await access.token({ kind: 'user' });
    const keys = access.server.application.get(StoredKeyAuthenticator);
    const used = async (): Promise<Date | null> => {
      const [row] = await access.system.query<{ last_used_at: Date | null }>(
        sql`SELECT last_used_at FROM access_keys WHERE id = ${idOf(token)}`,
      );
      return row!.last_used_at;
    };
    const untilUsed = async (at: number): Promise<void> => {
      for (;;) if ((await used())?.getTime() === at) return;
    };
    const start = Date.now();
    for (const [offset, noted] of [
      [0, 0],
      [30_000, 0],
      [59_999, 0],
      [60_000, 60_000],
    ] as const) {
      await keys.authenticate(token, new Date(start + offset));
      await untilUsed(start + noted);
    }
  });

  it.each([
    ['kind', { kind: 'root' }],
    ['kind', {}],
    ['name', { kind: 'user', name: 'a\nb' }],
    ['name', { kind: 'user', name: '' }],
    ['scopes', { kind: 'user', scopes: ['everything'] }],
    ['scopes', { kind: 'user', scopes: 'history:read' }],
    ['contractId', { kind: 'tool', contractId: 'x' }],
    ['expiresAt', { kind: 'user', expiresAt: 'tomorrow' }],
    ['secret', { kind: 'user', secret: 'x' }],
  ])('is not created with a wrong %s', async (field, body) => {
    expect(await access.create(root, body)).toMatchObject({ status: 422, errors: [{ field }] });
  });

  it.each([
    ['CONTRACT_MISSING', 422, { kind: 'tool' }],
    ['CONTRACT_NOT_EXPECTED', 422, { kind: 'user', contractId: newId() }],
    ['SCOPE_INVALID', 422, { kind: 'auditor', scopes: ['history:write'] }],
    ['NOT_FOUND', 404, { kind: 'tool', contractId: newId() }],
  ])('is refused with %s', async (code, status, body) => {
    expect(await access.create(root, body)).toMatchObject({ status, code });
  });
});

describe('a repeated request', () => {
  it('with the same Idempotency-Key gives the same key, and with another body none', async () => {
    const headers = { 'idempotency-key': 'create-1' };
    const first = await access.create(root, { kind: 'user' }, headers);
    const second = await access.create(root, { kind: 'user' }, headers);
    expect(second).toEqual(first);
    expect(await access.create(root, { kind: 'user', name: 'other' }, headers)).toMatchObject({
      status: 422,
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    const created = (await access.trail(ownerId)).filter(({ data }) => data.keyId === first.id);
    expect(created).toHaveLength(1);
  });

  it('at the same moment gives one key', async () => {
    const answers = await Promise.all(
      [1, 2, 3].map(() => access.create(root, { kind: 'user' }, { 'idempotency-key': 'create-2' })),
    );
    for (const answer of answers) expect([201, 409]).toContain(answer.status);
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ token }) => token)).size).toBe(1);
  });

  it('after a restart finishes what was interrupted, and shows no secret twice', async () => {
    const get = access.server.application.get.bind(access.server.application);
    const restarted = () =>
      new AccessKeys(get(AccessDatabases), get(AccessTrail), get(StoredKeyAuthenticator), get(CursorCodec));
    const caller = (await get(StoredKeyAuthenticator).authenticate(root))!;
    const context = commandOf(caller);
    const request = { kind: 'user', name: 'interrupted' } as const;
    const first = await restarted().create(request, context);
    await access.system.query(sql`DELETE FROM access_keys WHERE id = ${first.id}`);
    const second = await restarted().create(request, { ...context, now: new Date() });
    expect(second.id).toBe(first.id);
    expect(await access.call(first.token, 'GET', '/thing')).toMatchObject({ status: 401 });
    expect(await access.call(second.token, 'GET', '/thing')).toMatchObject({ status: 200 });
    await expect(restarted().create(request, context)).rejects.toMatchObject({
      code: 'SECRET_SHOWN_ALREADY',
    });
  });
});
