import { BlobReference, isBlobReference, type ReferenceJson } from '#libs/kernel/blob-reference.js';

/** In stored JSON, keys of the data that look like a reference's have one `$` more than they were given. */
const LOOKALIKE = /^\$+blob$/;
const MARK = '$blob":';

/** JSON of a value that may hold references, in which they can be told from data that looks like one. */
export function toStoredJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.includes(MARK) ? JSON.stringify(disguised(value)) : json;
}

/** The value that `toStoredJson` was given. */
export const fromStoredJson = (json: string): unknown => withReferences(JSON.parse(json), json);

/** What was parsed from stored JSON, with its references, and with its keys as they were given. */
export const withReferences = (value: unknown, json: string): unknown =>
  json.includes(MARK) ? revived(value) : value;

function disguised(value: unknown): unknown {
  if (isBlobReference(value)) return value;
  return mapEntries(value, disguised, (key) => `$${key}`);
}

function revived(value: unknown): unknown {
  return referenceIn(value) ?? mapEntries(value, revived, (key) => key.replace('$$', '$'));
}

function mapEntries(
  value: unknown,
  change: (value: unknown) => unknown,
  rename: (key: string) => string,
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(change);
  return Object.fromEntries(
    Object.entries(value).map(([key, element]) => [LOOKALIKE.test(key) ? rename(key) : key, change(element)]),
  );
}

const SHA256 = /^[0-9a-f]{64}$/;
const FIELDS = new Set(['sha256', 'bytes', 'preview', 'items']);

function referenceIn(value: unknown): BlobReference | null {
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== '$blob') return null;
  const { $blob } = value as { readonly $blob: Partial<ReferenceJson> | null };
  if (typeof $blob !== 'object' || $blob === null) return null;
  const { sha256, bytes, preview, items } = $blob;
  const isOne =
    Object.keys($blob).every((key) => FIELDS.has(key)) &&
    typeof sha256 === 'string' &&
    SHA256.test(sha256) &&
    Number.isSafeInteger(bytes) &&
    (Array.isArray(preview)
      ? Number.isSafeInteger(items)
      : typeof preview === 'string' && items === undefined);
  return isOne ? new BlobReference(sha256, bytes!, preview!, items) : null;
}
