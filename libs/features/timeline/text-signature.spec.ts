import fc from 'fast-check';
import { hashesOf, signatureOf } from './text-signature.js';

/** What the database asks of a signature: text-filter.ts. */
const mayHold = (signature: Buffer, text: string): boolean =>
  hashesOf(text).every((hash) => {
    const place = hash % (signature.length * 8);
    return (signature[place >>> 3]! & (1 << (place & 7))) !== 0;
  });

const TEXT = 'It says: “Größe”, ΟΔΟΣ, Привет, 日本語 – and "quotes", \\ and a\nnewline.';

describe('signatures', () => {
  it('never rule out a text that is there, in any case', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 3_000 }), { maxLength: 4 }),
        fc.nat(),
        fc.nat(600),
        (texts, from, length) => {
          const whole = texts[from % texts.length] ?? '';
          const start = whole.length === 0 ? 0 : from % whole.length;
          const part = whole.slice(start, start + length);
          const signature = signatureOf(texts);
          expect([part, mayHold(signature, part)]).toEqual([part, true]);
        },
      ),
      { numRuns: 500 },
    );
    const signature = signatureOf(['before', TEXT, 'after']);
    for (const text of [
      TEXT,
      TEXT.toUpperCase(),
      TEXT.toLowerCase(),
      'GRÖSSE'.replace('SS', 'ß'),
      'οδος',
      '日本語',
    ])
      expect([text, mayHold(signature, text)]).toEqual([text, true]);
  });

  it('rule out nearly every text that is not there', () => {
    const signature = signatureOf([TEXT.repeat(3)]);
    const others = Array.from({ length: 1_000 }, (_, n) => `other ${n}`);
    expect(others.filter((text) => mayHold(signature, text)).length).toBeLessThan(10);
  });

  it('do not take the end of one text and the beginning of another for a text', () => {
    expect(mayHold(signatureOf(['abc', 'def']), 'bcde')).toBe(false);
    expect(mayHold(signatureOf(['abcdef']), 'bcde')).toBe(true);
  });

  it('are as small as the text allows, and bounded', () => {
    const prose = (length: number): string =>
      Array.from({ length }, (_, n) => (n * n * 7919).toString(36))
        .join(' ')
        .slice(0, length);
    expect([signatureOf([]).length, signatureOf(['ab']).length]).toEqual([1, 1]);
    expect(signatureOf([prose(1_000)]).length).toBeLessThan(250);
    expect(signatureOf([prose(1_000_000)]).length).toBe(4_096);
  });

  it('look for at most twelve trigrams, spread over the whole text', () => {
    expect(hashesOf('ab')).toEqual([]);
    const long = Array.from({ length: 60 }, (_, n) => `word${n}`).join(' ');
    expect(new Set(hashesOf(long)).size).toBe(12);
    expect(mayHold(signatureOf([long.slice(0, 100)]), long)).toBe(false);
  });
});
