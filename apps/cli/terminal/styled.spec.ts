import fc from 'fast-check';
import { cutToWidth, displayWidth, takeWidth } from './display-width.js';
import { cutLine, line, linesOf, lineWidth, render, span, wrapLine, type Line } from './styled.js';

const plain = (one: Line): string => render(one, false);

describe('the width of text', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['Zoë', 3],
    ['Zoe\u0308', 3],
    ['中文', 4],
    ['한글', 4],
    ['ｶﾅ', 2],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['→', 1],
    ['■', 1],
  ])('of %j is %i', (text, width) => expect(displayWidth(text)).toBe(width));

  it('limits what is taken of it', () => {
    expect(takeWidth('中文字', 5)).toBe('中文');
    expect(cutToWidth('hello world', 7)).toBe('hello…');
    expect(cutToWidth('hello', 5)).toBe('hello');
    expect(cutToWidth('中文字', 5)).toBe('中文…');
    expect(cutToWidth('hello', 0)).toBe('');
  });
});

describe('a line', () => {
  it('is coloured only where colours are wanted', () => {
    const one = line('a', span('b', 'red', 'bold'));
    expect(render(one, false)).toBe('ab');
    expect(render(one, true)).toBe('a\x1b[31m\x1b[1mb\x1b[22m\x1b[39m');
  });

  it('holds nothing that a terminal obeys, however it was made', () => {
    expect(plain(line('\x1b[1m', span('\x07').with('\x1b]0;x'), ...linesOf('a\x1b\nb')[0]!))).toBe(
      '␛[1m␛]0;xa␛',
    );
  });

  it('is cut where it is too long, and says so', () => {
    expect(plain(cutLine(line('hello ', span('big', 'red'), ' world'), 10))).toBe('hello big…');
    expect(plain(cutLine(line('hello ', span('big', 'red')), 9))).toBe('hello big');
  });

  it('is broken between words', () => {
    expect(wrapLine(line('the quick brown fox'), 10).map(plain)).toEqual(['the quick', 'brown fox']);
    expect(wrapLine(line('abcde fghij'), 5).map(plain)).toEqual(['abcde', 'fghij']);
    expect(wrapLine(line('abcdefghij'), 4).map(plain)).toEqual(['abcd', 'efgh', 'ij']);
    expect(wrapLine(line('中文字中文字'), 5).map(plain)).toEqual(['中文', '字中', '文字']);
  });

  it('keeps its indentation when it is broken, if there is room for that', () => {
    expect(wrapLine(line('  one two three'), 10).map(plain)).toEqual(['  one two', '  three']);
    expect(wrapLine(line('        one two'), 12).map(plain)[1]).toBe('two');
  });

  it('keeps looks over a break', () => {
    const [, second] = wrapLine(line(span('aaa bbb', 'red')), 4);
    expect(render(second!, true)).toBe('\x1b[31mbbb\x1b[39m');
  });

  it('never gets wider than there is room, nor loses a word', () => {
    const words = fc.array(fc.constantFrom('a', 'word', 'longerword', '中文', '👩‍👩‍👧', '  ', ' '), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(words, fc.integer({ min: 2, max: 30 }), (parts, width) => {
        const rows = wrapLine(line(...parts.map((part) => span(part, 'red'))), width);
        for (const row of rows) expect(lineWidth(row)).toBeLessThanOrEqual(width);
        expect(rows.map(plain).join('').replaceAll(' ', '')).toBe(parts.join('').replaceAll(' ', ''));
      }),
      { numRuns: 500 },
    );
  });
});
