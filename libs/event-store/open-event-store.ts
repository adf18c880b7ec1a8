import { UnusableDatabase } from '#libs/database/unusable-database.js';
import type { EventStore } from './event-store.js';
import { PostgresEventStore } from './postgres/postgres-event-store.js';

/** Where the log is: in Postgres, or on EventStoreDB where that is set. */
export interface LogPlace {
  readonly databaseUrl: string;
  readonly eventStoreUrl?: string;
}

/** Opens the log. @throws UnusableDatabase when EventStoreDB cannot be used. */
export async function openEventStore({ databaseUrl, eventStoreUrl }: LogPlace): Promise<EventStore> {
  if (!eventStoreUrl) return new PostgresEventStore({ url: databaseUrl });
  // Loaded only where it is used: its client brings a gRPC stack along.
  const { EventStoreDbEventStore } = await import('./eventstoredb/eventstoredb-event-store.js');
  try {
    return await EventStoreDbEventStore.open({ url: eventStoreUrl });
  } catch (error) {
    const reason = (error as Error).message.replace(/\s*\n\s*/g, ' ');
    throw new UnusableDatabase(`${reason}: check EVENTSTORE_URL, and that the server runs`, { cause: error });
  }
}
