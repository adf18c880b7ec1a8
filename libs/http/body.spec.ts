import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { connect } from 'node:net';
import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { listen, type Listening } from '#libs/testing/listening.js';
import { Problem } from '#libs/kernel/problem.js';
import { Requires } from './auth.guard.js';
import { depthOf, MAX_DEPTH, parseJson } from './body.js';
import { IsJson } from './fields.js';
import { StreamedBody } from './request.interceptor.js';

const LIMIT = 1_000_000;

class Anything {
  @IsJson({ description: 'any JSON', optional: true }) value?: unknown;
}

@Requires()
@Controller()
class Sink {
  @Post('json') @HttpCode(200) json(@Body() body: Anything): unknown {
    return { length: JSON.stringify(body.value ?? null).length };
  }
  @Post('nothing') @HttpCode(200) nothing(): unknown {
    return {};
  }
  @Post('lines') @HttpCode(200) @StreamedBody('application/x-ndjson') async lines(
    @Req() request: Request,
  ): Promise<unknown> {
    let bytes = 0;
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    return { bytes };
  }
}

let server: Listening;
beforeAll(async () => {
  server = await listen({ controllers: [Sink], http: { maxBodyBytes: LIMIT } });
});
afterAll(() => server.close());

async function post(
  body: Uint8Array | string,
  headers: Record<string, string> = {},
  path = '/json',
): Promise<Record<string, unknown>> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { authorization: 'Bearer alice', 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

describe('a JSON body', () => {
  it('is read up to the limit', async () => {
    const fitting = `{"value":"${'x'.repeat(LIMIT - 12)}"}`;
    expect(fitting.length).toBe(LIMIT);
    expect(await post(fitting)).toMatchObject({ status: 200 });
    expect(await post(`${fitting} `)).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  it('that is far too long is answered, and the connection can be used again', async () => {
    for (let round = 0; round < 3; round += 1) {
      expect(await post(Buffer.alloc(20 * LIMIT, 0x20))).toMatchObject({ status: 413 });
      expect(await post('{}')).toMatchObject({ status: 200 });
    }
  });

  it('that is far too long without a declared length is read to its end, so that the connection goes on', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    let answers = '';
    socket
      .setEncoding('utf8')
      .on('data', (text: string) => (answers += text))
      .on('error', () => undefined);
    const head =
      'POST /json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\n';
    const chunk = `${(LIMIT / 10).toString(16)}\r\n${' '.repeat(LIMIT / 10)}\r\n`;
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(100)}0\r\n\r\n`);
    socket.write(`${head}Content-Length: 2\r\nConnection: close\r\n\r\n{}`);
    await new Promise((resolve) => socket.on('close', resolve));
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('may be compressed by %s, and is measured after it', async (encoding, compress) => {
    const headers = { 'content-encoding': encoding };
    expect(await post(compress('{"value":"abc"}'), headers)).toMatchObject({ status: 200, length: 5 });
    expect(await post(compress(Buffer.alloc(50 * LIMIT, 0x20)), headers)).toMatchObject({ status: 413 });
    expect(await post('{"value":"abc"}', headers)).toMatchObject({ status: 400, code: 'MALFORMED_REQUEST' });
  });

  it.each([
    ['text', { 'content-type': 'text/plain' }],
    ['no named type', { 'content-type': '' }],
    ['form data', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['another charset', { 'content-type': 'application/json; charset=latin1' }],
    ['another encoding', { 'content-encoding': 'compress' }],
    ['an encoding named like a property of objects', { 'content-encoding': 'constructor' }],
  ])('is refused as %s', async (_, headers) => {
    expect(await post('{}', headers)).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
  });

  it.each(['application/json; charset="UTF-8"', 'Application/JSON', 'application/merge-patch+json'])(
    'may be %s',
    async (type) => {
      expect(await post('{}', { 'content-type': type })).toMatchObject({ status: 200 });
    },
  );

  it.each([
    '{',
    '{"value":}',
    '{"value":1,}',
    "{'value':1}",
    'undefined',
    '{}{}',
    ' ',
    '{"value":NaN}',
    '{"value":"\n"}',
  ])('%j is no JSON', async (text) => {
    const got = await post(text);
    expect(got).toMatchObject({ status: 400, code: 'MALFORMED_JSON' });
  });

  it('is refused with bytes that are no UTF-8', async () => {
    const bytes = Buffer.from('{"value":"a?b"}');
    for (const wrong of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      const damaged = Buffer.concat([bytes.subarray(0, 11), Buffer.from(wrong), bytes.subarray(12)]);
      expect(await post(damaged)).toMatchObject({ status: 400, code: 'INVALID_UTF8' });
    }
  });

  it('may begin with a byte order mark', async () => {
    expect(await post('\ufeff{"value":1}')).toMatchObject({ status: 200 });
  });

  it('is refused when it is too deep, however deep that is', async () => {
    for (const depth of [MAX_DEPTH, 10_000, 400_000]) {
      const text = `{"value":${'['.repeat(depth)}${']'.repeat(depth)}}`;
      expect(await post(text)).toMatchObject({ status: 422, code: 'TOO_DEEP', errors: [{ field: 'body' }] });
    }
    const allowed = MAX_DEPTH - 1;
    expect(await post(`{"value":${'['.repeat(allowed)}${']'.repeat(allowed)}}`)).toMatchObject({
      status: 200,
    });
  });

  it('is refused by a route that takes none', async () => {
    expect(await post('{"x":1}', {}, '/nothing')).toMatchObject({ status: 422, errors: [{ field: 'body' }] });
    expect(await post('{}', {}, '/nothing')).toMatchObject({ status: 200 });
  });

  it('is not read without a key', async () => {
    expect(await post('{', { authorization: 'Bearer nobody' })).toMatchObject({ status: 401 });
  });
});

it('a streamed body is left to its route, which names its media types', async () => {
  const ndjson = { 'content-type': 'application/x-ndjson' };
  expect(await post(Buffer.alloc(3 * LIMIT, 0x20), ndjson, '/lines')).toMatchObject({
    status: 200,
    bytes: 3 * LIMIT,
  });
  expect(await post('{}', {}, '/lines')).toMatchObject({ status: 415 });
});

it('a client that leaves in the middle of its body harms nobody', async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const head =
    'POST /json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\n';
  await new Promise<void>((resolve) =>
    socket.write(`${head}Content-Length: 100\r\n\r\n{"value"`, () => resolve()),
  );
  socket.resetAndDestroy();
  expect(await post('{}')).toMatchObject({ status: 200 });
});

describe('depth', () => {
  it.each([
    ['1', 0],
    ['[]', 1],
    ['[[],[[]]]', 3],
    ['{"a":{"b":[]}}', 3],
    ['"[[["', 0],
    [String.raw`["\"[[", "\\", "[\\\"["]`, 1],
    ['"unclosed [[', 0],
    [String.raw`["\\\\",[]]`, 2],
  ])('of %s is %i', (json, depth) => {
    expect(depthOf(Buffer.from(json), 100)).toBe(depth);
  });

  it('is that of the parsed value', () => {
    const deep = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(deep)) : 0;
    const values = [{ 'k"[': ['\\', '"', '\\"', { a: [{}] }] }, [['{'], '[\\\\"'], { '\\': [[]] }];
    for (const value of values) expect(depthOf(Buffer.from(JSON.stringify(value)), 100)).toBe(deep(value));
  });

  it('is counted no further than asked', () => {
    expect(depthOf(Buffer.from('['.repeat(1_000)), 10)).toBe(11);
    expect(() => parseJson(Buffer.from('['.repeat(1_000)))).toThrow(Problem);
  });
});
