import { createHash } from 'node:crypto';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';

const content = Buffer.from([0, 1, 2, 255, 10, 60, 115, 99, 114, 105, 112, 116, 62]);
const sha256 = createHash('sha256').update(content).digest('hex');
const BLOB = `/api/v1/blobs/${sha256}`;

let app: TestApp;
let other: TestCaller;

beforeAll(async () => {
  app = await startTestApp();
  other = await app.secondOwner();
  await app.server.application.get(BlobStore).put(app.ownerId, [content]);
});
afterAll(() => app.close());

describe('a blob', () => {
  it('comes as the bytes that were stored, as a file to be saved', async () => {
    const response = await app.fetch(BLOB);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(content);
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(content.length),
      'content-disposition': `attachment; filename="${sha256}"`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'private, max-age=31536000, immutable',
      etag: `"${sha256}"`,
    });
  });

  it('is not sent again to who has it', async () => {
    const known = await app.fetch(BLOB, { headers: { 'if-none-match': `"${sha256}"` } });
    expect([known.status, await known.text()]).toEqual([304, '']);
    const stale = await app.fetch(BLOB, { headers: { 'if-none-match': '"another"' } });
    expect(stale.status).toBe(200);
    const head = await app.fetch(BLOB, { method: 'HEAD' });
    expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, `"${sha256}"`, '']);
  });

  it('has one address, in whatever case it is written', async () => {
    expect((await app.fetch(`/api/v1/blobs/${sha256.toUpperCase()}`)).headers.get('etag')).toBe(
      `"${sha256}"`,
    );
  });

  it('is nobody else’s, although they know its hash', async () => {
    const answer = await other.call('GET', BLOB);
    expect([answer.status, answer.body['code']]).toEqual([404, 'NOT_FOUND']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('etag')).toBeNull();
    await app.server.application.get(BlobStore).put(other.ownerId, [content]);
    expect((await other.call('GET', BLOB)).status).toBe(200);
  });

  it('that does not exist, or is no hash, is refused', async () => {
    expect((await app.call('GET', `/api/v1/blobs/${'0'.repeat(64)}`)).status).toBe(404);
    for (const wrong of ['0'.repeat(63), '0'.repeat(65), 'g'.repeat(64), '%00', '..']) {
      expect([422, 404]).toContain((await app.call('GET', `/api/v1/blobs/${wrong}`)).status);
    }
    expect((await fetch(`${app.url}${BLOB}`)).status).toBe(401);
  });

  it('holds a long text of a message, as a JSON string', async () => {
    const text = 'ü\0'.repeat(200_000);
    const task = await app.call('POST', '/api/v1/mesh/tasks', { name: 'a task', plan: '' });
    const taskId = task.body['id'] as string;
    const item = { id: crypto.randomUUID(), kind: 'message', role: 'user', content: text };
    await app.call('POST', `/api/v1/mesh/tasks/${taskId}/activity`, { items: [item] });
    const { body } = await app.call<{ events: { body: { content: { $blob: { sha256: string } } } }[] }>(
      'GET',
      `/api/v1/audit/streams/task-${taskId}?type=MessageRecorded`,
    );
    const reference = body.events[0]!.body.content.$blob.sha256;
    expect(await (await app.fetch(`/api/v1/blobs/${reference}`)).json()).toBe(text);
    expect((await other.call('GET', `/api/v1/blobs/${reference}`)).status).toBe(404);
  });
});
