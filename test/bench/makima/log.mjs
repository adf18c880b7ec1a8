// Makima's log as its own program uses it.
import { randomUUID } from 'node:crypto';
import { migrate } from '../../../dist/libs/database/migrate.js';
import { PostgresEventStore } from '../../../dist/libs/event-store/postgres/postgres-event-store.js';
import { closedLoops } from '../measure.mjs';
import { nextJson, nextProse } from '../payloads.mjs';

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

/** Messages of 1 KB that the read models take, for a stream at some version. */
export const newMessages = (size, version) => {
  const metadata = metadataAt(new Date().toISOString());
  return Array.from({ length: size }, (_, index) => ({
    id: randomUUID(),
    type: 'MessageRecorded',
    schemaVersion: 1,
    metadata,
    body: Buffer.from(JSON.stringify({ seq: version + index + 1, role: 'assistant', content: nextProse() })),
  }));
};

/** Appends of `size` events with an expected version, each caller to a stream of its own. */
export async function makimaAppends(store, { callers, size, ms, events = newEvents }) {
  const streams = Array.from({ length: callers }, () => ({ name: `task-${randomUUID()}`, version: 0 }));
  const figures = await closedLoops({
    callers,
    ms,
    work: async (caller) => {
      const stream = streams[caller];
      const result = await store.append(stream.name, events(size, stream.version), {
        expected: stream.version,
      });
      stream.version = result.version;
    },
  });
  return { ...figures, perSecond: figures.perSecond * size };
}
