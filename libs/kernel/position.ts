/** Positions leave the process as text, because they exceed what a JSON number holds. Opaque to clients. */
export const positionToken = (position: bigint): string => position.toString();

const MAX_POSITION = 2n ** 63n - 1n;

/** Reads a position (1 to 19 digits); undefined if the text is none. */
export function parsePosition(text: string): bigint | undefined {
  if (!/^\d{1,19}$/.test(text)) return undefined;
  const position = BigInt(text);
  return position <= MAX_POSITION ? position : undefined;
}

const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/i;

/**
 * Reads an ISO 8601 date-time with a zone, years 0001 to 9999; undefined for anything else, also for a day that its
 * month does not have. Digits beyond milliseconds are cut.
 */
export function parseInstant(text: string): Date | undefined {
  const parts = INSTANT.exec(text);
  if (!parts) return undefined;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > days) return undefined;
  const date = new Date(text.toUpperCase().replace(/([+-]\d\d):?(\d\d)$/, '$1:$2'));
  // With its offset applied, a time at either end may leave the years that can be stored and read.
  const utcYear = date.getUTCFullYear();
  return utcYear >= 1 && utcYear <= 9999 ? date : undefined;
}

/** A point in the log's past: a position (inclusive), or the time until which it was recorded (inclusive). */
export type AsOf = { readonly position: bigint } | { readonly time: Date };

/** Reads `asOf`: digits are a position, an ISO 8601 date-time is a time. */
export function parseAsOf(text: string): AsOf | undefined {
  const position = parsePosition(text);
  if (position !== undefined) return { position };
  const time = parseInstant(text);
  return time && { time };
}
