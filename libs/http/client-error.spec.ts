import { connect } from 'node:net';
import { Controller, Get } from '@nestjs/common';
import { listen, type Listening } from '#libs/testing/listening.js';
import { Public } from './auth.guard.js';

@Controller('here')
class HereController {
  @Public() @Get() here(): { readonly here: boolean } {
    return { here: true };
  }
}

describe('a request that cannot be read', () => {
  let server: Listening;
  beforeAll(async () => {
    server = await listen({ controllers: [HereController] });
  });
  afterAll(() => server.close());

  /** What the server says to bytes before it hangs up. */
  const said = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString('utf8')));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
  const bodyOf = (text: string): unknown => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['a method that nobody knows', 'FETCH-IT /here HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a header without a name', 'GET /here HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n'],
    ['two lengths', 'POST /here HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
    [
      'a length and chunks',
      'POST /here HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('is answered by a problem: %s', async (_, bytes) => {
    const text = await said(bytes);
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json\r\n/);
    expect(bodyOf(text)).toMatchObject({
      status: 400,
      code: 'MALFORMED_REQUEST',
      traceId: expect.any(String),
    });
  });

  it('says that its head is too large', async () => {
    const text = await said(`GET /here?${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(bodyOf(text)).toMatchObject({ code: 'HEADERS_TOO_LARGE', title: 'Headers too large' });
  });

  it('answers HEAD without a body', async () => {
    const text = await said(`HEAD /here?${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 431 [\s\S]*\r\n\r\n$/);
  });

  it('harms nobody else', async () => {
    expect((await server.call('GET', '/here')).status).toBe(200);
  });
});
