// Writes histories through makima's log, quickly: several appends under way at once, each stream's in order.
import { randomUUID } from 'node:crypto';
import { EventCodec } from '../../../dist/libs/event-store/codec.js';
import { PostgresBlobStore } from '../../../dist/libs/event-store/postgres/postgres-blob-store.js';
import { PostgresEventStore } from '../../../dist/libs/event-store/postgres/postgres-event-store.js';
import { UPCASTERS } from '../../../dist/libs/features/projections.js';
import { Database } from '../../../dist/libs/database/database.js';
import { now, sleep } from '../measure.mjs';

const UNDER_WAY = 12;
const LARGEST_APPEND = 100;
/** The first event's time; each later one is a second after the one before. */
const BEGIN = Date.UTC(2026, 0, 1);

/**
 * A loader for one owner's events.
 * @param begin milliseconds since 1970 of the first event's time.
 */
export function openLoader(url, ownerId, begin = BEGIN) {
  const database = new Database({ url, max: 2 });
  const store = new PostgresEventStore({ url });
  const codec = new EventCodec(new PostgresBlobStore(database), UPCASTERS);
  let time = begin;
  let last = 0n;
  let count = 0;

  const envelope = (event) => ({
    event,
    id: randomUUID(),
    metadata: {
      actor: { kind: 'user', id: 'bench' },
      ownerId,
      occurredAt: new Date((time += 1000)).toISOString(),
      commandId: randomUUID(),
    },
  });

  async function append(stream, events) {
    const expected = stream.appended;
    stream.appended += events.length;
    count += events.length;
    const encoded = await codec.encode(events.map(envelope));
    for (let at = 0; at < encoded.length; at += LARGEST_APPEND) {
      const result = await store.append(stream.name, encoded.slice(at, at + LARGEST_APPEND), {
        expected: expected + at,
      });
      if (result.position > last) last = result.position;
    }
  }

  return {
    store,
    /** Appends all of { stream, events }; answers the number of events. */
    async load(batches) {
      const busy = new Map();
      const before = count;
      for (const { stream, events } of batches) {
        if (events.length === 0) continue;
        while (busy.size >= UNDER_WAY) await Promise.race(busy.values());
        const turn = (busy.get(stream) ?? Promise.resolve()).then(() => append(stream, events));
        const done = turn.then(() => busy.get(stream) === done && busy.delete(stream));
        busy.set(stream, done);
      }
      await Promise.all(busy.values());
      return count - before;
    },
    /** The position of the last event that was written. */
    get position() {
      return last;
    },
    /** The time of the last event, milliseconds since 1970. */
    get time() {
      return time;
    },
    async close() {
      await store.close();
      await database.close();
    },
  };
}

const LONGEST_STANDSTILL_MS = 60_000;

/** Waits until a server's read models reflect a position. */
export async function projected(api, position) {
  let moved = { to: -1n, at: now() };
  for (;;) {
    const health = await api.health();
    const to = BigInt(health.projected);
    if (to >= position) return;
    if (health.failedProjections)
      throw new Error(`projections failed: ${health.failedProjections.join(', ')}`);
    if (to > moved.to) moved = { to, at: now() };
    if (now() - moved.at > LONGEST_STANDSTILL_MS)
      throw new Error(`the projections stand still at ${to} of ${position}`);
    await sleep(20);
  }
}
