/** Reading fields of JSON whose shape nobody promises: a field of another type counts as absent. */

export type JsonRecord = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const textAt = (record: JsonRecord | undefined, key: string): string | undefined => {
  const value = record?.[key];
  return typeof value === 'string' ? value : undefined;
};

/** Counts and prices beyond it are mistakes, and would not add up. */
const MOST = 1e12;

export const numberAt = (record: JsonRecord | undefined, key: string): number | undefined => {
  const value = record?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
};

/** A count: anything else that stands there counts nothing. */
export const countAt = (record: JsonRecord | undefined, key: string): number | undefined => {
  const value = numberAt(record, key);
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= MOST ? value : undefined;
};

/** US dollars; what nobody can have paid is none. */
export const dollarsAt = (record: JsonRecord | undefined, key: string): number | undefined => {
  const value = numberAt(record, key);
  return value !== undefined && value >= 0 && value <= MOST ? value : undefined;
};

export const recordAt = (record: JsonRecord | undefined, key: string): JsonRecord | undefined => {
  const value = record?.[key];
  return isRecord(value) ? value : undefined;
};

export const listAt = (record: JsonRecord | undefined, key: string): readonly unknown[] | undefined => {
  const value = record?.[key];
  return Array.isArray(value) ? value : undefined;
};

export const isTrueAt = (record: JsonRecord | undefined, key: string): boolean => record?.[key] === true;

/** Deeper JSON than this is not passed on: writing it out again overflows the stack of many readers. */
const MAX_DEPTH = 256;

/** True when objects and arrays are nested deeper than any agent nests them. Does not recurse. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return true;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      for (const child of Object.values(item)) {
        if (typeof child === 'object' && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return false;
}

/** JSON text of a value that may be too deep to write. */
export const jsonText = (value: unknown): string =>
  isTooDeep(value) ? '[nested too deeply]' : (JSON.stringify(value) ?? '');

/** The value of a JSON text, or undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
