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
  const { signal } = options;
  const state: Following = {
    lastEventId: options.lastEventId ?? '',
    retryMs: options.retryMs ?? 1_000,
    failures: 0,
    connectedOnce: false,
  };
  while (!signal.aborted) {
    const lost = yield* untilLost(http, path, options, state);
    if (signal.aborted) return;
    options.onConnection?.(lost);
    await pause(Math.min(state.retryMs * 2 ** state.failures, LONGEST_RETRY_MS), signal);
    state.failures += 1;
  }
}

/** What is kept from one connection to the next. */
interface Following {
  lastEventId: string;
  retryMs: number;
  /** Connections since the last event. */
  failures: number;
  connectedOnce: boolean;
}

/** Gives the events of one connection. @returns why it was lost. */
async function* untilLost(
  http: HttpClient,
  path: string,
  options: StreamOptions,
  state: Following,
): AsyncGenerator<ServerEvent, string, undefined> {
  const parser = new SseParser();
  const opened = (): void => {
    if (state.connectedOnce) options.onConnection?.(undefined);
    state.connectedOnce = true;
  };
  try {
    for await (const event of connection(http, path, options, state.lastEventId, parser, opened)) {
      state.failures = 0;
      state.lastEventId = event.id || state.lastEventId;
      yield event;
    }
    return 'connection closed';
  } catch (error) {
    if (!options.signal.aborted && (isFinal(error) || !state.connectedOnce)) throw error;
    return error instanceof UnreachableError ? error.reason : reasonOf(error);
  } finally {
    state.retryMs = parser.retryMs ?? state.retryMs;
  }
}

/** An answer that will be no other one if the same is asked again. */
const isFinal = (error: unknown): boolean =>
  error instanceof ApiError && error.status < 500 && error.status !== 429;

async function* connection(
  http: HttpClient,
  path: string,
  { query, signal, silenceMs = 60_000 }: StreamOptions,
  lastEventId: string,
  parser: SseParser,
  opened: () => void,
): AsyncGenerator<ServerEvent, void, undefined> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const silent = (): void => ending.abort(new Error('the server went silent'));
  let timer = setTimeout(silent, silenceMs);
  signal.addEventListener('abort', end);
  try {
    const headers = {
      Accept: 'text/event-stream',
      ...(lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId }),
    };
    const response = await http.send('GET', path, { query, headers, signal: ending.signal });
    opened();
    const decoder = new TextDecoder();
    for await (const bytes of piecesOf(response, ending.signal)) {
      clearTimeout(timer);
      timer = setTimeout(silent, silenceMs);
      yield* parser.feed(decoder.decode(bytes, { stream: true }));
    }
    ending.signal.throwIfAborted();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    end();
  }
}

/**
 * A body piece by piece, until it ends or the signal aborts. The reader is cancelled here, because fetch may have
 * forgotten its signal by then (nodejs/undici#3644).
 */
async function* piecesOf(
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', cancel);
  try {
    for (let piece = await reader.read(); !piece.done && !signal.aborted; piece = await reader.read()) {
      yield piece.value as Uint8Array;
    }
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}
