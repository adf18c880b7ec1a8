import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp } from '#libs/testing/app.js';

// What a writer without a clear answer relies on: sending the same again changes nothing and says so.
let app: TestApp;
let path: string;
beforeAll(async () => {
  app = await startTestApp();
  const { body } = await app.call('POST', '/api/v1/mesh/tasks', { name: 'a task', plan: 'go on' });
  path = `/api/v1/mesh/tasks/${String(body['id'])}/activity`;
});
afterAll(() => app.close());

const output = (content: string) => ({ id: randomUUID(), kind: 'output', content });
const message = (content: string) => ({ id: randomUUID(), kind: 'message', role: 'user', content });
const send = (...items: object[]) => app.call('POST', path, { items });

describe('sending the same again', () => {
  it.each([
    ['whose events say the same wherever they stand', output],
    ['whose events are numbered by what came before', message],
  ])('is no further event, also later, for a batch %s', async (_what, item) => {
    const [one, two, three, four] = ['one', 'two', 'three', 'four'].map(item);
    const first = await send(one!, two!);
    expect(first).toMatchObject({ status: 200, body: { recorded: 2, repeated: 0 } });
    const { version, position } = first.body as { version: number; position: string };
    const again = { status: 200, body: { recorded: 0, repeated: 2, version, position } };
    expect(await send(one!, two!)).toMatchObject(again);
    expect(await send(three!)).toMatchObject({ body: { recorded: 1, repeated: 0, version: version + 1 } });
    expect(await send(one!, two!)).toMatchObject(again);
    // Some of it is new: that alone is recorded.
    expect(await send(two!, three!, four!)).toMatchObject({
      status: 200,
      body: { recorded: 1, repeated: 2, version: version + 2 },
    });
  });

  it('is refused when an id comes with another content', async () => {
    const item = output('what was said');
    expect((await send(item)).status).toBe(200);
    expect(await send({ ...item, content: 'what was not' })).toMatchObject({
      status: 409,
      body: { code: 'EVENT_ID_CONFLICT' },
    });
  });
});
