import fc from 'fast-check';
import { FORBIDDEN } from '../testing/forbidden.js';
import { neutralise, neutraliseLine, safeJson } from './neutralise.js';

/** Texts that are full of what terminals obey. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\x1b[31m',
        '\x1b]0;title\x07',
        '\x1b]8;;http://evil\x1b\\',
        '\x9b2J',
        '\r',
        '\n',
        '\t',
        '\b',
        '\x00',
        '\x7f',
        '\u202e',
        '\u2066',
        '\u200b',
        '\u200d',
        '\ufeff',
        '\u{e0041}',
        '\ud800',
        'ok',
        '👩‍👩‍👧',
        '❤️',
        'می‌خواهم',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));

describe('text from outside', () => {
  it.each([
    ['\x1b[31mred', '␛[31mred'],
    ['\x1b]0;owned\x07', '␛]0;owned␇'],
    ['\x9b2J', '<U+009B>2J'],
    ['a\rb', 'a␍b'],
    ['a\r\nb', 'a\nb'],
    ['a\bb\x7f\0', 'a␈b␡␀'],
    ['user\u202etxt.exe', 'user<U+202E>txt.exe'],
    ['pass\u200bword', 'pass<U+200B>word'],
    ['\ufeffx', '<U+FEFF>x'],
    ['tag\u{e0041}', 'tag<U+E0041>'],
    ['half \ud83d', 'half <U+D83D>'],
    ['line\u2028two', 'line<U+2028>two'],
    ['a\u00adb', 'a<U+00AD>b'],
    ['\u3164', '<U+3164>'],
  ])('%j is shown as %j', (text, expected) => {
    expect(neutralise(text)).toBe(expected);
  });

  it.each([
    'plain text\n\twith tabs',
    'Zoë, Ünsal, 中文, 한국어',
    '👩‍👩‍👧 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣',
    'می‌خواهم',
    'क्‍ष',
    '葛\u{e0100}城',
    '\u0600\u0661',
  ])('%j stays as it is', (text) => expect(neutralise(text)).toBe(text));

  it('keeps a joiner out where it joins nothing', () => {
    expect(neutralise('a\u200db')).toBe('a<U+200D>b');
    expect(neutralise('👩\u200d')).toBe('👩<U+200D>');
  });

  it('can never move the cursor, set the title, turn text or hide', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        // Joiners inside of emoji and words are the only invisible ones that are let through.
        expect(neutralise(text).replace(/\u200c|\u200d/g, '')).not.toMatch(FORBIDDEN);
        expect(neutraliseLine(text)).not.toMatch(/[\n\t]/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('would do all that if it were printed as it is (control)', () => {
    expect(fc.sample(hostile, 200).some((text) => FORBIDDEN.test(text))).toBe(true);
  });

  it('is the same after being made safe twice', () => {
    fc.assert(fc.property(hostile, (text) => expect(neutralise(neutralise(text))).toBe(neutralise(text))));
  });

  it('is made safe in time that grows with its length', () => {
    const long = '\u200b\x1b👩‍👧 text '.repeat(30_000);
    expect(neutralise(long).length).toBeGreaterThan(long.length);
  });
});

describe('JSON', () => {
  it('escapes what a terminal obeys', () => {
    expect(safeJson({ a: '\x1b[31m\x9b\u202e\u200b\x7f' })).toBe(
      '{"a":"\\u001b[31m\\u009b\\u202e\\u200b\\u007f"}',
    );
    expect(safeJson('\u{e0041}')).toBe('"\\udb40\\udc41"');
  });

  it('reads back as the same value, on one line or on several', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), hostile, (value, text) => {
        const whole = { value, text, [text]: 1 };
        const plain: unknown = JSON.parse(JSON.stringify(whole));
        expect(JSON.parse(safeJson(whole))).toEqual(plain);
        expect(JSON.parse(safeJson(whole, 2))).toEqual(plain);
        expect(safeJson(whole)).not.toMatch(FORBIDDEN);
        expect(safeJson(whole)).not.toContain('\n');
      }),
    );
  });

  it('of nothing is null', () => {
    expect(safeJson(undefined)).toBe('null');
  });
});
