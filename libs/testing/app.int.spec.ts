import { startTestApp, type TestApp } from './app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

describe('a test app', () => {
  it('serves the whole API to the caller that its first start made', async () => {
    const created = await app.call('POST', '/api/v1/contracts', { name: 'Login' });
    expect(created).toMatchObject({ status: 201, body: { name: 'Login', status: 'active' } });
    await app.caughtUp();
    expect((await app.call('GET', `/api/v1/contracts/${created.body['id'] as string}`)).status).toBe(200);
  });

  it('has other owners, who see nothing of it', async () => {
    const second = await app.secondOwner();
    expect(second.ownerId).not.toBe(app.ownerId);
    expect(await second.call('GET', '/api/v1/contracts')).toMatchObject({
      status: 200,
      body: { contracts: [] },
    });
    expect((await app.call('GET', '/api/v1/contracts')).body['contracts']).not.toEqual([]);
  });

  it('makes keys of every kind', async () => {
    const { body: contract } = await app.call('POST', '/api/v1/contracts', { name: 'Bound' });
    const tool = await app.key('tool', { contractId: contract['id'] as string });
    expect(await tool.call('GET', '/api/v1/contracts')).toMatchObject({
      body: { contracts: [{ name: 'Bound' }] },
    });
    expect((await tool.call('GET', '/api/v1/access/keys')).status).toBe(403);
  });
});
