import type { Row } from '#libs/database/database.js';
import type { Recorded } from '#libs/kernel/event.js';
import { columnJson, columnText } from '#libs/projections/column-text.js';
import { currentStates } from '#libs/projections/current-states.js';
import { projection } from '#libs/projections/projection.js';
import { supersede, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { DaemonEvent } from './daemon.events.js';

/** A daemon as it described itself from one position to another. */
const daemonStates: Table = {
  name: 'daemon_states',
  columns: {
    daemon_id: 'uuid',
    from_position: 'int8',
    to_position: 'int8?',
    owner_id: 'uuid',
    name: 'text',
    version: 'text',
    hostname: 'text',
    capacity: 'int4',
    runners: 'text',
    refused_outputs: 'int4',
    last_refused: 'text?',
    registered_at: 'timestamptz',
  },
  key: ['daemon_id', 'from_position'],
  indexes: ['(daemon_id) WHERE to_position IS NULL', '(owner_id, registered_at) WHERE to_position IS NULL'],
};

export const daemonProjection = projection<Map<string, Row>>({
  name: 'daemon',
  version: 1,
  tables: [daemonStates],
  views: {
    daemon_states: 'SELECT * FROM {schema}.daemon_states',
    daemons: `SELECT daemon_id AS id, owner_id, name, version, hostname, capacity, runners::jsonb AS runners,
      refused_outputs, registered_at FROM {schema}.daemon_states WHERE to_position IS NULL`,
  },
  handles: ['DaemonRegistered', 'DaemonOutputRefused'],
  load: (connection, schema, batch) => currentStates(connection, schema, daemonStates, batch.map(daemonIdOf)),
  project(batch, states) {
    return (batch as readonly Recorded<DaemonEvent>[]).flatMap((recorded): RowOperation[] => {
      const id = daemonIdOf(recorded);
      const row = next(states.get(id), recorded);
      if (!row) return [];
      states.set(id, row);
      return [supersede(daemonStates, { daemon_id: id }, row, recorded.position)];
    });
  },
});

const daemonIdOf = ({ stream }: Recorded): string => stream.slice('daemon-'.length);

function next(row: Row | undefined, { event, metadata }: Recorded<DaemonEvent>): Row | null {
  if (event.type === 'DaemonRegistered') {
    const { name, version, hostname, capacity, runners } = event.data;
    return {
      owner_id: metadata.ownerId,
      refused_outputs: 0,
      last_refused: null,
      registered_at: metadata.occurredAt,
      ...row,
      name: columnText(name),
      version: columnText(version),
      hostname: columnText(hostname),
      capacity,
      runners: columnJson(runners),
    };
  }
  if (!row) return null;
  const last = { ...event.data, at: metadata.occurredAt };
  return { ...row, refused_outputs: Number(row['refused_outputs']) + 1, last_refused: columnJson(last) };
}
