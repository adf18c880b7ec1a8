import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
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

/** A conditional request, which frameworks answer by themselves where a route leaves the answer to them. */
async function asked(method: string): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${app.token}`, 'if-none-match': '*' };
  const sent = request(`${app.url}/api/v1/timeline/stream?after=0`, { method, headers }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

it('a follower who leaves, or who only asks whether there is a stream, is no error', async () => {
  const followed = await asked('GET');
  let told = '';
  for await (const chunk of followed) {
    told += String(chunk);
    if (told.includes('event: synced')) break;
  }
  followed.destroy();
  expect((await asked('HEAD')).statusCode).toBe(200);
  await delay(200);
  expect(errors).toEqual([]);
});
