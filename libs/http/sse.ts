import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Response } from 'express';
import { HttpOptions } from './http-options.js';

/** One message of a live stream (WHATWG Server-Sent Events). */
export interface SseMessage {
  /** Where a client goes on from (Last-Event-ID): a position. One line. */
  readonly id?: string;
  /** One line. */
  readonly event?: string;
  /** Sent as JSON. */
  readonly data: unknown;
}

export interface StreamOptions {
  /** Milliseconds between the comments that keep the connection open (default 15,000). */
  readonly heartbeatMs?: number;
  /** Milliseconds after which a client that takes nothing at all is let go; it can go on from its last id (default 600,000). */
  readonly stalledMs?: number;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

const CHUNK = 64 * 1024;
const RECONNECT_MS = 2_000;
const oneLine = (text: string): string => text.replace(/[\r\n\0]/g, ' ');

function format({ id, event, data }: SseMessage): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${oneLine(id)}`]),
    ...(event === undefined ? [] : [`event: ${oneLine(event)}`]),
    // JSON has no line breaks of its own.
    `data: ${JSON.stringify(data ?? null)}`,
  ];
  return `${lines.join('\n')}\n\n`;
}

/** Resolves when the socket has taken what was written; false if it closed, or took nothing for `ms`. */
function drained(response: Response, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (open: boolean) => (): void => {
      clearTimeout(timer);
      response.off('drain', drain).off('close', close);
      resolve(open);
    };
    const drain = done(true);
    const close = done(false);
    const timer = setTimeout(close, ms);
    response.on('drain', drain).on('close', close);
    if (response.destroyed) close();
  });
}

/**
 * Sends messages until the source ends, the client leaves or the signal aborts. The source is asked for more only when
 * the client has taken what it was sent: a slow one costs one chunk of memory, however far behind it is.
 * An error of the source ends the connection; the client goes on from its last id.
 */
export async function streamEvents(
  response: Response,
  source: AsyncIterable<SseMessage | readonly SseMessage[]>,
  options: StreamOptions = {},
): Promise<void> {
  const { heartbeatMs = 15_000, stalledMs = 600_000, signal } = options;
  start(response);
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  let wake = (): void => undefined;
  const ended = (): boolean => response.destroyed || signal?.aborted === true;
  const end = (): void => wake();
  response.on('close', end);
  signal?.addEventListener('abort', end);
  // Not Promise.race: each race would leave something behind in the promise that lasts as long as the stream.
  const pull = (): Promise<IteratorResult<SseMessage | readonly SseMessage[]> | undefined> =>
    new Promise((resolve, reject) => {
      wake = () => resolve(undefined);
      iterator.next().then(resolve, reject);
    });
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n');
  }, heartbeatMs);
  try {
    while (!ended()) {
      const next = await pull();
      if (!next || next.done || !(await send(response, next.value, stalledMs))) break;
    }
  } finally {
    clearInterval(heartbeat);
    signal?.removeEventListener('abort', end);
    // Not awaited: a source that waits for news ends by its own signal.
    iterator.return?.().catch(() => undefined);
    if (response.writableNeedDrain) response.destroy();
    else response.end();
  }
}

function start(response: Response): void {
  response.status(200).set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
  });
  response.socket?.setNoDelay(true).setKeepAlive(true, 30_000);
  response.write(`retry: ${RECONNECT_MS}\n\n`);
}

/** Writes one message or a batch in chunks. False if the client is gone. */
async function send(
  response: Response,
  value: SseMessage | readonly SseMessage[],
  stalledMs: number,
): Promise<boolean> {
  const messages = Array.isArray(value) ? (value as readonly SseMessage[]) : [value as SseMessage];
  let chunk = '';
  for (const [index, message] of messages.entries()) {
    chunk += format(message);
    if (chunk.length < CHUNK && index < messages.length - 1) continue;
    if (response.destroyed) return false;
    if (!response.write(chunk) && !(await drained(response, stalledMs))) return false;
    chunk = '';
  }
  return true;
}

/** Live streams of this process; they end when it shuts down. */
@Injectable()
export class LiveStreams implements OnModuleDestroy {
  readonly #closing = new AbortController();

  constructor(@Inject(HttpOptions) private readonly options: HttpOptions) {}

  /**
   * Streams what `open` gives to a client. Its signal aborts when the client leaves or the server stops; hand it to the
   * subscription.
   */
  async send(
    response: Response,
    open: (signal: AbortSignal) => AsyncIterable<SseMessage | readonly SseMessage[]>,
  ): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    await streamEvents(response, open(signal), { heartbeatMs: this.options.heartbeatMs, signal });
  }

  onModuleDestroy(): void {
    this.#closing.abort();
  }
}
