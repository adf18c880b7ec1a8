/**
 * Which runs of three characters (trigrams) occur in an entry's texts, as a bit map: a text can only be in an entry that
 * has the bits of all its trigrams. So a search looks at few texts, under row-level security and without an index.
 * docs/adr/0011-text-search.md has the measurements.
 */

/** Bits that a map has for each trigram, so that two in five are set; a text of 1 KB takes 100 to 180 bytes. */
const BITS_EACH = 2;
/** Of a text that has more trigrams than this has room for, the signature says less. */
const MOST_BYTES = 4_096;
/** Trigrams of a search that are looked for: more of them would cost more than they exclude. */
const MOST_LOOKED_FOR = 12;
/** A trigram's hash has 16 bits. */
const HASHES = 0x10000;

/**
 * Characters without their case. 0: not in any trigram, for halves of surrogate pairs and what read models escape.
 * Whatever Postgres' lower() takes for the same is the same here too, so a dotted I and a final sigma have no forms.
 */
const FOLDED = Uint16Array.from({ length: 0x10000 }, (_, unit) => {
  if (unit >= 0xd800 && unit <= 0xe000) return 0;
  const lower = String.fromCharCode(unit).toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : unit;
});
FOLDED['İ'.charCodeAt(0)] = 'i'.charCodeAt(0);
FOLDED['ς'.charCodeAt(0)] = 'σ'.charCodeAt(0);

const { imul } = Math;

/** The hash of each trigram in any of the texts, once. */
function trigramsOf(texts: readonly string[]): Uint16Array {
  const seen = new Uint8Array(HASHES / 8);
  const hashes = new Uint16Array(texts.reduce((sum, text) => sum + text.length, 0));
  let count = 0;
  for (const text of texts) {
    let first = 0;
    let second = 0;
    for (let at = 0; at < text.length; at += 1) {
      const third = FOLDED[text.charCodeAt(at)]!;
      if (first !== 0 && second !== 0 && third !== 0) {
        const key = imul(imul(first, 0x01000193) ^ second, 0x01000193) ^ third;
        const hash = imul(key, 0x9e3779b1) >>> 16;
        if ((seen[hash >>> 3]! & (1 << (hash & 7))) === 0) hashes[count++] = hash;
        seen[hash >>> 3]! |= 1 << (hash & 7);
      }
      first = second;
      second = third;
    }
  }
  return hashes.subarray(0, count);
}

/** The bit map over all of an entry's texts. In one of `bits` bits, a trigram's stands at its hash modulo `bits`. */
export function signatureOf(texts: readonly string[]): Buffer {
  const hashes = trigramsOf(texts);
  const bytes = Math.ceil((hashes.length * BITS_EACH) / 8);
  const map = Buffer.alloc(Math.min(Math.max(bytes, 1), MOST_BYTES));
  const bits = map.length * 8;
  for (let index = 0; index < hashes.length; index += 1) {
    const place = hashes[index]! % bits;
    map[place >>> 3]! |= 1 << (place & 7);
  }
  return map;
}

/**
 * Hashes of trigrams that an entry has if it contains this text: at most twelve, from all over it. None for a text of
 * less than three characters.
 */
export function hashesOf(text: string): readonly number[] {
  const all = trigramsOf([text]);
  const step = Math.max(1, all.length / MOST_LOOKED_FOR);
  return Array.from(
    { length: Math.min(all.length, MOST_LOOKED_FOR) },
    (_, index) => all[Math.floor(index * step)]!,
  );
}
