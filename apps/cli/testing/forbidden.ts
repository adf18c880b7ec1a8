/** Ranges of what a terminal would obey, or what would hide; written out, not taken from the code under test. */
const RANGES = [
  // C0 but for line feed and tab, DEL and C1.
  '\\u0000-\\u0008',
  '\\u000b-\\u001f',
  '\\u007f-\\u009f',
  // What turns the direction of text.
  '\\u061c',
  '\\u200e',
  '\\u200f',
  '\\u202a-\\u202e',
  '\\u2066-\\u2069',
  // What is not seen; joiners are left to the test, because words and emoji need them.
  '\\u180e',
  '\\u200b',
  '\\u2028',
  '\\u2029',
  '\\u2060-\\u2065',
  '\\u206a-\\u206f',
  '\\ufeff',
  '\\ufff9-\\ufffb',
  '\\u{e0001}',
  // Halves of surrogate pairs.
  '\\ud800-\\udfff',
];

/** What must never reach a terminal. */
export const FORBIDDEN = new RegExp(`[${RANGES.join('')}]`, 'u');
