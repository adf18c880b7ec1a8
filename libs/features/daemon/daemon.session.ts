import type { IncomingMessage } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import type { CommandContext } from '#libs/commands/command-context.js';
import { statusOf } from '#libs/http/problem-answer.js';
import type { Caller } from '#libs/kernel/caller.js';
import { newId } from '#libs/kernel/ids.js';
import { Problem } from '#libs/kernel/problem.js';
import {
  messageOf,
  PROTOCOL,
  type Heartbeat,
  type HeldTask,
  type Hello,
  type ServerMessage,
} from './daemon.messages.js';

/** What a session asks of the rest of the server. */
export interface SessionHost {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** Who the key of the handshake is now. @throws Problem when it is not valid any more. */
  admit(): Promise<Caller>;
  /** @throws Problem for a daemon of another owner. */
  arrived(hello: Hello, caller: Caller, connectionId: string): Promise<void>;
  /** False: another connection speaks for the daemon now. */
  heard(daemonId: string, connectionId: string, heartbeat: Heartbeat): Promise<boolean>;
  stale(daemonId: string, ownerId: string, tasks: readonly HeldTask[]): Promise<readonly string[]>;
  left(daemonId: string, connectionId: string): Promise<void>;
  /** What a thrown error is answered with. */
  problemOf(error: unknown): Problem;
}

/** RFC 6455: policy violation, internal error, going away. */
const REFUSED = 1008;
const FAILED = 1011;
const GOING_AWAY = 1001;
/** Milliseconds that a peer has to say hello, or to answer that the connection is closed. */
const HELLO_MS = 10_000;
const CLOSE_MS = 1_000;
/** Messages that may wait for their turn, and bytes for a peer that does not read. */
const MOST_WAITING = 20;
const MOST_BUFFERED = 1024 * 1024;

/** One daemon's connection: hello first, then heartbeats. Whoever says anything else is refused, whoever is silent dropped. */
export class DaemonSession {
  readonly connectionId = newId();
  #daemonId: string | null = null;
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #silence: NodeJS.Timeout | undefined;
  #isOver = false;
  /** What it was last told of its work; see WakeUps. */
  told = '';

  constructor(
    private readonly socket: WebSocket,
    readonly caller: Caller,
    private readonly host: SessionHost,
  ) {
    this.#expect(Math.min(HELLO_MS, host.leaseMs));
    // What the peer does wrong in the protocol below, ws closes the connection for.
    socket.on('error', () => undefined);
    socket.on('message', (data, isBinary) => this.#received(data, isBinary));
    socket.on('close', () => void this.#closed());
  }

  /** Null before hello. */
  get daemonId(): string | null {
    return this.#daemonId;
  }

  send(message: ServerMessage): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > MOST_BUFFERED) this.socket.terminate();
    else this.socket.send(JSON.stringify(message));
  }

  /** Ends it because the server stops. */
  goAway(): void {
    this.#end(GOING_AWAY, 'the server stops');
  }

  #received(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    if ((this.#waiting += 1) > MOST_WAITING) {
      const detail = 'Wait for answers: too many messages of this connection have none yet.';
      return this.#refuse(new Problem('TOO_MANY_REQUESTS', detail));
    }
    this.#turn = this.#turn
      .then(() => this.#handle(data as Buffer, isBinary))
      .catch((error: unknown) => this.#refuse(this.host.problemOf(error)))
      .finally(() => (this.#waiting -= 1));
  }

  async #handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (this.#isOver) return;
    const message = messageOf(data, isBinary);
    if (message.type === 'hello') await this.#hello(message);
    else await this.#heartbeat(message);
  }

  async #hello(hello: Hello): Promise<void> {
    if (this.#daemonId !== null)
      throw new Problem('MESSAGE_UNEXPECTED', 'Say hello once; open another connection to say it again.');
    if (hello.protocol !== PROTOCOL)
      throw new Problem(
        'PROTOCOL_UNSUPPORTED',
        `This server speaks protocol ${PROTOCOL}: install the daemon of its version.`,
      );
    await this.host.arrived(hello, this.caller, this.connectionId);
    this.#daemonId = hello.daemonId;
    const { leaseMs, heartbeatMs } = this.host;
    this.#expect(leaseMs);
    this.send({ type: 'welcome', heartbeatMs, leaseMs });
    // It may have closed meanwhile, when nobody knew yet whose connection it is.
    if (this.#isOver) await this.host.left(hello.daemonId, this.connectionId);
  }

  async #heartbeat(heartbeat: Heartbeat): Promise<void> {
    const daemonId = this.#daemonId;
    if (daemonId === null) throw new Problem('MESSAGE_UNEXPECTED', 'Say hello first.');
    await this.host.admit();
    if (!(await this.host.heard(daemonId, this.connectionId, heartbeat)))
      throw new Problem(
        'DAEMON_REPLACED',
        'Another connection speaks for this daemon now: run one of each id.',
      );
    this.#expect(this.host.leaseMs);
    this.send({
      type: 'heartbeat',
      stale: await this.host.stale(daemonId, this.caller.ownerId, heartbeat.tasks),
    });
  }

  /** Drops the connection when nothing is heard for so long. */
  #expect(ms: number): void {
    clearTimeout(this.#silence);
    if (!this.#isOver) this.#silence = setTimeout(() => this.socket.terminate(), ms);
  }

  #refuse({ code, detail }: Problem): void {
    if (this.#isOver) return;
    // What is wrong on this side is no refusal: the daemon connects again.
    if (statusOf(code) >= 500) return this.#end(FAILED, code);
    this.send({ type: 'refused', code, detail });
    this.#end(REFUSED, code);
  }

  #end(code: number, reason: string): void {
    this.#isOver = true;
    clearTimeout(this.#silence);
    this.socket.close(code, reason);
    this.#silence = setTimeout(() => this.socket.terminate(), CLOSE_MS);
  }

  async #closed(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#silence);
    const daemonId = this.#daemonId;
    // Where this fails, the silence says the same a little later.
    if (daemonId !== null) await this.host.left(daemonId, this.connectionId).catch(() => undefined);
  }
}

/** What a command of a daemon's own is signed with, outside of any request. */
export const sessionContext = (caller: Caller): CommandContext => ({
  actor: caller.actor,
  ownerId: caller.ownerId,
  now: new Date(),
  commandId: newId(),
  idempotent: false,
});

/** Whether a request is the handshake of a WebSocket. */
export const isHandshake = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
