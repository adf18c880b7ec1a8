import { get, type IncomingMessage } from 'node:http';
import { Controller, Get, Res } from '@nestjs/common';
import type { Response as ExpressResponse } from 'express';
import { listen, type Listening } from '#libs/testing/listening.js';
import { Requires } from './auth.guard.js';
import { LiveStreams, streamEvents, type SseMessage } from './sse.js';

/** What the tests see of the streams from inside. */
const seen = { pulled: 0, ended: 0, aborted: 0 };
let release: (() => void) | undefined;

async function* numbers(count: number, size = 0): AsyncGenerator<SseMessage> {
  try {
    for (let index = 1; index <= count; index += 1) {
      seen.pulled = index;
      yield { id: String(index), event: 'number', data: { index, filler: 'x'.repeat(size) } };
    }
  } finally {
    seen.ended += 1;
  }
}

async function* untilAborted(signal: AbortSignal): AsyncGenerator<SseMessage> {
  yield { data: 'first' };
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  seen.aborted += 1;
}

/** Waits for what never comes, and does not listen to any signal. */
const deaf: AsyncIterable<SseMessage> = {
  [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }),
};

async function* failing(): AsyncGenerator<SseMessage> {
  yield { id: '1', data: 1 };
  throw new Error('the source broke');
}

@Requires()
@Controller()
class Live {
  constructor(private readonly live: LiveStreams) {}

  @Get('few') few(@Res() response: ExpressResponse): Promise<void> {
    return this.live.send(response, () => numbers(3));
  }
  @Get('batches') batches(@Res() response: ExpressResponse): Promise<void> {
    async function* source(): AsyncGenerator<readonly SseMessage[]> {
      yield Array.from({ length: 500 }, (_, index) => ({ id: String(index), data: 'y'.repeat(1_000) }));
      yield [];
      yield [{ event: 'synced', data: {} }];
    }
    return this.live.send(response, source);
  }
  @Get('hostile') hostile(@Res() response: ExpressResponse): Promise<void> {
    async function* source(): AsyncGenerator<SseMessage> {
      yield {
        id: '1\ndata: forged',
        event: 'a\r\nid: 9',
        data: 'x\n\ndata: forged\r\nevent: y\u2028\u0000\ud800',
      };
      yield { data: undefined };
    }
    return this.live.send(response, source);
  }
  @Get('endless') endless(@Res() response: ExpressResponse): Promise<void> {
    return this.live.send(response, () => numbers(Infinity, 10_000));
  }
  @Get('waiting') waiting(@Res() response: ExpressResponse): Promise<void> {
    return this.live.send(response, untilAborted);
  }
  @Get('deaf') async deaf(@Res() response: ExpressResponse): Promise<void> {
    await streamEvents(response, deaf);
    release?.();
  }
  @Get('failing') failing(@Res() response: ExpressResponse): Promise<void> {
    return this.live.send(response, failing);
  }
  @Get('stalled') async stalled(@Res() response: ExpressResponse): Promise<void> {
    await streamEvents(response, numbers(Infinity, 10_000), { stalledMs: 50 });
    release?.();
  }
}

let server: Listening;
beforeEach(async () => {
  Object.assign(seen, { pulled: 0, ended: 0, aborted: 0 });
  server = await listen({ controllers: [Live], http: { heartbeatMs: 20 } });
});
afterEach(() => server.close());

const released = (): Promise<void> => new Promise((resolve) => (release = resolve));

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The whole text of a stream that ends. */
const read = async (path: string): Promise<string> => (await server.call('GET', path)).text();
const withoutHeartbeats = (text: string): string => text.replaceAll(':\n\n', '');

/** A client that reads only when it is told to. */
const open = (path: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(server.url + path, { headers: { authorization: 'Bearer alice' } }, resolve).on('error', reject);
  });

describe('a live stream', () => {
  it('sends ids, events and data, and says how to come back', async () => {
    const response = await server.call('GET', '/few');
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    const message = (index: number): string =>
      `id: ${index}\nevent: number\ndata: {"index":${index},"filler":""}\n\n`;
    expect(withoutHeartbeats(await response.text())).toBe(
      `retry: 2000\n\n${message(1)}${message(2)}${message(3)}`,
    );
    expect(seen.ended).toBe(1);
  });

  it('sends batches whole and in order', async () => {
    const text = await read('/batches');
    expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(
      Array.from({ length: 500 }, (_, index) => index),
    );
    expect(text.trimEnd().endsWith('event: synced\ndata: {}')).toBe(true);
  });

  it('cannot be made to say what it does not', async () => {
    const text = withoutHeartbeats(await read('/hostile'));
    const lines = text.split('\n');
    expect(lines.filter((line) => line !== '').map((line) => line.split(':')[0])).toEqual([
      'retry',
      'id',
      'event',
      'data',
      'data',
    ]);
    expect(JSON.parse(lines.find((line) => line.startsWith('data: "'))!.slice(6))).toBe(
      'x\n\ndata: forged\r\nevent: y\u2028\0\ud800',
    );
    expect(text).not.toContain('\r');
    expect(text.endsWith('data: null\n\n')).toBe(true);
  });

  it('asks its source for no more than the client takes', async () => {
    const client = await open('/endless');
    client.pause();
    let before = -1;
    // It stands still when the sockets' buffers are full: the same number at two looks that are far enough apart.
    while (before !== seen.pulled) {
      before = seen.pulled;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(before).toBeGreaterThan(0);
    // 10 kB each: what the kernel buffers of a loopback connection hold, and nothing in this process.
    expect(before * 10_000).toBeLessThan(30_000_000);
    client.resume();
    await until(() => seen.pulled > before + 1_000);
    client.destroy();
    await until(() => seen.ended === 1);
  });

  it('ends its source when the client leaves', async () => {
    const client = await open('/waiting');
    client.on('error', () => undefined).destroy();
    await until(() => seen.aborted === 1);
  });

  it('ends when the client leaves though its source hears nothing', async () => {
    const done = released();
    const client = await open('/deaf');
    client.on('error', () => undefined).destroy();
    await done;
  });

  it('lets go a client that takes nothing at all', async () => {
    const done = released();
    const client = await open('/stalled');
    client.on('error', () => undefined).pause();
    await done;
    client.destroy();
  });

  it('keeps quiet connections open by comments', async () => {
    const client = await open('/waiting');
    let text = '';
    client
      .setEncoding('utf8')
      .on('error', () => undefined)
      .on('data', (chunk: string) => (text += chunk));
    await until(() => (text.match(/^:$/gm) ?? []).length >= 3);
    expect(withoutHeartbeats(text)).toBe('retry: 2000\n\ndata: "first"\n\n');
    client.destroy();
  });

  it('ends when the server shuts down, and does not hold it up', async () => {
    const client = await open('/waiting');
    client.on('error', () => undefined).resume();
    const ended = new Promise((resolve) => client.on('close', resolve));
    await server.close();
    await ended;
    expect(seen.aborted).toBe(1);
    server = await listen({ controllers: [Live] });
  });

  it('breaks off when its source breaks, so that the client comes back', async () => {
    const client = await open('/failing');
    let text = '';
    client
      .setEncoding('utf8')
      .on('error', () => undefined)
      .on('data', (chunk: string) => (text += chunk));
    await new Promise((resolve) => client.on('close', resolve));
    expect(withoutHeartbeats(text)).toBe('retry: 2000\n\nid: 1\ndata: 1\n\n');
  });

  it('is refused before it begins like any other request', async () => {
    expect((await fetch(`${server.url}/few`)).status).toBe(401);
    expect((await server.call('GET', '/few?x=1')).status).toBe(422);
  });

  it('gives up at once for a client that has left already', async () => {
    let pulls = 0;
    const source: AsyncIterable<SseMessage> = {
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: (pulls += 1) > 3, value: { data: 1 } }) }),
    };
    class Gone {
      async none(response: ExpressResponse): Promise<void> {
        response.destroy();
        await streamEvents(response, source);
        release?.();
      }
    }
    Get('gone')(Gone.prototype, 'none', Object.getOwnPropertyDescriptor(Gone.prototype, 'none')!);
    Res()(Gone.prototype, 'none', 0);
    Requires()(Gone);
    Controller()(Gone);
    const done = released();
    const other = await listen({ controllers: [Gone] });
    await expect(other.call('GET', '/gone')).rejects.toThrow();
    await done;
    expect(pulls).toBe(0);
    await other.close();
  });
});
