/**
 * Characters that a terminal obeys instead of showing, or that show nothing: control characters, those that turn the
 * direction of text, zero-width and other invisible ones, line separators, and halves of surrogate pairs.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const HIDDEN_EVERYWHERE = new RegExp(HIDDEN.source, 'gu');

/** Emoji that Unicode recommends, with the joiners and selectors that belong to them. `v`: properties of strings. */
const EMOJI = new RegExp('(\\p{RGI_Emoji})', 'v');

/** Signs of Arabic, Syriac and Kaithi script that count as format characters, although they are seen. */
const VISIBLE_FORMAT = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u;

/** Scripts in which a joiner between two letters changes how these are written. */
const JOINING =
  /[\p{sc=Arabic}\p{sc=Syriac}\p{sc=Devanagari}\p{sc=Bengali}\p{sc=Gurmukhi}\p{sc=Gujarati}\p{sc=Oriya}\p{sc=Tamil}\p{sc=Telugu}\p{sc=Kannada}\p{sc=Malayalam}\p{sc=Sinhala}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tibetan}]/u;

/**
 * Makes text from outside safe to print: nothing in it can move the cursor, change colours, set the title, make links,
 * turn the direction of what stands beside it or hide. What is taken out stays visible: ESC as ␛, others such as
 * <U+202E>. Line feeds and tabs stay; CR LF becomes LF. Doing it twice changes nothing more.
 */
export function neutralise(text: string): string {
  const lines = text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
  if (!needsWork(lines)) return lines;
  return lines
    .split(EMOJI)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(HIDDEN_EVERYWHERE, shown)))
    .join('');
}

/** One line of text: like `neutralise`, with line feeds made visible and tabs as spaces. */
export const neutraliseLine = (text: string): string =>
  neutralise(text).replaceAll('\n', '␊').replaceAll('\t', '    ');

// The usual text has nothing but line feeds and tabs; looking for those costs less than looking properties up.
const needsWork = (text: string): boolean => !/^[\n\t\x20-\x7e]*$/.test(text) && HIDDEN.test(text);

function shown(char: string, at: number, text: string): string {
  if (char === '\n' || char === '\t') return char;
  const code = char.codePointAt(0)!;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '␡';
  if (VISIBLE_FORMAT.test(char) || belongs(code, text.slice(0, at), text.slice(at + char.length, at + 2)))
    return char;
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

/** Whether an invisible character does what it is meant for, judged by what stands around it. */
function belongs(code: number, before: string, after: string): boolean {
  const previous = lastCharacter(before);
  if (previous === undefined || HIDDEN.test(previous) || /\s/.test(previous)) return false;
  if (code >= 0xfe00 && code <= 0xfe0f) return true;
  if (code >= 0xe0100 && code <= 0xe01ef) return /\p{sc=Han}/u.test(previous);
  const joiner = code === 0x200c || code === 0x200d;
  return joiner && JOINING.test(previous) && JOINING.test(after);
}

function lastCharacter(text: string): string | undefined {
  const last = text.at(-1);
  const pair = text.slice(-2);
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(pair) ? pair : last;
}

/**
 * JSON in which everything that a terminal might obey, or that would not be seen, is escaped (`\u001b`): it reads back
 * as the same value.
 * @param indent spaces per level; none gives one line.
 */
export function safeJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, null, indent) ?? 'null';
  if (!needsWork(json)) return json;
  return json.replace(HIDDEN_EVERYWHERE, (char) => (char === '\n' ? char : escaped(char)));
}

const escaped = (char: string): string =>
  Array.from(
    { length: char.length },
    (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
