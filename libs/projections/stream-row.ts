import type { Row } from '#libs/database/database.js';
import type { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { Projection } from './projection.js';
import type { RowOperation } from './row-operation.js';
import type { Table } from './table.js';

/**
 * The last state of a stream's thing as a projection of such states makes it (one that supersedes, and whose look-up is
 * the map of states by id), in the form in which the database would give it; null for an unknown stream.
 */
export async function rowOfStream<R extends object>(
  store: EventStore,
  codec: EventCodec,
  projection: Projection,
  stream: string,
): Promise<R | null> {
  const stored = await store.readStream(stream);
  const handled = stored.filter(({ type }) => projection.handles.includes(type));
  const operations = projection.project(
    handled.map((event) => codec.decode(event)),
    new Map<string, Row>(),
  );
  const last = operations.findLast(isSupersede);
  return last ? (asRead(last.table, { ...last.row, ...last.key }) as R) : null;
}

const isSupersede = (operation: RowOperation): operation is Extract<RowOperation, { kind: 'supersede' }> =>
  operation.kind === 'supersede';

const asRead = ({ columns }: Table, row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (value === null) return [column, null];
      if (columns[column]?.startsWith('timestamptz')) return [column, new Date(value as string)];
      return [column, columns[column]?.startsWith('int8') ? BigInt(value as bigint | number) : value];
    }),
  );
