import type { ArrayType } from '#libs/database/binary-array.js';

/** A column's type; with a question mark it may be null. */
export type ColumnType = ArrayType | `${ArrayType}?`;

/**
 * A table that a projection owns. Every table has `owner_id`, on which row-level security rests. A table with
 * `superseded` keeps each row's former states: `from_position` (inclusive) and `to_position` (exclusive, null: current).
 */
export interface Table {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly key: readonly string[];
  /** What follows CREATE INDEX ON <table>, for each index besides the key's. None of them makes rows unique. */
  readonly indexes?: readonly string[];
  /** The same for those by which the projection itself finds rows: it has them from the beginning. */
  readonly ownIndexes?: readonly string[];
}

/** Postgres' name of each type. */
export const SQL_TYPE: Readonly<Record<ArrayType, string>> = {
  bool: 'boolean',
  bytea: 'bytea',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  text: 'text',
  float8: 'double precision',
  timestamptz: 'timestamptz',
  uuid: 'uuid',
};

/** The element type of a column, without its null mark. */
export const arrayType = (column: ColumnType): ArrayType => column.replace('?', '') as ArrayType;
