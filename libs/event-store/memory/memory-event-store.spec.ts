import { eventStoreContract } from '../event-store.contract.js';
import { MemoryEventStore, MemoryLog } from './memory-event-store.js';

eventStoreContract('memory', {
  gaplessPositions: true,
  open: async () => {
    const log = new MemoryLog();
    const store = new MemoryEventStore(log);
    const handles = [store];
    return {
      store,
      reopen: async () => {
        const handle = new MemoryEventStore(log);
        handles.push(handle);
        return handle;
      },
      close: async () => {
        await Promise.all(handles.map((handle) => handle.close()));
      },
    };
  },
});
