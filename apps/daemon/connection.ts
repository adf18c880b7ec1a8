import { WebSocket, type RawData } from 'ws';
import { pause } from '#libs/client/http-client.js';
import type { Connection } from '#libs/client/connection.js';
import type { Heartbeat, Hello, ServerMessage } from './protocol.js';
import { backoffMs, reasonIn, type Backoff } from './retry.js';

/** The server does not want this daemon: trying again would change nothing. The message is one line for people. */
export class DaemonRefused extends Error {
  override readonly name = 'DaemonRefused';
}

export interface ConnectionOptions {
  readonly server: Connection;
  readonly hello: Hello;
  /** What a heartbeat says now. */
  readonly state: () => Promise<Omit<Heartbeat, 'type'>>;
  readonly onWelcome: (welcome: Extract<ServerMessage, { type: 'welcome' }>) => void;
  readonly onWork: () => void;
  /** Tasks whose lease this daemon holds no longer. */
  readonly onStale: (taskIds: readonly string[]) => void;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly backoff?: Backoff;
}

/** Heartbeats without an answer, after which the connection is taken for broken. */
const SILENT_BEATS = 3;
const OPENING_MS = 10_000;
/** Refusals that say nothing of this daemon. */
const PASSING = new Set(['INTERNAL', 'UNAVAILABLE', 'TOO_MANY_REQUESTS']);

/**
 * Says to the server that this daemon is there, and hears when there is work. Connects again and again, until the signal.
 * @throws DaemonRefused
 */
export async function stayConnected(options: ConnectionOptions): Promise<void> {
  const { signal, log, server } = options;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const session = new Session(options);
    const reason = await session.ended;
    if (signal.aborted) return;
    if (session.wasWelcome) attempt = 0;
    if (attempt === 0) log(`not connected to ${server.url} (${reason}): trying again`);
    await pause(backoffMs(attempt, options.backoff), signal);
  }
}

/** One connection, from its opening to its end. */
class Session {
  /** Why it ended, in a few words. @throws DaemonRefused */
  readonly ended: Promise<string>;
  wasWelcome = false;
  readonly #socket: WebSocket;
  #beat: NodeJS.Timeout | undefined;
  #unanswered = 0;

  constructor(private readonly options: ConnectionOptions) {
    const { server, signal } = options;
    this.#socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}/api/v1/daemons/connect`, {
      headers: server.token === undefined ? {} : { Authorization: `Bearer ${server.token}` },
      handshakeTimeout: OPENING_MS,
      // A token must not follow wherever an answer points.
      followRedirects: false,
    });
    const close = (): void => this.#socket.close(1000);
    signal.addEventListener('abort', close);
    this.ended = this.#run().finally(() => {
      clearInterval(this.#beat);
      signal.removeEventListener('abort', close);
      this.#socket.on('error', () => undefined).terminate();
    });
  }

  #run(): Promise<string> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      socket.on('unexpected-response', (request, response) => {
        request.destroy();
        const { statusCode = 0 } = response;
        if (statusCode === 401 || statusCode === 403) reject(refusedKey(this.options.server.url));
        else resolve(`it answered ${statusCode}`);
      });
      socket.on('error', (error) => resolve(reasonIn(error)));
      socket.on('close', (code) => resolve(`closed with ${code}`));
      socket.on('open', () => this.#say(this.options.hello));
      socket.on('message', (data) => {
        const message = messageIn(data);
        if (message?.type !== 'refused') return message && this.#hear(message);
        const { code, detail } = message;
        if (PASSING.has(code)) resolve(detail);
        else reject(new DaemonRefused(`the server refuses this daemon: ${detail} (${code})`));
      });
    });
  }

  #hear(message: Exclude<ServerMessage, { type: 'refused' }>): void {
    this.#unanswered = 0;
    switch (message.type) {
      case 'welcome':
        this.wasWelcome = true;
        clearInterval(this.#beat);
        this.#beat = setInterval(() => void this.#heartbeat(), message.heartbeatMs);
        void this.#heartbeat();
        return this.options.onWelcome(message);
      case 'work':
        return this.options.onWork();
      case 'heartbeat':
        if (message.stale.length > 0) this.options.onStale(message.stale);
    }
  }

  async #heartbeat(): Promise<void> {
    if (this.#unanswered >= SILENT_BEATS) return this.#socket.terminate();
    this.#unanswered += 1;
    // A machine that cannot even say how much room it has is not well: the server is to notice.
    const state = await this.options.state().catch(() => null);
    if (state) this.#say({ type: 'heartbeat', ...state });
  }

  #say(message: Hello | Heartbeat): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

const refusedKey = (url: string): DaemonRefused =>
  new DaemonRefused(
    `${url} does not take this key: it must be a daemon key of an owner there (MAKIMA_TOKEN, or credentials.json)`,
  );

/** Undefined for what this daemon does not know: a newer server may say more. */
function messageIn(data: RawData): ServerMessage | undefined {
  try {
    const text = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    const value = JSON.parse(text.toString('utf8')) as { readonly type?: unknown } | null;
    const isKnown = ['welcome', 'heartbeat', 'work', 'refused'].includes(String(value?.type));
    return isKnown ? (value as ServerMessage) : undefined;
  } catch {
    return undefined;
  }
}
