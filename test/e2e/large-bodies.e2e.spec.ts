import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { startTestApp, type TestApp } from '#libs/testing/app.js';

const MB = 1_000_000;

/** Bodies at the limit of what is taken, and texts at the limit of what their columns hold. */
describe('large bodies', () => {
  let app: TestApp;
  let taskId: string;
  let bomb: Buffer;

  beforeAll(async () => {
    bomb = gzipSync(Buffer.alloc(200 * MB, 0x20));
    app = await startTestApp();
    taskId = (await app.call('POST', '/api/v1/mesh/tasks', { name: 'large' })).body['id'] as string;
  });
  afterAll(async () => {
    const { body } = await app.call('GET', '/health');
    expect(body).toMatchObject({ status: 'ok' });
    await app.close();
  });

  const activity = (content: string): string =>
    JSON.stringify({ items: [{ id: randomUUID(), kind: 'message', role: 'user', content }] });
  const post = (body: RequestInit['body'], headers = {}): Promise<Response> =>
    app.fetch(`/api/v1/mesh/tasks/${taskId}/activity`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: body!,
      ...({ duplex: 'half' } as object),
    });

  it('takes one of 20 MB, and gives it back as it was', async () => {
    const content = 'é'.repeat((20 * MB - 200) / 2);
    const recorded = await post(activity(content));
    expect(recorded.status).toBe(200);
    const { position } = (await recorded.json()) as { readonly position: string };
    const { body } = await app.call<{ messages: { content: string }[] }>(
      'GET',
      `/api/v1/mesh/tasks/${taskId}/conversation?limit=1&order=newest&minPosition=${position}`,
    );
    expect(body.messages[0]!.content === content).toBe(true);
  });

  it.each([
    ['as it is', (json: string) => post(json)],
    ['in chunks', (json: string) => post(Readable.toWeb(Readable.from([json])) as ReadableStream)],
    ['compressed', (json: string) => post(gzipSync(json), { 'content-encoding': 'gzip' })],
  ])('refuses one of 21 MB %s', async (_, send) => {
    const response = await send(activity('x'.repeat(21 * MB)));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  it('refuses what is small and grows to 200 MB', async () => {
    expect(bomb.length).toBeLessThan(MB);
    expect((await post(bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
  });

  // A text that went to a blob stopped the projection that expected it in the event, for everybody.
  it.each([
    ['x'.repeat(80_000), 201],
    ['€'.repeat(80_000), 201],
    ['x'.repeat(80_001), 422],
  ])('shows the longest description and plan whole (%#)', async (text, status) => {
    const contract = await app.call('POST', '/api/v1/contracts', { name: 'long', description: text });
    const task = await app.call('POST', '/api/v1/mesh/tasks', { name: 'long', plan: text });
    expect([contract.status, task.status]).toEqual([status, status]);
    if (status === 201)
      expect([contract.body['description'] === text, task.body['plan'] === text]).toEqual([true, true]);
  });

  it('keeps projections going where everything in an event is long', async () => {
    const call = { id: '€'.repeat(500), name: '€'.repeat(1_000), input: { text: 'x'.repeat(300_000) } };
    const files = Array.from({ length: 800 }, (_, n) => ({ path: `${n} ${'p'.repeat(4_000)}`, action: 'M' }));
    const items = [
      { id: randomUUID(), kind: 'tool_call', toolCalls: [call] },
      {
        id: randomUUID(),
        kind: 'tool_result',
        toolCallId: call.id,
        toolName: call.name,
        content: 'y'.repeat(300_000),
        files,
      },
    ];
    const { status } = await app.call('POST', `/api/v1/mesh/tasks/${taskId}/activity`, { items });
    expect([200, 413]).toContain(status);
    const { status: made } = await app.call('POST', '/api/v1/mesh/tasks', {
      name: 'n'.repeat(200),
      plan: '€'.repeat(80_000),
      copyFiles: Array.from({ length: 200 }, (_, n) => `${n} ${'f'.repeat(4_000)}`),
    });
    expect(made).toBe(201);
    await app.caughtUp();
  });
});
