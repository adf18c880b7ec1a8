const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for a UUID in its canonical lower-case form, of any version. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);

/** A time-ordered id, so that new rows land at the end of an index (RFC 9562, UUID version 7). */
export function newId(now: number = Date.now()): string {
  const time = now.toString(16).padStart(12, '0');
  // A random UUID has its variant where version 7 has it too; only its version digit and time are replaced.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}

/** Formats the first 16 bytes as a UUID. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
