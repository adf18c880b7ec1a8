import { sql } from '#libs/database/sql.js';
import { contractStream } from '#libs/features/contract/contract.events.js';
import type { KeyAuthenticator } from '#libs/http/auth.guard.js';
import { newId } from '#libs/kernel/ids.js';
import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { AccessTrail } from './access-trail.js';
import { StoredKeyAuthenticator } from './key-authenticator.js';
import { idOf, KEYS, ListeningAccess, OWNERS } from '#libs/testing/listening-access.js';

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

describe('tool keys', () => {
  it('are for contracts of one’s own', async () => {
    const contractId = newId();
    const metadata = {
      actor: { kind: 'user', id: 'x' },
      ownerId,
      occurredAt: new Date().toISOString(),
    } as const;
    const event = {
      id: newId(),
      type: 'ContractCreated',
      schemaVersion: 1,
      metadata,
      body: Buffer.from('{}'),
    };
    await access.store.append(contractStream(contractId), [event], { expected: 0 });
    const token = await access.token({ kind: 'tool', contractId });
    expect(await access.call(token, 'GET', '/api/v1/access/whoami')).toMatchObject({
      status: 200,
      kind: 'tool',
      contractId,
    });
    const stranger = await access.token({ kind: 'user' }, { 'x-makima-owner': await access.owner('tools') });
    expect(await access.create(stranger, { kind: 'tool', contractId })).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    });
  });
});

describe('owners', () => {
  it('have names of their own, and are created by admins of all owners only', async () => {
    await access.owner('research');
    expect(await access.call(root, 'POST', OWNERS, { name: 'research' })).toMatchObject({
      status: 409,
      code: 'OWNER_NAME_TAKEN',
    });
    const user = await access.token({ kind: 'user' });
    expect(await access.call(user, 'POST', OWNERS, { name: 'x' })).toMatchObject({ status: 403 });
    const listed = await access.call<{ owners: { name: string }[]; cursor: string }>(
      root,
      'GET',
      `${OWNERS}?limit=1`,
    );
    const next = await access.call<typeof listed>(root, 'GET', `${OWNERS}?limit=500&cursor=${listed.cursor}`);
    const names = [...listed.owners, ...next.owners].map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['local', 'research']));
    expect(new Set(names).size).toBe(names.length);
  });

  it('are created once when the request is repeated', async () => {
    const headers = { 'idempotency-key': 'owner-1' };
    const first = await access.call(root, 'POST', OWNERS, { name: 'twice' }, headers);
    expect(await access.call(root, 'POST', OWNERS, { name: 'twice' }, headers)).toEqual(first);
    expect(await access.call(root, 'POST', OWNERS, { name: 'thrice' }, headers)).toMatchObject({
      status: 422,
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it('see their own keys only, in the API and in Postgres', async () => {
    const other = await access.owner('apart');
    const theirs = await access.token({ kind: 'user' }, { 'x-makima-owner': other });
    const listed = await access.call<{ keys: { id: string }[] }>(theirs, 'GET', KEYS);
    expect(listed.keys.map(({ id }) => id)).toEqual([idOf(theirs)]);
    const seen = await access.reader.asOwner(other, (db) => db.query(sql`SELECT id FROM access_keys`));
    expect(seen).toEqual([{ id: idOf(theirs) }]);
    await expect(
      access.reader.asOwner(other, (db) => db.query(sql`UPDATE access_keys SET name = 'x'`)),
    ).rejects.toThrow(/permission denied/);
  });

  it('page through their keys', async () => {
    const other = await access.owner('pages');
    const headers = { 'x-makima-owner': other };
    const created: string[] = [];
    for (let index = 0; index < 5; index += 1)
      created.push(idOf(await access.token({ kind: 'user' }, headers)));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const path: string = `${KEYS}?limit=2${cursor ? `&cursor=${cursor}` : ''}`;
      const page = await access.call<{ keys: { id: string }[]; cursor: string | null }>(
        root,
        'GET',
        path,
        undefined,
        headers,
      );
      seen.push(...page.keys.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor);
    expect(seen.sort()).toEqual(created.sort());
    const foreign = await access.call<{ cursor: string }>(root, 'GET', `${KEYS}?limit=2`, undefined, headers);
    expect(await access.call(root, 'GET', `${KEYS}?cursor=${foreign.cursor}`)).toMatchObject({
      status: 400,
      code: 'INVALID_CURSOR',
    });
  });
});

describe('other owners’ data', () => {
  it('is reached with all-owners only, and each time put on record in that owner’s stream', async () => {
    const other = await access.owner('observed');
    const headers = { 'x-makima-owner': other };
    const auditor = await access.token({ kind: 'auditor', scopes: ['history:read', 'all-owners'] });
    expect(await access.call(auditor, 'GET', '/thing?minPosition=1', undefined, headers)).toMatchObject({
      status: 200,
      ownerId: other,
    });
    expect(await access.trail(other)).toMatchObject([
      { type: 'OwnerCreated' },
      {
        type: 'ForeignDataRead',
        actor: { kind: 'auditor', id: idOf(auditor) },
        data: { keyId: idOf(auditor), homeOwnerId: ownerId, method: 'GET', path: '/thing?minPosition=1' },
      },
    ]);
    const user = await access.token({ kind: 'user' });
    expect(await access.call(user, 'GET', '/thing', undefined, headers)).toMatchObject({ status: 403 });
    const confined = await access.token({ kind: 'admin', scopes: ['history:read'] });
    expect(await access.call(confined, 'GET', '/thing', undefined, headers)).toMatchObject({ status: 403 });
    expect(await access.trail(other)).toHaveLength(2);
  });

  it('of owners that do not exist answers 404', async () => {
    for (const unknown of [newId(), 'x', '']) {
      expect(
        await access.call(root, 'GET', '/thing', undefined, { 'x-makima-owner': unknown }),
      ).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    }
  });

  it('is not read when that cannot be put on record', async () => {
    const trail = access.server.application.get(AccessTrail);
    const failing = new Proxy(trail, { get: () => () => Promise.reject(new Error('the log is down')) });
    const keys: KeyAuthenticator = new StoredKeyAuthenticator(access, failing);
    const caller = (await keys.authenticate(root))!;
    const use = { method: 'GET', path: '/thing', traceId: '0'.repeat(32), at: new Date() };
    await expect(keys.asOwner(caller, await access.owner('unrecorded'), use)).rejects.toThrow(
      'the log is down',
    );
  });
});
