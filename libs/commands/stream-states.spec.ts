import { MemoryBlobStore } from '#libs/event-store/blob-store.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { MemoryEventStore } from '#libs/event-store/memory/memory-event-store.js';
import { newId } from '#libs/kernel/ids.js';
import { StreamStates } from './stream-states.js';

const counting = { initial: 0, evolve: (count: number): number => count + 1 };
const shelf = { find: () => Promise.resolve(null), keep: () => Promise.resolve() };
const metadata = {
  actor: { kind: 'user', id: 'k' },
  ownerId: newId(),
  occurredAt: '2026-01-05T10:00:00Z',
  commandId: newId(),
} as const;

async function statesOf(...bodies: readonly string[]) {
  const store = new MemoryEventStore();
  const events = bodies.map((body) => ({
    id: newId(),
    type: 'Counted',
    schemaVersion: 1,
    metadata,
    body: Buffer.from(body),
  }));
  await store.append('task-1', events, { expected: 0 });
  const codec = new EventCodec(new MemoryBlobStore());
  return { events, states: new StreamStates(counting, 'count/1', store, codec, shelf) };
}

it('folds what a stream holds', async () => {
  const { states } = await statesOf('{}', '{}');
  expect(await states.refresh('task-1')).toMatchObject({ state: 2, version: 2 });
});

it('names the event that cannot be read', async () => {
  const { events, states } = await statesOf('{}', 'no JSON');
  await expect(states.refresh('task-1')).rejects.toMatchObject({
    code: 'EVENT_UNREADABLE',
    detail: expect.stringContaining(`Event ${events[1]!.id} (Counted, version 2 of task-1)`) as string,
  });
});
