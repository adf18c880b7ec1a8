import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable, Row } from '#libs/database/database.js';
import { Sql } from '#libs/database/sql.js';
import { arrayType, type Table } from './table.js';

/** What an event does to a projection's rows. Operations on one table take effect in order of their kind, see sendOperations. */
export type RowOperation =
  /** A new row. */
  | { readonly kind: 'insert'; readonly table: Table; readonly row: Row }
  /** A new row, or new values for the row of the same key. */
  | { readonly kind: 'upsert'; readonly table: Table; readonly row: Row }
  /** New values for some columns of the row of this key, if there is one. */
  | { readonly kind: 'update'; readonly table: Table; readonly key: Row; readonly set: Row }
  /** A row's next state, valid from a position; the former one is kept with its end. `key` is the table's key without from_position. */
  | {
      readonly kind: 'supersede';
      readonly table: Table;
      readonly key: Row;
      readonly row: Row;
      readonly position: bigint;
    };

export const insert = (table: Table, row: Row): RowOperation => ({ kind: 'insert', table, row });
export const upsert = (table: Table, row: Row): RowOperation => ({ kind: 'upsert', table, row });
export const update = (table: Table, key: Row, set: Row): RowOperation => ({
  kind: 'update',
  table,
  key,
  set,
});
export const supersede = (table: Table, key: Row, row: Row, position: bigint): RowOperation => ({
  kind: 'supersede',
  table,
  key,
  row,
  position,
});

type Of<Kind extends RowOperation['kind']> = Extract<RowOperation, { kind: Kind }>;

/**
 * Merges a batch's operations into one multi-row statement for each table and kind: superseding states, upserts,
 * inserts, then updates. Of several operations on one row the last wins, column by column.
 * @returns the statements under way, in the order in which they take effect.
 */
export function sendOperations(
  connection: Queryable,
  schema: string,
  operations: readonly RowOperation[],
): readonly Promise<unknown>[] {
  const sent: Promise<unknown>[] = [];
  const byTable = new Map<Table, RowOperation[]>();
  for (const operation of operations) {
    const list = byTable.get(operation.table);
    if (list) list.push(operation);
    else byTable.set(operation.table, [operation]);
  }
  for (const [table, list] of byTable) {
    const of = <Kind extends RowOperation['kind']>(kind: Kind): Of<Kind>[] =>
      list.filter((operation): operation is Of<Kind> => operation.kind === kind);
    const send = (statement: Sql): void => void sent.push(connection.query(statement));
    supersedeStatements(schema, table, of('supersede')).forEach(send);
    const upserts = lastByKey(
      of('upsert').map((operation) => operation.row),
      table.key,
    );
    if (upserts.length > 0) send(insertStatement(schema, table, upserts, true));
    const inserts = of('insert').map((operation) => operation.row);
    if (inserts.length > 0) send(insertStatement(schema, table, inserts, false));
    updateStatements(schema, table, of('update')).forEach(send);
  }
  return sent;
}

const keyOf = (row: Row, key: readonly string[]): string =>
  key.map((column) => String(row[column])).join('\u0001');

function lastByKey(rows: readonly Row[], key: readonly string[]): readonly Row[] {
  return [...new Map(rows.map((row) => [keyOf(row, key), row])).values()];
}

const target = (schema: string, table: Table): string => `"${schema}"."${table.name}"`;

function columnArrays(table: Table, columns: readonly string[], rows: readonly Row[]): Buffer[] {
  return columns.map((column) =>
    binaryArray(
      arrayType(table.columns[column]!),
      rows.map((row) => row[column]),
    ),
  );
}

const placeholders = (table: Table, columns: readonly string[]): string[] =>
  columns.map((column, index) => `$${index + 1}::${arrayType(table.columns[column]!)}[]`);

/** A statement from a text with $1 … $n already in place. */
const numbered = (text: string, values: readonly unknown[]): Sql => new Sql(text.split(/\$\d+/), values);

function insertStatement(schema: string, table: Table, rows: readonly Row[], replace: boolean): Sql {
  const columns = Object.keys(table.columns);
  const others = columns.filter((column) => !table.key.includes(column));
  const conflict = replace
    ? ` ON CONFLICT (${table.key.join(', ')}) DO UPDATE SET ${others.map((c) => `"${c}" = excluded."${c}"`).join(', ')}`
    : '';
  return numbered(
    `INSERT INTO ${target(schema, table)} (${columns.map((c) => `"${c}"`).join(', ')}) ` +
      `SELECT * FROM unnest(${placeholders(table, columns).join(', ')})${conflict}`,
    columnArrays(table, columns, rows),
  );
}

function updateStatements(schema: string, table: Table, operations: readonly Of<'update'>[]): readonly Sql[] {
  const merged = new Map<string, Row>();
  for (const { key, set } of operations) {
    const id = keyOf(key, table.key);
    merged.set(id, { ...key, ...merged.get(id), ...set });
  }
  const byShape = new Map<string, Row[]>();
  for (const row of merged.values()) {
    const shape = Object.keys(row).sort().join();
    byShape.set(shape, [...(byShape.get(shape) ?? []), row]);
  }
  return [...byShape].map(([shape, rows]) => {
    const columns = shape.split(',');
    const set = columns.filter((column) => !table.key.includes(column)).map((c) => `"${c}" = u."${c}"`);
    return numbered(
      `UPDATE ${target(schema, table)} t SET ${set.join(', ')} FROM unnest(${placeholders(table, columns).join(', ')}) ` +
        `AS u(${columns.map((c) => `"${c}"`).join(', ')}) WHERE ${table.key.map((c) => `t."${c}" = u."${c}"`).join(' AND ')}`,
      columnArrays(table, columns, rows),
    );
  });
}

function supersedeStatements(
  schema: string,
  table: Table,
  operations: readonly Of<'supersede'>[],
): readonly Sql[] {
  if (operations.length === 0) return [];
  const key = table.key.filter((column) => column !== 'from_position');
  const states = new Map<string, Map<bigint, Row>>();
  for (const operation of operations) {
    const id = keyOf(operation.key, key);
    const ofThing = states.get(id) ?? new Map<bigint, Row>();
    ofThing.set(operation.position, {
      ...operation.row,
      ...operation.key,
      from_position: operation.position,
    });
    states.set(id, ofThing);
  }
  const rows: Row[] = [];
  const closed: Row[] = [];
  for (const ofThing of states.values()) {
    const ordered = [...ofThing.values()];
    ordered.forEach((row, index) =>
      rows.push({ ...row, to_position: ordered[index + 1]?.['from_position'] ?? null }),
    );
    closed.push(ordered[0]!);
  }
  const columns = [...key, 'from_position'];
  const close = numbered(
    `UPDATE ${target(schema, table)} t SET to_position = u.from_position FROM unnest(${placeholders(table, columns).join(', ')}) ` +
      `AS u(${columns.join(', ')}) WHERE t.to_position IS NULL AND ${key.map((c) => `t."${c}" = u."${c}"`).join(' AND ')}`,
    columnArrays(table, columns, closed),
  );
  return [close, insertStatement(schema, table, rows, false)];
}
