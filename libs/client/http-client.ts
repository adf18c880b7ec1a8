import { newId } from '#libs/kernel/ids.js';
import { problemFrom, reasonOf, UnexpectedAnswerError, UnreachableError } from './api-error.js';
import type { Connection } from './connection.js';

/** Query parameters; undefined ones are left out, lists are repeated. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface HttpClientOptions extends Connection {
  /** Aborts every request of this client that has no signal of its own. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds before the first repetition after a broken connection; the second waits three times as long. */
  readonly retryMs?: number;
  readonly userAgent?: string;
  /** Whose data, by the owner's id; for keys that hold `all-owners`. The key's own owner otherwise. */
  readonly owner?: string | undefined;
}

export interface RequestOptions {
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as they are, chunk by chunk; such a request is never repeated. */
  readonly upload?: { readonly mediaType: string; readonly bytes: AsyncIterable<Uint8Array> } | undefined;
  /** Names a POST, so that the server does it once however often it arrives. A new one for each call by default. */
  readonly idempotencyKey?: string | undefined;
  /** An entity tag that the resource must still have. */
  readonly ifMatch?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

const ATTEMPTS = 3;
/** A server that is busy is waited for as long as it says, up to this; in milliseconds. */
const MOST_BUSY_MS = 5_000;

/** Speaks with one makima server. Every method throws a ClientError if the request was not answered as wished. */
export class HttpClient {
  constructor(private readonly options: HttpClientOptions) {}

  get url(): string {
    return this.options.url;
  }

  get = <T>(path: string, query?: Query): Promise<T> => this.json<T>('GET', path, { query });

  post = <T>(path: string, body?: unknown, query?: Query): Promise<T> =>
    this.json<T>('POST', path, { body, query });

  put = <T>(path: string, body?: unknown): Promise<T> => this.json<T>('PUT', path, { body });

  delete = <T>(path: string): Promise<T> => this.json<T>('DELETE', path);

  /** Sends a request and reads the JSON answer; undefined for an empty one (204). */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.send(method, path, options);
    const text = await this.#text(response);
    if (text === '') return undefined as T;
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new UnexpectedAnswerError(`${this.url} does not answer in JSON: is that a makima server?`);
    }
  }

  /** Sends a request; the answer's status is 2xx, its body has not been read. */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const url = `${this.options.url}${path}${queryText(options.query)}`;
    const init = this.#init(method, options);
    const response = await this.#unlessBusy(url, init, options.upload ? 1 : ATTEMPTS);
    if (response.ok) return response;
    const mediaType = (response.headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase();
    throw problemFrom(response.status, mediaType, await this.#text(response));
  }

  /** An answer's body line by line, as it comes; blank lines are left out. */
  async *lines(response: Response): AsyncGenerator<string, void, undefined> {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (!reader) return;
    let rest = '';
    try {
      for (;;) {
        const piece = await untilAborted(reader.read(), this.options.signal);
        if (piece.done) break;
        const lines = (rest + piece.value).split('\n');
        rest = lines.pop() ?? '';
        yield* lines.filter((line) => line !== '');
      }
    } catch (error) {
      if (this.options.signal?.aborted) throw error;
      throw new UnreachableError(this.url, reasonOf(error), error);
    } finally {
      reader.cancel().catch(() => undefined);
    }
    if (rest !== '') yield rest;
  }

  #init(
    method: string,
    { body, upload, idempotencyKey, ifMatch, headers, signal }: RequestOptions,
  ): RequestInit {
    const { token, owner, userAgent = 'makima-client' } = this.options;
    const aborting = signal ?? this.options.signal;
    return {
      method,
      // A token must not follow wherever an answer points.
      redirect: 'error',
      headers: {
        Accept: 'application/json',
        'User-Agent': userAgent,
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(owner === undefined ? {} : { 'X-Makima-Owner': owner }),
        ...(method === 'POST' ? { 'Idempotency-Key': idempotencyKey ?? newId() } : {}),
        ...(ifMatch === undefined ? {} : { 'If-Match': ifMatch }),
        ...(upload ? { 'Content-Type': upload.mediaType } : {}),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(upload ? { body: ReadableStream.from<Uint8Array>(upload.bytes), duplex: 'half' } : {}),
      ...(aborting ? { signal: aborting } : {}),
    };
  }

  /** Asks again when the server says when, where doing it twice is as good as once. */
  async #unlessBusy(url: string, init: RequestInit, attempts: number): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#fetch(url, init, attempts);
      const waitMs = busyMs(response);
      const repeatable = init.method === 'GET' || init.method === 'POST';
      if (waitMs === null || !repeatable || attempt >= attempts) return response;
      await response.body?.cancel();
      await pause(waitMs, init.signal ?? undefined);
      init.signal?.throwIfAborted();
    }
  }

  async #fetch(url: string, init: RequestInit, attempts: number): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await untilAborted(fetch(url, init), init.signal);
      } catch (error) {
        if (init.signal?.aborted) throw error;
        if (attempt >= attempts) throw new UnreachableError(this.options.url, reasonOf(error), error);
        await pause((this.options.retryMs ?? 100) * 3 ** (attempt - 1), init.signal ?? undefined);
      }
    }
  }

  async #text(response: Response): Promise<string> {
    try {
      return await untilAborted(response.text(), this.options.signal);
    } catch (error) {
      if (this.options.signal?.aborted) throw error;
      throw new UnreachableError(this.options.url, reasonOf(error), error);
    }
  }
}

/** How long a busy server wants to be left alone; null for one that is not, or does not say, or says too long. */
function busyMs({ status, headers }: Response): number | null {
  const seconds = headers.get('retry-after') ?? '';
  const ms = /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1_000 : Infinity;
  return status === 503 && ms <= MOST_BUSY_MS ? ms : null;
}

/** Gives up at once when the signal aborts: fetch itself may have forgotten its signal (nodejs/undici#3644). */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** `?a=1&b=2`, or nothing. */
export function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

/** Resolves after some milliseconds, or at once when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
