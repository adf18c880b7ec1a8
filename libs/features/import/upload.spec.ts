import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { Upload } from './upload.js';

const request = (chunks: readonly Buffer[], headers: Readonly<Record<string, string>> = {}) =>
  Object.assign(Readable.from(chunks), { headers });

describe('an upload', () => {
  let upload: Upload;
  beforeEach(() => {
    upload = new Upload();
  });
  afterEach(() => upload.close());

  it('is read from any place on, as far as it goes', async () => {
    await upload.receive(request([Buffer.from('hello '), Buffer.from('world')]), 100);
    expect(upload.size).toBe(11);
    expect(upload.read(6, 5).toString()).toBe('world');
    expect(upload.read(9, 100).toString()).toBe('ld');
    expect(upload.read(100, 1)).toHaveLength(0);
  });

  it('may be packed', async () => {
    await upload.receive(request([gzipSync('hello')], { 'content-encoding': 'gzip' }), 5);
    expect(upload.read(0, 5).toString()).toBe('hello');
  });

  it('holds as much as is allowed', async () => {
    await upload.receive(request([Buffer.alloc(10)]), 10);
    expect(upload.size).toBe(10);
  });

  it.each([
    ['too much', request([Buffer.alloc(6), Buffer.alloc(5)]), 'BODY_TOO_LARGE'],
    [
      'too much once it is unpacked',
      request([gzipSync(Buffer.alloc(1_000_000))], { 'content-encoding': 'gzip' }),
      'BODY_TOO_LARGE',
    ],
    ['another encoding', request([Buffer.alloc(1)], { 'content-encoding': 'br' }), 'UNSUPPORTED_MEDIA_TYPE'],
    ['damaged data', request([Buffer.from('x')], { 'content-encoding': 'gzip' }), 'MALFORMED_REQUEST'],
  ])('refuses %s', async (_, body, code) => {
    await expect(upload.receive(body, 10)).rejects.toMatchObject({ code });
  });
});
