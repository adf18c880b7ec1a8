import { sql } from '#libs/database/sql.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { AccessDatabases } from './access-databases.js';
import { AccessKeys } from './access.process.js';
import { AccessTrail } from './access-trail.js';
import { StoredKeyAuthenticator, TRUSTED_MS } from './key-authenticator.js';
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

describe('revoking', () => {
  it('counts at once, is recorded once, and can be repeated', async () => {
    const token = await access.token({ kind: 'user' });
    expect(await access.call(token, 'GET', '/thing')).toMatchObject({ status: 200 });
    expect(await access.call(root, 'DELETE', `${KEYS}/${idOf(token)}`)).toMatchObject({ status: 204 });
    expect(await access.call(token, 'GET', '/thing')).toMatchObject({ status: 401 });
    const revokedAt = async () =>
      (await access.system.query(sql`SELECT revoked_at FROM access_keys WHERE id = ${idOf(token)}`))[0];
    const before = await revokedAt();
    expect(await access.call(root, 'DELETE', `${KEYS}/${idOf(token)}`)).toMatchObject({ status: 204 });
    expect(await revokedAt()).toEqual(before);
    const revoked = (await access.trail(ownerId)).filter(
      ({ type, data }) => type === 'AccessKeyRevoked' && data.keyId === idOf(token),
    );
    expect(revoked).toHaveLength(1);
  });

  it('counts even for a look-up that was under way', async () => {
    const token = await access.token({ kind: 'user' });
    const keys = access.server.application.get(StoredKeyAuthenticator);
    const lookingUp = keys.authenticate(token);
    keys.forget(idOf(token));
    await access.system.query(sql`UPDATE access_keys SET revoked_at = now() WHERE id = ${idOf(token)}`);
    await lookingUp;
    expect(await keys.authenticate(token)).toBeNull();
  });

  it('counts also when it cannot be recorded, and a repetition completes the trail', async () => {
    const token = await access.token({ kind: 'user' });
    const get = access.server.application.get.bind(access.server.application);
    const failing = new Proxy(get(AccessTrail), {
      get: () => () => Promise.reject(new Error('the log is down')),
    });
    const authenticator = get(StoredKeyAuthenticator);
    const keys = new AccessKeys(get(AccessDatabases), failing, authenticator, get(CursorCodec));
    const caller = (await authenticator.authenticate(root))!;
    await expect(keys.revoke(idOf(token), commandOf(caller))).rejects.toThrow('the log is down');
    expect(await access.call(token, 'GET', '/thing')).toMatchObject({ status: 401 });
    expect(await access.call(root, 'DELETE', `${KEYS}/${idOf(token)}`)).toMatchObject({ status: 204 });
    expect((await access.trail(ownerId)).at(-1)).toMatchObject({
      type: 'AccessKeyRevoked',
      data: { keyId: idOf(token) },
    });
  });

  it('counts in another process within the time that a key is trusted', async () => {
    const token = await access.token({ kind: 'user' });
    const other = new StoredKeyAuthenticator(access, access.server.application.get(AccessTrail));
    const start = Date.now();
    expect(await other.authenticate(token, new Date(start))).not.toBeNull();
    await access.call(root, 'DELETE', `${KEYS}/${idOf(token)}`);
    expect(await other.authenticate(token, new Date(start + TRUSTED_MS))).toBeNull();
  });

  it('is refused for what does not exist, is foreign, or ranks higher', async () => {
    const user = await access.token({ kind: 'user' });
    const foreign = await access.token(
      { kind: 'user' },
      { 'x-makima-owner': await access.owner('revoking') },
    );
    expect(await access.call(user, 'DELETE', `${KEYS}/${'0'.repeat(16)}`)).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    });
    expect(await access.call(user, 'DELETE', `${KEYS}/${idOf(foreign)}`)).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    });
    expect(await access.call(user, 'DELETE', `${KEYS}/x`)).toMatchObject({
      status: 422,
      errors: [{ field: 'keyId' }],
    });
    expect(await access.call(user, 'DELETE', `${KEYS}/${idOf(root)}`)).toMatchObject({
      status: 403,
      code: 'KEY_KIND_NOT_ALLOWED',
    });
    expect(await access.call(foreign, 'GET', '/thing')).toMatchObject({ status: 200 });
    expect(await access.call(user, 'DELETE', `${KEYS}/${idOf(user)}`)).toMatchObject({ status: 204 });
  });

  it('never leaves nobody who could create keys', async () => {
    const { keys } = await access.call<{ keys: { id: string; kind: string; revokedAt: string | null }[] }>(
      root,
      'GET',
      `${KEYS}?limit=500`,
    );
    for (const { id, kind } of keys.filter(
      ({ id, kind, revokedAt }) => kind === 'admin' && id !== idOf(root) && revokedAt === null,
    )) {
      expect([kind, await access.call(root, 'DELETE', `${KEYS}/${id}`)]).toMatchObject([
        'admin',
        { status: 204 },
      ]);
    }
    expect(await access.call(root, 'DELETE', `${KEYS}/${idOf(root)}`)).toMatchObject({
      status: 409,
      code: 'LAST_ADMIN_KEY',
    });
    expect(await access.call(root, 'GET', '/thing')).toMatchObject({ status: 200 });
  });
});
