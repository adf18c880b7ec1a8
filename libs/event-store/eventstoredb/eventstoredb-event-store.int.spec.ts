import { EventStoreDbServer } from '#libs/testing/eventstoredb-server.js';
import { realEventStoreDb } from '#libs/testing/eventstoredb/real-server.js';
import { RecordedLog } from '#libs/testing/eventstoredb/recorded-log.js';
import { eventStoreContract, type OpenLog } from '../event-store.contract.js';
import { EventStoreDbEventStore } from './eventstoredb-event-store.js';

/** Handles on one server. */
async function openAt(url: string, stop: () => void = () => undefined): Promise<OpenLog> {
  const handles: EventStoreDbEventStore[] = [];
  const reopen = async (): Promise<EventStoreDbEventStore> => {
    const handle = await EventStoreDbEventStore.open({ url });
    handles.push(handle);
    return handle;
  };
  return {
    store: await reopen(),
    reopen,
    close: async () => {
      await Promise.all(handles.map((handle) => handle.close()));
      stop();
    },
  };
}

eventStoreContract('EventStoreDB, small in-process server', {
  gaplessPositions: false,
  open: async () => {
    const server = await new EventStoreDbServer(new RecordedLog({ statisticsEvery: 7 })).start();
    return openAt(server.url, () => server.stop());
  },
});

const real = await realEventStoreDb();
if ('notRun' in real) {
  process.stderr.write(`not run: EventStoreDB contract against a real server: ${real.notRun}\n`);
} else {
  afterAll(() => real.stop());
  eventStoreContract(`EventStoreDB, ${real.origin}`, {
    gaplessPositions: false,
    open: () => openAt(real.url),
  });
}
