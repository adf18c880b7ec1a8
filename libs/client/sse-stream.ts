import { ApiError, reasonOf, UnreachableError } from './api-error.js';
import { pause, type HttpClient, type Query } from './http-client.js';
import { SseParser, type ServerEvent } from './sse-parser.js';

export interface StreamOptions {
  readonly query?: Query;
  /** Replay starts after this id. */
  readonly lastEventId?: string | undefined;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Called when the connection was lost, and when it stands again (reason undefined). */
  readonly onConnection?: (reason: string | undefined) => void;
  /** Milliseconds without a byte after which a connection counts as lost (default 60,000; the server sends a comment every 15 s). */
  readonly silenceMs?: number;
  /** Milliseconds before connecting again, where the server says nothing; doubles with each failure up to 15 s. */
  readonly retryMs?: number;
}

const LONGEST_RETRY_MS = 15_000;

/**
 * Follows a live stream until the signal aborts. Connects again by itself and goes on after the last event, so that none
 * is missed.
 * @throws ClientError if the first connection fails, or if the server refuses one.
 */
export async function* followEvents(
  http: HttpClient,
  path: string,
  options: StreamOptions,
): AsyncGenerator<ServerEvent, void, undefined> {
  const { signal, onConnection } = options;
  let lastEventId = options.lastEventId ?? '';
  let retryMs = options.retryMs ?? 1_000;
  let failures = 0;
  let connectedOnce = false;
  while (!signal.aborted) {
    let lost = 'connection closed';
    const parser = new SseParser();
    try {
      for await (const event of connection(http, path, options, lastEventId, parser)) {
        if (event === 'open') {
          if (connectedOnce) onConnection?.(undefined);
          connectedOnce = true;
          continue;
        }
        failures = 0;
        lastEventId = event.id || lastEventId;
        yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      const final = error instanceof ApiError && error.status < 500 && error.status !== 429;
      if (final || !connectedOnce) throw error;
      lost = error instanceof UnreachableError ? error.reason : reasonOf(error);
    }
    if (signal.aborted) return;
    retryMs = parser.retryMs ?? retryMs;
    onConnection?.(lost);
    await pause(Math.min(retryMs * 2 ** failures, LONGEST_RETRY_MS), signal);
    failures += 1;
  }
}

async function* connection(
  http: HttpClient,
  path: string,
  { query, signal, silenceMs = 60_000 }: StreamOptions,
  lastEventId: string,
  parser: SseParser,
): AsyncGenerator<ServerEvent | 'open', void, undefined> {
  const silence = new AbortController();
  const headers = {
    Accept: 'text/event-stream',
    ...(lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId }),
  };
  let timer: NodeJS.Timeout | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error('the server went silent')), silenceMs);
  };
  try {
    heard();
    const response = await http.send('GET', path, {
      query, headers, signal: AbortSignal.any([signal, silence.signal]),
    });
    yield 'open';
    const decoder = new TextDecoder();
    for await (const bytes of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      heard();
      yield* parser.feed(decoder.decode(bytes, { stream: true }));
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}
