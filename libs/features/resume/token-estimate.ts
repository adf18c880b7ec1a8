/** ASCII characters of prose and code that make up a token, about; of other scripts each character counts for one. */
const ASCII_PER_TOKEN = 4;

/** What stands around an entry of a record: its mark, a name, an id. */
export const TOKENS_AROUND = 20;

/**
 * How many tokens a text is, about. Every model counts in its own way, so this is an estimate, and is called one
 * wherever it is shown; it rather says too much than too little.
 */
export function tokensOf(text: string): number {
  let others = 0;
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) others += 1;
  return Math.ceil((text.length - others) / ASCII_PER_TOKEN) + others;
}

/** A text of at most so many tokens: its beginning and its end, and between them how much is missing. */
export function shortenedTo(text: string, tokens: number): string {
  if (tokensOf(text) <= tokens) return text;
  const note = (missing: number): string => `\n[… ${missing} characters are left out here …]\n`;
  const room = Math.max(tokens - tokensOf(note(text.length)), 0);
  // A character is a token at most, so this many always fit; of ASCII four times as many do.
  let half = Math.floor((room * ASCII_PER_TOKEN) / 2);
  const cut = (): string => {
    const [head, tail] = [text.slice(0, half), half === 0 ? '' : text.slice(-half)];
    return `${whole(head)}${note(text.length - 2 * half)}${whole(tail)}`;
  };
  while (half > 0 && tokensOf(cut()) > tokens) half = Math.floor(half * 0.8);
  return cut();
}

/** Without the half of a character that a cut has left at either end. */
const whole = (text: string): string => text.replace(/^[\uDC00-\uDFFF]/, '').replace(/[\uD800-\uDBFF]$/, '');

/** A text on one line of at most so many characters. */
export function inShort(text: string, characters: number): string {
  const line = text
    .slice(0, characters * 4)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length <= characters && text.length <= characters * 4
    ? line
    : `${whole(line.slice(0, characters))}…`;
}
