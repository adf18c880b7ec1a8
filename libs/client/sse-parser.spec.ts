import fc from 'fast-check';
import { SseParser, type ServerEvent } from './sse-parser.js';

const read = (text: string): readonly ServerEvent[] => new SseParser().feed(text);

describe('events of a live stream', () => {
  it('have an id, a name and data', () => {
    expect(read('id: 7\nevent: entry\ndata: {"a":1}\n\n')).toEqual([
      { id: '7', event: 'entry', data: '{"a":1}' },
    ]);
  });

  it('are called message, and keep the last id, where the stream says nothing', () => {
    expect(read('id: 7\n\ndata: x\n\n')).toEqual([{ id: '7', event: 'message', data: 'x' }]);
  });

  it('may have data of several lines, and an unnamed field loses one space at most', () => {
    expect(read('data: a\ndata:  b\ndata:c\ndata\n\n')[0]?.data).toBe('a\n b\nc\n');
  });

  it.each(['\n', '\r', '\r\n'])('end their lines with %j', (end) => {
    const text = ['event: e', 'data: 1', '', 'data: 2', '', ''].join(end);
    // A last CR may be half of a CR LF.
    expect(read(`${text}x`)).toEqual([
      { id: '', event: 'e', data: '1' },
      { id: '', event: 'message', data: '2' },
    ]);
  });

  it('are not comments, unknown fields, events without data, or ids with NUL', () => {
    expect(read(': hello\n\nfoo: bar\ndata: 1\n\nevent: lost\n\nid: a\0b\ndata: 2\n\n')).toEqual([
      { id: '', event: 'message', data: '1' },
      { id: '', event: 'message', data: '2' },
    ]);
  });

  it('wait for their blank line', () => {
    const parser = new SseParser();
    expect(parser.feed('data: half')).toEqual([]);
    expect(parser.feed(' and half\n')).toEqual([]);
    expect(parser.feed('\n')).toEqual([{ id: '', event: 'message', data: 'half and half' }]);
  });

  it('may begin with a byte order mark', () => {
    expect(read('\ufeffdata: 1\n\n')).toHaveLength(1);
  });

  it('say how long to wait before connecting again', () => {
    const parser = new SseParser();
    parser.feed('retry: 250\n\nretry: soon\n\n');
    expect(parser.retryMs).toBe(250);
  });

  it('are the same, however the text is cut into pieces', () => {
    const piece = fc.constantFrom(
      'id: 1',
      'data: x',
      'data: é\u{1f600}',
      'event: e',
      ':c',
      '\n',
      '\n\n',
      '\r',
      '\r\n',
      'a',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.array(fc.nat({ max: 200 }), { maxLength: 10 }),
        (parts, cuts) => {
          const text = `${parts.join('')}\nend`;
          const places = [...new Set(cuts.map((cut) => cut % text.length))].sort((a, b) => a - b);
          const parser = new SseParser();
          const pieces = [0, ...places].map((from, index) => text.slice(from, places[index] ?? text.length));
          expect(pieces.flatMap((one) => parser.feed(one))).toEqual(read(text));
        },
      ),
    );
  });
});
