import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface Seen {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly headers: IncomingMessage['headers'];
  /** Parsed if it is JSON, else text; undefined without one. */
  readonly body: unknown;
}

/** What a route answers: JSON with 200, or whatever a function does with the response. */
export type Answer = ((seen: Seen, response: ServerResponse) => unknown) | object;

/** A server for specs: it answers what it was told to, and remembers what it was asked. */
export class FakeMakima {
  readonly seen: Seen[] = [];
  readonly #routes: { readonly method: string; readonly pattern: RegExp; readonly answer: Answer }[] = [];
  readonly #server: Server;
  url = '';

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<FakeMakima> {
    const fake = new FakeMakima();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    fake.url = `http://127.0.0.1:${(fake.#server.address() as AddressInfo).port}`;
    return fake;
  }

  /** @param route such as `GET /api/v1/mesh/tasks/*`; a star stands for one part of a path. Later routes go first. */
  on(route: string, answer: Answer): this {
    const [method = '', path = ''] = route.split(' ');
    const pattern = new RegExp(`^${path.split('*').map(escaped).join('[^/]+')}$`);
    this.#routes.unshift({ method, pattern, answer });
    return this;
  }

  /** What was asked, as `METHOD path`. */
  get asked(): readonly string[] {
    return this.seen.map(({ method, path }) => `${method} ${path}`);
  }

  /** The last request. */
  get last(): Seen {
    const last = this.seen.at(-1);
    if (!last) throw new Error('nothing was asked');
    return last;
  }

  /** Cuts all connections. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  /** Twice is as good as once. */
  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = await received(request);
    this.seen.push(seen);
    const route = this.#routes.find(
      ({ method, pattern }) => method === seen.method && pattern.test(seen.path),
    );
    if (!route) return problem(response, 404, 'NOT_FOUND', `There is no ${seen.path}.`);
    const answer: unknown =
      typeof route.answer === 'function' ? await route.answer(seen, response) : route.answer;
    if (response.headersSent || answer === undefined) return;
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
  }
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

async function received(request: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const url = new URL(request.url ?? '/', 'http://fake');
  const query: Record<string, string | readonly string[]> = {};
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  const json = (request.headers['content-type'] ?? '') === 'application/json';
  return {
    method: request.method ?? '',
    path: decodeURIComponent(url.pathname),
    query,
    headers: request.headers,
    body: text === '' ? undefined : json ? (JSON.parse(text) as unknown) : text,
  };
}

/** Answers with problem+json. */
export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  more: object = {},
): undefined {
  const body = {
    type: 'about:blank',
    title: code,
    status,
    code,
    detail,
    traceId: 'trace-1',
    instance: '/',
    ...more,
  };
  response.writeHead(status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(body));
  return undefined;
}

/** Begins a live stream. */
export const startStream = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });

/** An event of a live stream, as text. */
export const streamed = (event: string, id: string, data: unknown): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
