// Event bodies of about 1 KB: seeded, so that every run writes the same, and word-like, so that they compress as prose
// and code do (neither like a repeated letter nor like random bytes).
import { randomUUID } from 'node:crypto';

let seed = 42;

/** A number from 0 to 1 (exclusive), the same ones in every run. */
export const random = () => (seed = (seed * 1664525 + 1013904223) >>> 0) / 2 ** 32;

export const below = (count) => Math.floor(random() * count);

const LETTERS = 'etaoinshrdlucmfwypvbgkjqxz';
const word = () =>
  Array.from({ length: 2 + below(9) }, () => LETTERS[Math.floor(random() ** 2 * 26)]).join('');
const WORDS = Array.from({ length: 2000 }, word);

/** Text of some length; frequent words are more frequent, as in any text. */
export function prose(length) {
  let text = '';
  while (text.length < length) {
    text += WORDS[Math.floor(random() ** 2 * WORDS.length)] + (random() < 0.08 ? '.\n' : ' ');
  }
  return text.slice(0, length);
}

function payload(bytes) {
  const body = {
    sessionId: randomUUID(),
    turn: below(1000),
    tool: 'edit_file',
    path: `src/part${below(90)}/file.ts`,
    usage: { input: below(100_000), output: below(4000) },
    ok: true,
    text: '',
  };
  return { ...body, text: prose(bytes - JSON.stringify(body).length - 8) };
}

const COUNT = 512;
const OBJECTS = Array.from({ length: COUNT }, () => payload(1024));
const TEXTS = OBJECTS.map((object) => JSON.stringify(object));
const PROSE = Array.from({ length: COUNT }, () => prose(1024));
let next = 0;

/** The next payload as an object, as JSON, or only a text of 1 KB. */
export const nextObject = () => OBJECTS[next++ % COUNT];
export const nextJson = () => TEXTS[next++ % COUNT];
export const nextProse = () => PROSE[next++ % COUNT];
