import type { ServerResponse } from 'node:http';
import { FakeMakima, problem, startStream, streamed } from './testing/fake-makima.js';
import { HttpClient } from './http-client.js';
import type { ServerEvent } from './sse-parser.js';
import { followEvents, type StreamOptions } from './sse-stream.js';

describe('following a live stream', () => {
  let fake: FakeMakima;
  let ending: AbortController;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    ending = new AbortController();
  });
  afterEach(() => fake.stop());

  const follow = (more: Partial<StreamOptions> = {}) =>
    followEvents(new HttpClient({ url: fake.url, token: 't', retryMs: 1 }), '/stream', {
      signal: ending.signal,
      retryMs: 1,
      ...more,
    });

  /** Reads so many events, then ends the stream. */
  async function take(events: AsyncIterable<ServerEvent>, wanted: number): Promise<readonly ServerEvent[]> {
    const taken: ServerEvent[] = [];
    for await (const event of events) {
      taken.push(event);
      if (taken.length === wanted) ending.abort();
    }
    return taken;
  }

  it('gives events as they come, from a place on', async () => {
    fake.on('GET /stream', (_, response) => {
      startStream(response).write(`:\n\n${streamed('entry', '5', { a: 1 })}`);
      return undefined;
    });
    expect(await take(follow({ lastEventId: '4', query: { task_id: 'x' } }), 1)).toEqual([
      { id: '5', event: 'entry', data: '{"a":1}' },
    ]);
    expect(fake.last.headers).toMatchObject({ 'last-event-id': '4', accept: 'text/event-stream' });
    expect(fake.last.query).toEqual({ task_id: 'x' });
  });

  it('goes on after the last event when the connection was lost', async () => {
    const lost: (string | undefined)[] = [];
    let connections = 0;
    fake.on('GET /stream', (_, response) => {
      connections += 1;
      startStream(response).write(streamed('entry', String(connections), connections));
      setTimeout(() => response.socket?.destroy(), 20);
      return undefined;
    });
    const taken = await take(follow({ onConnection: (reason) => lost.push(reason) }), 3);
    expect(taken.map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect(fake.seen.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '2']);
    expect(lost).toEqual([expect.any(String), undefined, expect.any(String), undefined]);
  });

  it('goes on when the server ended it', async () => {
    fake.on('GET /stream', (_, response) => void startStream(response).end(streamed('entry', '1', 1)));
    expect(await take(follow(), 2)).toHaveLength(2);
  });

  it('takes a silent connection for a lost one', async () => {
    let connections = 0;
    fake.on('GET /stream', (_, response) => {
      connections += 1;
      startStream(response).write(connections === 1 ? ':\n\n' : streamed('entry', '1', 1));
      return undefined;
    });
    const lost: (string | undefined)[] = [];
    await take(follow({ silenceMs: 30, onConnection: (reason) => lost.push(reason) }), 1);
    expect(connections).toBe(2);
    expect(lost).toEqual(['the server went silent', undefined]);
  });

  it('fails if there is no such stream, at first and later', async () => {
    await expect(take(follow(), 1)).rejects.toMatchObject({ status: 404, exitCode: 3 });
    let connections = 0;
    fake.on('GET /stream', (_, response) => {
      connections += 1;
      if (connections > 1) return problem(response, 401, 'UNAUTHENTICATED', 'The key is revoked.');
      return void startStream(response).end(streamed('entry', '1', 1));
    });
    await expect(take(follow(), 9)).rejects.toMatchObject({ status: 401 });
  });

  it('waits for a server that is being restarted', async () => {
    let connections = 0;
    fake.on('GET /stream', (_, response) => {
      connections += 1;
      if (connections === 2) return problem(response, 503, 'UNAVAILABLE', 'Starting.');
      return void startStream(response).end(streamed('entry', String(connections), 1));
    });
    expect((await take(follow(), 2)).map(({ id }) => id)).toEqual(['1', '3']);
  });

  it('fails if nobody is there from the beginning', async () => {
    await fake.stop();
    await expect(take(follow(), 1)).rejects.toMatchObject({ exitCode: 6 });
  });

  it('ends while it waits for an event, and leaves no connection behind', async () => {
    let open: ServerResponse | undefined;
    fake.on('GET /stream', (_, response) => {
      open = response;
      startStream(response).write(':\n\n');
      setTimeout(() => ending.abort(), 20);
      return undefined;
    });
    expect(await take(follow(), 1)).toEqual([]);
    await new Promise<void>((resolve) => (open?.destroyed ? resolve() : open?.on('close', resolve)));
  });
});
