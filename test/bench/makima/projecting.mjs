// Makima's projections in this process, as its server runs them.
import { Database } from '../../../dist/libs/database/database.js';
import { EventCodec } from '../../../dist/libs/event-store/codec.js';
import { PostgresBlobStore } from '../../../dist/libs/event-store/postgres/postgres-blob-store.js';
import { PROJECTIONS, UPCASTERS } from '../../../dist/libs/features/projections.js';
import { ProjectionRunner } from '../../../dist/libs/projections/runner.js';

/** Follows the log of a store into the read models of the same database. */
export async function startProjections(url, store) {
  const database = new Database({ url, max: 4 });
  const codec = new EventCodec(new PostgresBlobStore(database), UPCASTERS);
  const runner = new ProjectionRunner({ database, store, codec, projections: PROJECTIONS });
  await runner.start();
  return {
    codec,
    /** Events that the log has and the read models do not. */
    behind: async () => Number((await store.head()) - (await runner.lowest())),
    async stop() {
      await runner.stop();
      await database.close();
    },
  };
}
