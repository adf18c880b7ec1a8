/**
 * Postgres' text and jsonb refuse NUL, and lone surrogates cannot be written as UTF-8; agents emit both. In read models
 * such a character stands as U+E000 and four hex digits, and U+E000 itself likewise, so that every text comes back as
 * it went in.
 */
const MARK = '\uE000';
const UNSAFE = /[\0\uE000]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
const ESCAPED = /\uE000([0-9a-f]{4})/g;

/** What a text column can hold for a text. */
export function escapeText(text: string): string {
  if (!text.includes('\0') && !text.includes(MARK) && text.isWellFormed()) return text;
  return text.replace(UNSAFE, (character) => MARK + character.charCodeAt(0).toString(16).padStart(4, '0'));
}

/** The text that escapeText was given. */
export const unescapeText = (text: string): string =>
  text.includes(MARK)
    ? text.replace(ESCAPED, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    : text;

/** JSON that a jsonb cast accepts: the same value with the texts in it (keys too) escaped. */
export const escapeJson = (value: unknown): string => escapeJsonText(JSON.stringify(value));

/** The same for a value that is JSON already, by JSON.stringify. */
export function escapeJsonText(json: string): string {
  // JSON.stringify writes NUL and lone surrogates as \u escapes, and nothing else that matters here.
  if (!json.includes(MARK) && !/\\u(?:0000|d[89a-f])/i.test(json)) return json;
  return JSON.stringify(mapTexts(JSON.parse(json), escapeText));
}

/** The value that escapeJson was given. */
export function unescapeJson(json: string): unknown {
  const value: unknown = JSON.parse(json);
  return json.includes(MARK) ? mapTexts(value, unescapeText) : value;
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => mapTexts(element, change));
  return Object.fromEntries(
    Object.entries(value).map(([key, element]) => [change(key), mapTexts(element, change)]),
  );
}
