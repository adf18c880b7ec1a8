import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type RunningServer, type ServerOptions } from '#apps/api/server.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { testDatabase } from './postgres.js';

/** An answer with its body read: JSON where it is JSON, else text. */
export interface TestAnswer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** Somebody with a key. */
export interface TestCaller {
  readonly ownerId: string;
  readonly token: string;
  /** A request with this key. `path` as in `/api/v1/contracts`; the body, if any, is sent as JSON. */
  call<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<TestAnswer<Body>>;
  /** The body of what a GET answers. @throws Error unless it is 2xx. */
  get<Body = Record<string, unknown>>(
    path: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Body>;
  /** The body of what a POST answers. @throws Error unless it is 2xx. */
  post<Body = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Body>;
  /** The same without reading the body: for streams and other kinds of body. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** The whole API on a port and a database of its own; itself the caller that the first start made: an admin with all scopes. */
export interface TestApp extends TestCaller {
  readonly url: string;
  /** For a role that owns the tables: specs may look at them and tamper with them. */
  readonly databaseUrl: string;
  readonly server: RunningServer;
  /** Another owner, with a user key of its own. */
  secondOwner(name?: string): Promise<TestCaller>;
  /** Another key of the same owner. */
  key(
    kind: 'user' | 'tool' | 'auditor' | 'daemon' | 'admin',
    options?: { contractId?: string; scopes?: readonly string[] },
  ): Promise<TestCaller>;
  /** Waits until everything that the log holds can be read. */
  caughtUp(): Promise<void>;
  /** Stops it and drops its database. */
  close(): Promise<void>;
}

const USUAL = {
  host: '127.0.0.1',
  port: 0,
  cursorKey: Buffer.alloc(32, 7),
  snapshots: { everyMessages: 0, everyMinutes: 0 },
  log: () => undefined,
} as const;

/** Starts the whole API. For specs of the Jest projects `integration` and `e2e`. */
export async function startTestApp(options: Partial<ServerOptions> = {}): Promise<TestApp> {
  const database = await testDatabase();
  const hubs = await mkdtemp(join(tmpdir(), 'makima-hubs-'));
  const server = await startServer({
    ...USUAL,
    databaseUrl: database.url,
    hubs,
    ...options,
  });
  // What specs do on purpose is no news: refusals, and uses of all-owners.
  server.application.useLogger(['error']);
  const { body: me } = await callerOf(server.url, '', server.token).call('GET', '/api/v1/access/whoami');
  const root = callerOf(server.url, me['ownerId'] as string, server.token);
  const newKey = async (ownerId: string, key: object): Promise<TestCaller> => {
    const { body } = await expected(
      201,
      root.call(
        'POST',
        '/api/v1/access/keys',
        { name: 'for a test', ...key },
        ownerId === root.ownerId ? {} : { 'x-makima-owner': ownerId },
      ),
    );
    return callerOf(server.url, ownerId, body['token'] as string);
  };
  return {
    ...root,
    url: server.url,
    databaseUrl: database.url,
    server,
    key: (kind, { contractId, scopes } = {}) => newKey(root.ownerId, { kind, contractId, scopes }),
    async secondOwner(name = 'second') {
      const { body } = await expected(201, root.call('POST', '/api/v1/access/owners', { name }));
      return newKey(body['id'] as string, { kind: 'user' });
    },
    async caughtUp() {
      await server.application.get(ReadModels).catchUp(await server.application.get(EventStore).head());
    },
    async close() {
      await server.close();
      await database.drop();
      await rm(hubs, { recursive: true, force: true });
    },
  };
}

/** Another server on the database of one that runs, as another API process would be. Its caller closes it. */
export function startBeside(
  app: Pick<TestApp, 'databaseUrl' | 'token'>,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer> {
  const { databaseUrl, token } = app;
  return startServer({ ...USUAL, databaseUrl, hubs: join(tmpdir(), 'makima-no-hubs'), token, ...options });
}

async function expected<Body>(
  status: number,
  answering: Promise<TestAnswer<Body>>,
): Promise<TestAnswer<Body>> {
  const answer = await answering;
  if (answer.status !== status)
    throw new Error(`${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`);
  return answer;
}

/** A caller with a token, as the app's own are. */
export function callerOf(url: string, ownerId: string, token: string): TestCaller {
  const request = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
    });
  const caller: TestCaller = {
    ownerId,
    token,
    fetch: request,
    async call<Body>(
      method: string,
      path: string,
      body?: unknown,
      headers: Readonly<Record<string, string>> = {},
    ) {
      const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await request(path, { method, headers: { ...json, ...headers }, ...sent });
      const text = await response.text();
      const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
      return {
        status: response.status,
        headers: response.headers,
        body: (isJson ? JSON.parse(text) : text) as Body,
      };
    },
    get: async <Body>(path: string, headers: Readonly<Record<string, string>> = {}) =>
      bodyOf(await caller.call<Body>('GET', path, undefined, headers)),
    post: async <Body>(path: string, body: unknown = {}, headers: Readonly<Record<string, string>> = {}) =>
      bodyOf(await caller.call<Body>('POST', path, body, headers)),
  };
  return caller;
}

function bodyOf<Body>({ status, body }: TestAnswer<Body>): Body {
  if (status >= 200 && status < 300) return body;
  throw new Error(`${status} ${JSON.stringify(body)}`);
}
