import { readLines } from './line-reader.js';
import type { SourceLine } from './line-reader.js';

const read = (text: string | Uint8Array): SourceLine[] => [
  ...readLines(typeof text === 'string' ? Buffer.from(text) : text),
];

const shape = (lines: readonly SourceLine[]): unknown[] =>
  lines.map((line) => [line.number, line.byteOffset, line.kind === 'record' ? line.value : line.kind]);

describe('readLines', () => {
  test('numbers lines from 1 and places them by byte', () => {
    expect(shape(read('{"a":"ä"}\n\n{"b":2}\n'))).toEqual([
      [1, 0, { a: 'ä' }],
      [2, 11, 'blank'],
      [3, 12, { b: 2 }],
    ]);
  });

  test('reads a last line without an end, CRLF and a byte order mark', () => {
    expect(shape(read('\uFEFF{"a":1}\r\n \t\r\n{"b":2}'))).toEqual([
      [1, 0, { a: 1 }],
      [2, 12, 'blank'],
      [3, 16, { b: 2 }],
    ]);
  });

  test('the text of a line has neither mark nor end', () => {
    const [line] = read('\uFEFF{"a":1}\r\n');
    expect(line).toMatchObject({ kind: 'record', text: '{"a":1}' });
  });

  test('knows comments', () => {
    expect(shape(read('// a gist\n  // another\n{"a":1}'))).toEqual([
      [1, 0, 'comment'],
      [2, 10, 'comment'],
      [3, 23, { a: 1 }],
    ]);
  });

  test('says of an invalid line where it is and never quotes it', () => {
    const [line, next] = read('{"a": secret}\n{"b":1}\n');
    expect(line).toMatchObject({ kind: 'invalid', number: 1, byteOffset: 0 });
    expect(JSON.stringify(line)).not.toContain('secret');
    expect(next).toMatchObject({ kind: 'record' });
  });

  test.each(['[1]', '"text"', '12', 'null', 'true'])('%s is no record', (text) => {
    expect(read(`${text}\n`)).toMatchObject([{ kind: 'invalid', reason: 'not a JSON object' }]);
  });

  test('says of a last line that is cut that the file ends in it', () => {
    expect(read('{"a":1}\n{"b":')).toMatchObject([
      { kind: 'record' },
      { kind: 'invalid', number: 2, byteOffset: 8, reason: 'the file ends within this line' },
    ]);
  });

  test('replaces bytes that are not UTF-8, and tells the line', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"x'), Buffer.from([0xff]), Buffer.from('"}\n{"b":1}\n')]);
    expect(read(bytes)).toMatchObject([
      { kind: 'record', value: { a: 'x\uFFFD' }, replacedBytes: true },
      { kind: 'record', replacedBytes: false },
    ]);
  });

  test('reads a line of over 2 MB', () => {
    const long = 'x'.repeat(3_000_000);
    expect(read(`{"a":"${long}"}\n{"b":1}`)).toMatchObject([
      { value: { a: long } },
      { number: 2, value: { b: 1 } },
    ]);
  });

  test('reads a part of a larger buffer', () => {
    const whole = Buffer.from('junk{"a":1}junk');
    expect(read(new Uint8Array(whole.buffer, whole.byteOffset + 4, 7))).toMatchObject([{ value: { a: 1 } }]);
  });

  test('an empty file has no lines', () => {
    expect(read('')).toEqual([]);
  });
});
