// Makima's log as its own program uses it.
import { randomUUID } from 'node:crypto';
import { migrate } from '../../../dist/libs/database/migrate.js';
import { PostgresEventStore } from '../../../dist/libs/event-store/postgres/postgres-event-store.js';
import { closedLoops } from '../measure.mjs';
import { nextJson } from '../payloads.mjs';

export const OWNER = randomUUID();

/** A migrated database with the log on it. */
export async function openLog(url) {
  await migrate(url);
  return new PostgresEventStore({ url });
}

/** The metadata of an event that happened at some time. */
export const metadataAt = (occurredAt, commandId = randomUUID()) => ({
  actor: { kind: 'user', id: 'bench' },
  ownerId: OWNER,
  occurredAt,
  commandId,
});

const newEvents = (size) => {
  const metadata = metadataAt(new Date().toISOString());
  return Array.from({ length: size }, () => ({
    id: randomUUID(),
    type: 'ToolResult',
    schemaVersion: 1,
    metadata,
    body: Buffer.from(nextJson()),
  }));
};

/** Appends of `size` events with an expected version, each caller to a stream of its own. */
export async function makimaAppends(store, { callers, size, ms, events = newEvents, streamName = () => `task-${randomUUID()}` }) {
  const streams = Array.from({ length: callers }, () => ({ name: streamName(), version: 0 }));
  const figures = await closedLoops({
    callers,
    ms,
    work: async (caller) => {
      const stream = streams[caller];
      const result = await store.append(stream.name, events(size, stream.version), { expected: stream.version });
      stream.version = result.version;
    },
  });
  return { ...figures, perSecond: figures.perSecond * size };
}
