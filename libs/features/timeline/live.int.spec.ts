import { setTimeout as delay } from 'node:timers/promises';
import { startTestApp, type TestApp } from '#libs/testing/app.js';

let app: TestApp;
const errors: string[] = [];
beforeAll(async () => {
  app = await startTestApp();
  const nothing = (): void => undefined;
  app.server.application.useLogger({
    log: nothing,
    warn: nothing,
    error: (message: unknown) => void errors.push(String(message)),
  });
});
afterAll(() => app.close());

it('a follower who leaves, or who only asks whether there is a stream, is no error', async () => {
  const leaving = new AbortController();
  const response = await app.fetch('/api/v1/timeline/stream?after=0', { signal: leaving.signal });
  let told = '';
  for await (const chunk of response.body!) {
    told += Buffer.from(chunk).toString();
    if (told.includes('event: synced')) break;
  }
  leaving.abort();
  expect((await app.fetch('/api/v1/timeline/stream', { method: 'HEAD' })).status).toBe(200);
  await delay(200);
  expect(errors).toEqual([]);
});
