import { randomUUID } from 'node:crypto';
import { testDatabase } from '#libs/testing/postgres.js';
import { PostgresEventStore } from './postgres-event-store.js';

it('wakes the followers of another process long before they look by themselves', async () => {
  const test = await testDatabase();
  const never = 60_000;
  const here = new PostgresEventStore({ url: test.url });
  const there = new PostgresEventStore({ url: test.url, pollMs: never });
  const stop = new AbortController();
  const metadata = {
    actor: { kind: 'system', id: 'test' },
    ownerId: randomUUID(),
    occurredAt: '2026-01-01T00:00:00.000Z',
  } as const;
  const note = () => ({
    id: randomUUID(),
    type: 'Noted',
    schemaVersion: 1,
    metadata,
    body: Buffer.from('{}'),
  });
  const seen: bigint[] = [];
  let last = BigInt(Number.MAX_SAFE_INTEGER);
  const following = (async () => {
    for await (const batch of there.subscribe({ after: 0n, signal: stop.signal })) {
      seen.push(...batch.map(({ position }) => position));
      if (seen.length > 0 && seen.at(-1)! >= last) break;
    }
  })();

  // The listener may not be connected yet when the first event comes: so until one arrives.
  for (let tries = 0; seen.length === 0; tries += 1) {
    await here.append('note-1', [note()], { expected: 'any' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(tries).toBeLessThan(100);
  }
  ({ position: last } = await here.append('note-1', [note()], { expected: 'any' }));
  await following;
  expect(seen.at(-1)).toBe(last);
  stop.abort();
  await here.close();
  await there.close();
  await test.drop();
});
