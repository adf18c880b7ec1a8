/**
 * Postgres arrays in their binary wire format. node-postgres sends a Buffer parameter as binary, so that a batch of
 * bodies reaches the server without being quoted, hex-encoded and parsed again.
 * Format: number of dimensions, has-null flag, element type's oid, length, lower bound; then for each element its
 * length (-1: null) and bytes. Source: PostgreSQL, src/backend/utils/adt/arrayfuncs.c (array_recv).
 */
const OID = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  float8: 701,
  timestamptz: 1184,
  uuid: 2950,
} as const;

/** Element types that can be sent in bulk. */
export type ArrayType = keyof typeof OID;

const HEADER = 20;
/** Microseconds from 1970 to Postgres' epoch, 2000-01-01. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

type Writer = (bytes: Buffer, at: number, value: unknown) => void;

const FIXED: Partial<Record<ArrayType, readonly [size: number, write: Writer]>> = {
  bool: [1, (b, at, v) => b.writeUInt8(v === true ? 1 : 0, at)],
  int2: [2, (b, at, v) => b.writeInt16BE(v as number, at)],
  int4: [4, (b, at, v) => b.writeInt32BE(v as number, at)],
  int8: [8, (b, at, v) => b.writeBigInt64BE(typeof v === 'bigint' ? v : BigInt(v as number), at)],
  float8: [8, (b, at, v) => b.writeDoubleBE(v as number, at)],
  uuid: [16, (b, at, v) => void b.write((v as string).replaceAll('-', ''), at, 'hex')],
  timestamptz: [8, (b, at, v) => b.writeBigInt64BE(microseconds(v as Date | string), at)],
};

function microseconds(value: Date | string): bigint {
  const ms = typeof value === 'string' ? Date.parse(value) : value.getTime();
  return BigInt(ms - POSTGRES_EPOCH_MS) * 1000n;
}

function header(type: ArrayType, length: number, hasNull: boolean, bytes: Buffer): void {
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(hasNull ? 1 : 0, 4);
  bytes.writeInt32BE(OID[type], 8);
  bytes.writeInt32BE(length, 12);
  bytes.writeInt32BE(1, 16);
}

/** Encodes values (null or undefined: SQL null) as one binary array parameter. */
export function binaryArray(type: ArrayType, values: readonly unknown[]): Buffer {
  const fixed = FIXED[type];
  return fixed ? fixedArray(type, fixed[0], fixed[1], values) : variableArray(type, values);
}

function fixedArray(type: ArrayType, size: number, write: Writer, values: readonly unknown[]): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER + values.length * (4 + size));
  let at = HEADER;
  let hasNull = false;
  for (const value of values) {
    if (value === null || value === undefined) {
      hasNull = true;
      at = bytes.writeInt32BE(-1, at);
      continue;
    }
    at = bytes.writeInt32BE(size, at);
    write(bytes, at, value);
    at += size;
  }
  header(type, values.length, hasNull, bytes);
  return at === bytes.length ? bytes : bytes.subarray(0, at);
}

function variableArray(type: ArrayType, values: readonly unknown[]): Buffer {
  let size = HEADER;
  for (const value of values) size += 4 + sizeOf(value);
  const bytes = Buffer.allocUnsafe(size);
  let at = HEADER;
  let hasNull = false;
  for (const value of values) {
    if (value === null || value === undefined) {
      hasNull = true;
      at = bytes.writeInt32BE(-1, at);
    } else if (typeof value === 'string') {
      const length = bytes.write(value, at + 4);
      at = bytes.writeInt32BE(length, at) + length;
    } else {
      const raw = value as Uint8Array;
      at = bytes.writeInt32BE(raw.length, at);
      bytes.set(raw, at);
      at += raw.length;
    }
  }
  header(type, values.length, hasNull, bytes);
  return bytes;
}

const sizeOf = (value: unknown): number =>
  value === null || value === undefined
    ? 0
    : typeof value === 'string'
      ? Buffer.byteLength(value)
      : (value as Uint8Array).length;
