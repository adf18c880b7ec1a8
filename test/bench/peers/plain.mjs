// What a program writes that needs nothing but a table of events: node-postgres, prepared statements, one index.
import { randomUUID } from 'node:crypto';
import { closedLoops } from '../measure.mjs';
import { nextJson } from '../payloads.mjs';
import { connect, disconnect } from '../server.mjs';

const TABLE = `
  CREATE TABLE events (
    global_position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream_id text NOT NULL, version bigint NOT NULL, type text NOT NULL,
    data jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (stream_id, version))`;

const INSERT = {
  name: 'insert',
  text: 'INSERT INTO events (stream_id, version, type, data) VALUES ($1, $2, $3, $4) RETURNING global_position',
};

const INSERT_MANY = {
  name: 'insert-many',
  text: `INSERT INTO events (stream_id, version, type, data)
    SELECT $1, $2::bigint + o, t, d FROM unnest($3::text[], $4::jsonb[]) WITH ORDINALITY AS u (t, d, o)`,
};

/** A table of events with some connections. */
export async function plainEvents(url, connections) {
  const clients = await connect(url, connections);
  await clients[0].query(TABLE);
  const streams = (callers) =>
    Array.from({ length: callers }, () => ({ id: `session-${randomUUID()}`, version: 0 }));
  return {
    /** One event an insert, each caller on a connection and a stream of its own. */
    one(callers, ms) {
      const own = streams(callers);
      return closedLoops({
        callers,
        ms,
        work: (caller) => {
          const stream = own[caller];
          stream.version += 1;
          return clients[caller].query({
            ...INSERT,
            values: [stream.id, stream.version, 'ToolResult', nextJson()],
          });
        },
      });
    },
    /** Some events in one insert. */
    async many(size, ms) {
      const [stream] = streams(1);
      const types = Array(size).fill('ToolResult');
      const figures = await closedLoops({
        callers: 1,
        ms,
        work: () => {
          const bodies = Array.from({ length: size }, nextJson);
          const before = stream.version;
          stream.version += size;
          return clients[0].query({ ...INSERT_MANY, values: [stream.id, before, types, bodies] });
        },
      });
      return { ...figures, perSecond: figures.perSecond * size };
    },
    close: () => disconnect(clients),
  };
}
