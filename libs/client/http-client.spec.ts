import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeMakima, problem } from './testing/fake-makima.js';
import { ApiError, UnexpectedAnswerError, UnreachableError } from './api-error.js';
import { HttpClient, queryText } from './http-client.js';

describe('the client', () => {
  let fake: FakeMakima;
  let http: HttpClient;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    http = new HttpClient({ url: fake.url, token: 'mk_user_secret', retryMs: 1 });
  });
  afterEach(() => fake.stop());

  it('sends its key, and gets JSON', async () => {
    fake.on('GET /thing', { a: 1 });
    expect(await http.get('/thing', { limit: 5, none: undefined, list: ['a', 'b'] })).toEqual({ a: 1 });
    expect(fake.last.headers).toMatchObject({
      authorization: 'Bearer mk_user_secret',
      accept: 'application/json',
    });
    expect(fake.last.query).toEqual({ limit: '5', list: ['a', 'b'] });
  });

  it('sends no key where it has none, and another owner where it was given one', async () => {
    fake.on('GET /thing', {});
    await new HttpClient({ url: fake.url, token: undefined, owner: 'owner-1' }).get('/thing');
    expect(fake.last.headers).not.toHaveProperty('authorization');
    expect(fake.last.headers).toMatchObject({ 'x-makima-owner': 'owner-1' });
  });

  it('names every POST by a key of its own', async () => {
    fake.on('POST /thing', {});
    await http.post('/thing', { a: 1 });
    await http.post('/thing', { a: 1 });
    const keys = fake.seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(keys).size).toBe(2);
    expect(fake.last.body).toEqual({ a: 1 });
  });

  it('repeats a request whose connection broke, under the same key', async () => {
    let calls = 0;
    fake.on('POST /thing', (_, response) => {
      calls += 1;
      if (calls < 3) return void response.socket?.destroy();
      return { calls };
    });
    expect(await http.post('/thing', {})).toEqual({ calls: 3 });
    expect(new Set(fake.seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  });

  it('never repeats an upload, whose bytes are gone', async () => {
    fake.on('POST /upload', (_, response) => void response.socket?.destroy());
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('abc');
    }
    const upload = { mediaType: 'application/octet-stream', bytes: bytes() };
    await expect(http.json('POST', '/upload', { upload })).rejects.toThrow(UnreachableError);
    expect(fake.seen).toHaveLength(1);
  });

  const busy = (retryAfter: string | undefined, times: number) => {
    let left = times;
    return (_: unknown, response: ServerResponse) => {
      if ((left -= 1) < 0) return { done: true };
      if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
      return problem(response, 503, 'OVERLOADED', 'Nothing was written.');
    };
  };

  it.each(['GET', 'POST'])('asks a busy server again, when it says when: %s', async (method) => {
    fake.on(`${method} /thing`, busy('0', 2));
    expect(await http.json(method, '/thing')).toEqual({ done: true });
    expect(fake.seen).toHaveLength(3);
    const keys = new Set(fake.seen.map(({ headers }) => headers['idempotency-key']));
    expect(keys.size).toBe(1);
  });

  it('waits as long as it is told to', async () => {
    fake.on('GET /thing', busy('1', 1));
    const start = performance.now();
    await http.get('/thing');
    expect(performance.now() - start).toBeGreaterThan(950);
  });

  it.each<[string, string, string | undefined, number]>([
    ['is busy for ever', 'GET', '0', 3],
    ['does not say when', 'GET', undefined, 1],
    ['says too long', 'GET', '3600', 1],
    ['says it oddly', 'GET', 'tomorrow', 1],
    ['is asked to do what cannot be repeated', 'PUT', '0', 1],
  ])('gives up on a busy server that %s', async (_, method, retryAfter, asked) => {
    fake.on(`${method} /thing`, busy(retryAfter, 100));
    await expect(http.json(method, '/thing')).rejects.toMatchObject({ status: 503, code: 'OVERLOADED' });
    expect(fake.seen).toHaveLength(asked);
  });

  it('waits for no busy server when it is told to stop', async () => {
    const aborting = new AbortController();
    fake.on('GET /thing', (_, response) => {
      setTimeout(() => aborting.abort(), 20);
      return busy('5', 1)(_, response);
    });
    const waiting = new HttpClient({ url: fake.url, token: 't', signal: aborting.signal }).get('/thing');
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(fake.seen).toHaveLength(1);
  });

  it('uploads bytes as they come', async () => {
    fake.on('POST /upload', {});
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('abc');
      yield Buffer.from('def');
    }
    await http.json('POST', '/upload', { upload: { mediaType: 'application/octet-stream', bytes: bytes() } });
    expect(fake.last.body).toBe('abcdef');
    expect(fake.last.headers['content-type']).toBe('application/octet-stream');
  });

  it('turns a problem into an error that knows its code and exit code', async () => {
    const errors = [{ field: 'limit', code: 'INVALID', detail: 'must be smaller' }];
    fake.on('GET /thing', (_, response) =>
      problem(response, 422, 'VALIDATION_FAILED', 'Correct limit.', { errors }),
    );
    const error: unknown = await http.get('/thing').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 422,
      code: 'VALIDATION_FAILED',
      detail: 'Correct limit.',
      errors,
      traceId: 'trace-1',
      exitCode: 7,
    });
    expect(fake.seen).toHaveLength(1);
  });

  it('says so when something else answers', async () => {
    fake.on(
      'GET /page',
      (_, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>'),
    );
    fake.on(
      'GET /error',
      (_, response) => void response.writeHead(502, { 'Content-Type': 'text/html' }).end('<html>'),
    );
    await expect(http.get('/page')).rejects.toThrow(UnexpectedAnswerError);
    await expect(http.get('/error')).rejects.toThrow('the server answered 502 with text/html');
  });

  it('reads an empty answer', async () => {
    fake.on('DELETE /thing', (_, response) => void response.writeHead(204).end());
    expect(await http.delete('/thing')).toBeUndefined();
  });

  it('takes its key nowhere else', async () => {
    const other = await FakeMakima.start();
    other.on('GET /stolen', {});
    fake.on(
      'GET /thing',
      (_, response) => void response.writeHead(302, { Location: `${other.url}/stolen` }).end(),
    );
    await expect(http.get('/thing')).rejects.toThrow(UnreachableError);
    expect(other.seen).toEqual([]);
    await other.stop();
  });

  it('says why nobody answers', async () => {
    const free = await freePort();
    const error: unknown = await new HttpClient({ url: `http://127.0.0.1:${free}`, token: 't', retryMs: 1 })
      .get('/thing')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'UnreachableError', reason: 'connection refused', exitCode: 6 });
  });

  it('gives up at once when it is told to', async () => {
    const aborting = new AbortController();
    fake.on('GET /thing', () => {
      aborting.abort();
      return new Promise(() => undefined);
    });
    const waiting = new HttpClient({ url: fake.url, token: 't', signal: aborting.signal }).get('/thing');
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('reads an answer line by line, as it comes', async () => {
    fake.on('GET /lines', (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
      response.write('{"a":1}\n\n{"b"');
      response.end(':"é"}\n{"c":3}');
      return undefined;
    });
    const lines: string[] = [];
    for await (const line of http.lines(await http.send('GET', '/lines'))) lines.push(line);
    expect(lines).toEqual(['{"a":1}', '{"b":"é"}', '{"c":3}']);
  });
});

describe('query parameters', () => {
  it('are escaped, and repeated for lists', () => {
    expect(queryText({ a: 'x&y', b: ['1', '2'], c: false, d: undefined })).toBe('?a=x%26y&b=1&b=2&c=false');
    expect(queryText({ d: undefined })).toBe('');
  });
});

async function freePort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
