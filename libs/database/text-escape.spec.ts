import fc from 'fast-check';
import { escapeJson, escapeText, unescapeJson, unescapeText } from './text-escape.js';

/** Any UTF-16 there is, with much of what is awkward. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0xd800, 0xdc00, 0xe000, 0x30)))
  .map((units) => String.fromCharCode(...units));

describe('text in read models', () => {
  it('holds every text reversibly, as something that UTF-8 and Postgres accept', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const escaped = escapeText(text);
        expect(escaped.isWellFormed()).toBe(true);
        expect(escaped).not.toContain('\0');
        expect(unescapeText(escaped)).toBe(text);
      }),
    );
  });

  it('holds every JSON value reversibly', () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        anyText,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(anyText, tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        const escaped = escapeJson(value);
        expect(escaped).not.toMatch(/\\u0000|\\ud[89a-f]/i);
        expect(unescapeJson(escaped)).toEqual(value);
      }),
    );
  });

  it('leaves ordinary text alone', () => {
    expect(escapeText('plain, with 🙂 and é')).toBe('plain, with 🙂 and é');
  });
});
