import { startTestApp } from '#libs/testing/app.js';
import { EventStoreDbServer } from '#libs/testing/eventstoredb-server.js';
import { historyStory } from './history.story.js';

// The whole product with the log on EventStoreDB: on a real server where EVENTSTORE_URL names one, else on the small
// server in this process that speaks the same protocol.
const real = process.env['EVENTSTORE_URL'];
const stop: (() => void | Promise<void>)[] = [];

historyStory(real ? `EventStoreDB at ${real}` : 'the in-process EventStoreDB server', async () => {
  if (real) return startTestApp({ eventStoreUrl: real });
  const server = new EventStoreDbServer();
  await server.start();
  stop.push(() => server.stop());
  return startTestApp({ eventStoreUrl: server.url });
});
afterAll(async () => {
  for (const end of stop) await end();
});
