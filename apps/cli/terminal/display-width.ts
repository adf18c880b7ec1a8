const ASCII = /^[\x20-\x7e]*$/;
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** East Asian Wide and Fullwidth (UAX #11), and what is drawn as a picture. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}]/u;
const PICTURE = /^\p{Emoji}\ufe0f/u;

/** What a reader sees as one character. */
export function* graphemes(text: string): Generator<string, void, undefined> {
  if (ASCII.test(text)) yield* text;
  else for (const { segment } of SEGMENTER.segment(text)) yield segment;
}

/** Columns that a grapheme takes in a terminal. */
export function graphemeWidth(grapheme: string): number {
  if (ASCII.test(grapheme)) return grapheme.length;
  if (NO_WIDTH.test(grapheme)) return 0;
  const first = String.fromCodePoint(grapheme.codePointAt(0)!);
  return WIDE.test(first) || PICTURE.test(grapheme) ? 2 : 1;
}

/** Columns that a line of text takes in a terminal. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemes(text)) width += graphemeWidth(grapheme);
  return width;
}

/** The longest beginning of a text that takes at most so many columns. */
export function takeWidth(text: string, width: number): string {
  let taken = '';
  let left = width;
  for (const grapheme of graphemes(text)) {
    left -= graphemeWidth(grapheme);
    if (left < 0) break;
    taken += grapheme;
  }
  return taken;
}

/** A text that fits into so many columns; what was cut off shows as `…`. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  return width < 1 ? '' : `${takeWidth(text, width - 1).trimEnd()}…`;
}
