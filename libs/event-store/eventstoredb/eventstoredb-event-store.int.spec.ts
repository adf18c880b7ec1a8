import { EventStoreDbServer } from '#libs/testing/eventstoredb-server.js';
import { RecordedLog } from '#libs/testing/eventstoredb/recorded-log.js';
import type { OpenLog } from '../event-store.contract.js';
import { eventStoreContract } from '../event-store.contract.js';
import { EventStoreDbEventStore } from './eventstoredb-event-store.js';

async function openAt(url: string, stop: () => void): Promise<OpenLog> {
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
