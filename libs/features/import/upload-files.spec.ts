import { severalFiles } from './upload-files.js';

const frame = (name: unknown, content: string, bytes: unknown = Buffer.byteLength(content)) =>
  `${JSON.stringify({ name, bytes })}\n${content}`;

const upload = (...parts: readonly string[]) => {
  const bytes = Buffer.from(parts.join(''));
  return { size: bytes.length, read: (from: number, length: number) => bytes.subarray(from, from + length) };
};

describe('a body of several files', () => {
  it('holds each under its name', () => {
    const files = severalFiles(
      upload(frame('a/b.jsonl', '{"x":1}\n{"name":"c","bytes":1}\n'), frame('empty', ''), frame('ü', 'é')),
    );
    expect(files.map(({ name, size, bytes }) => [name, size, Buffer.from(bytes).toString()])).toEqual([
      ['a/b.jsonl', 31, '{"x":1}\n{"name":"c","bytes":1}\n'],
      ['empty', 0, ''],
      ['ü', 2, 'é'],
    ]);
  });

  it.each([
    ['nothing', [], 'must hold at least one file'],
    ['no head', ['hello'], 'file 1 must begin with a line of JSON'],
    [
      'a head without an end',
      [JSON.stringify({ name: 'a', bytes: 0 })],
      'file 1 must begin with a line of JSON',
    ],
    ['a head that is too long', [frame('x'.repeat(9_000), 'x')], 'file 1 must begin with a line of JSON'],
    ['no name', [frame(undefined, 'x')], 'file 1 must have a name'],
    ['an empty name', [frame('', 'x')], 'file 1 must have a name'],
    ['a number as a name', [frame(1, 'x')], 'file 1 must have a name'],
    ['no length', [frame('a', 'x', 'one')], 'file 1 must say how many bytes'],
    ['a negative length', [frame('a', 'x', -1)], 'file 1 must say how many bytes'],
    ['a part of a byte', [frame('a', 'x', 0.5)], 'file 1 must say how many bytes'],
    ['less than it says', [frame('a', 'x'), frame('b', 'x', 2)], 'file 2 is shorter than its head says'],
    ['a name twice', [frame('a', 'x'), frame('a', 'y')], 'file 2 has the name of another one'],
    ['something after the last', [frame('a', 'x'), '\n'], 'file 2 must begin with a line of JSON'],
  ])('with %s is refused', (_, parts, detail) => {
    let thrown: unknown;
    try {
      severalFiles(upload(...parts));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'VALIDATION_FAILED',
      options: { errors: [{ field: 'body', detail: expect.stringContaining(detail) }] },
    });
  });
});
