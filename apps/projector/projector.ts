import { PATIENT } from '#libs/database/connection.js';
import { Database } from '#libs/database/database.js';
import { migrate } from '#libs/database/migrate.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { openEventStore, type LogPlace } from '#libs/event-store/open-event-store.js';
import { PostgresBlobStore } from '#libs/event-store/postgres/postgres-blob-store.js';
import { LONG_FIELDS, PROJECTIONS, UPCASTERS } from '#libs/features/projections.js';
import { projecting } from '#libs/projections/projecting.js';

export interface ProjectorOptions extends LogPlace {
  readonly log: (line: string) => void;
}

export interface RunningProjector {
  close(): Promise<void>;
}

/**
 * Moves the projections, in turn with other processes on the same database that do: one of them holds the lease.
 * @throws UnusableDatabase, and the system's error when the database cannot be reached.
 */
export async function startProjector(options: ProjectorOptions): Promise<RunningProjector> {
  const { databaseUrl: url, log } = options;
  await migrate(url);
  const store = await openEventStore(options);
  const system = new Database({ url, max: 6, applicationName: 'makima-projector' });
  const patient = new Database({ url, max: 4, applicationName: 'makima-rebuild', timeouts: PATIENT });
  const codec = new EventCodec(new PostgresBlobStore(system), UPCASTERS, LONG_FIELDS);
  const { runner } = projecting({ database: system, store, codec, projections: PROJECTIONS, log }, patient);
  const close = async (): Promise<void> => {
    for (const part of [
      () => runner.stop(),
      () => store.close(),
      () => patient.close(),
      () => system.close(),
    ])
      await part().catch((error: Error) => log(`while stopping: ${error.message}`));
  };
  try {
    await runner.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
