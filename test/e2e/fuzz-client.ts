import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Answer } from './answer-check.js';
import type { FuzzRequest } from './fuzz-requests.js';

export interface FuzzAnswer extends Answer {
  readonly headers: IncomingHttpHeaders;
}

/** Milliseconds after which a server that has not answered counts as hanging. */
const PATIENCE_MS = 60_000;
/** Of endless and very long answers so much is read. */
const ENOUGH_BYTES = 200_000;
const ENOUGH_MS = 100;

/** Sends requests as they are, over a few connections that stay open. */
export class FuzzClient {
  readonly #agent: Agent;
  readonly #url: URL;

  constructor(
    url: string,
    /** By the names of callers; null: no key. */
    private readonly tokens: Readonly<Record<string, string | null>>,
    connections: number,
  ) {
    this.#url = new URL(url);
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  send({ caller, method, url, headers, body }: Omit<FuzzRequest, 'operation'>): Promise<FuzzAnswer> {
    const token = this.tokens[caller];
    return new Promise((resolve, reject) => {
      const sending = httpRequest({
        host: this.#url.hostname,
        port: this.#url.port,
        agent: this.#agent,
        method,
        path: url,
        timeout: PATIENCE_MS,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body ? { 'content-length': body.length } : {}),
          ...headers,
        },
      });
      sending.on('error', reject);
      sending.on('timeout', () => sending.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
      sending.on('response', (response) => void read(response).then(resolve, reject));
      sending.end(body ?? undefined);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function read(response: IncomingMessage): Promise<FuzzAnswer> {
  const mediaType = (response.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  const endless = mediaType === 'text/event-stream' || mediaType === 'application/x-ndjson';
  const body = endless ? await beginningOf(response) : await wholeOf(response);
  return { status: response.statusCode!, mediaType, headers: response.headers, body };
}

async function wholeOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What comes at once, up to a limit; then the client leaves. */
function beginningOf(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const enough = (): void => {
      clearTimeout(timer);
      response.destroy();
      resolve(Buffer.concat(chunks));
    };
    const timer = setTimeout(enough, ENOUGH_MS);
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= ENOUGH_BYTES) enough();
    });
    response.on('end', enough);
    response.on('error', (error) => (response.destroyed ? enough() : reject(error)));
  });
}
