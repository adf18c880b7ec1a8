// Emmett's rebuild of a projection, through its documented API and with its defaults.
import {
  pongoSingleStreamProjection,
  rebuildPostgreSQLProjections,
} from '@event-driven-io/emmett-postgresql';
import { nextObject } from '../payloads.mjs';
import { emmettStore } from './emmett.mjs';

const PER_STREAM = 100;

/** A store with some events of 1 KB, and a function that rebuilds a read model of them; it answers events a second. */
export async function emmettRebuild(url, events) {
  const { store, pool, close } = await emmettStore(url);
  for (let stream = 0; stream < events / PER_STREAM; stream++) {
    const batch = Array.from({ length: PER_STREAM }, () => ({ type: 'ToolResult', data: nextObject() }));
    await store.appendToStream(`session-${stream}`, batch);
  }
  let builds = 0;
  return {
    async rebuild() {
      const collectionName = `summary${(builds += 1)}`;
      const projection = pongoSingleStreamProjection({
        collectionName,
        canHandle: ['ToolResult'],
        initialState: () => ({ count: 0, tokens: 0 }),
        evolve: (state, { data }) => ({
          count: state.count + 1,
          tokens: state.tokens + data.usage.output,
          last: data.path,
        }),
      });
      const consumer = rebuildPostgreSQLProjections({ connectionString: url, projection });
      const start = performance.now();
      await consumer.start();
      const seconds = (performance.now() - start) / 1000;
      await consumer.close();
      const { rows } = await pool.query(
        `SELECT sum((data ->> 'count')::int)::int AS seen FROM ${collectionName}`,
      );
      if (rows[0].seen !== events)
        throw new Error(`Emmett's rebuild saw ${rows[0].seen} of ${events} events`);
      return { perSecond: events / seconds };
    },
    close,
  };
}
