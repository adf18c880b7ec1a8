import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { AccessBootstrap } from './bootstrap.js';
import { idOf, ListeningAccess } from '#libs/testing/listening-access.js';

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

describe('the first start', () => {
  it('makes the owner local and an admin key with all scopes', async () => {
    expect(await access.call(root, 'GET', '/api/v1/access/whoami')).toMatchObject({
      status: 200,
      ownerId,
      kind: 'admin',
      contractId: null,
    });
    expect((await access.trail(ownerId)).slice(0, 2)).toMatchObject([
      { type: 'OwnerCreated', data: { ownerId, name: 'local' }, actor: { kind: 'system', id: 'bootstrap' } },
      { type: 'AccessKeyCreated', data: { keyId: idOf(root), kind: 'admin' } },
    ]);
  });

  it('does nothing while the token works, and lets in again who lost it', async () => {
    const bootstrap = access.server.application.get(AccessBootstrap);
    expect(await bootstrap.ensure(root)).toBeNull();
    const [lost, broken] = [await bootstrap.ensure(undefined), await bootstrap.ensure(root.slice(0, -1))];
    for (const again of [lost, broken]) {
      expect(again).toMatchObject({ ownerId });
      expect(await access.call(again!.token, 'GET', '/thing')).toMatchObject({ status: 200, ownerId });
    }
    const created = (await access.trail(ownerId)).filter(({ type }) => type === 'OwnerCreated');
    expect(created).toHaveLength(1);
  });

  it('gives two processes that start at once the same owner', async () => {
    const fresh = await testDatabase();
    const processes = await Promise.all([ListeningAccess.on(fresh.url), ListeningAccess.on(fresh.url)]);
    expect(processes[0].ownerId).toBe(processes[1].ownerId);
    expect(await processes[0].call(processes[1].root, 'GET', '/thing')).toMatchObject({ status: 200 });
    await Promise.all(processes.map((process) => process.close()));
    await fresh.drop();
  });
});
