import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { TestCaller } from './app.js';

type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** A daemon as the server sees one: a WebSocket that says what a spec makes it say. */
export class TestDaemon {
  readonly #heard: Message[] = [];
  #wake = (): void => undefined;
  #beating: NodeJS.Timeout | undefined;
  /** The code that the connection was closed with. */
  readonly closed: Promise<number>;

  private constructor(
    readonly id: string,
    readonly caller: TestCaller,
    readonly socket: WebSocket,
  ) {
    socket.on('message', (data) => {
      this.#heard.push(JSON.parse((data as Buffer).toString('utf8')) as Message);
      this.#wake();
    });
    socket.on('error', () => undefined);
    this.closed = once(socket, 'close').then(([code]) => {
      clearInterval(this.#beating);
      this.#wake();
      return code as number;
    });
  }

  /** Opens a connection, and says nothing. */
  static async open(url: string, caller: TestCaller, id: string = randomUUID()): Promise<TestDaemon> {
    const address = `${url.replace('http', 'ws')}/api/v1/daemons/connect`;
    const socket = new WebSocket(address, { headers: { authorization: `Bearer ${caller.token}` } });
    const daemon = new TestDaemon(id, caller, socket);
    await once(socket, 'open');
    return daemon;
  }

  /** Opens a connection and says hello. @param beatsMs milliseconds between heartbeats; without it, none are sent. */
  static async connect(
    url: string,
    caller: TestCaller,
    { id, beatsMs, ...hello }: { id?: string; beatsMs?: number } & Partial<Message> = {},
  ): Promise<TestDaemon> {
    const daemon = await TestDaemon.open(url, caller, id);
    daemon.hello(hello);
    await daemon.next('welcome');
    if (beatsMs !== undefined) daemon.#beating = setInterval(() => daemon.beat(), beatsMs);
    return daemon;
  }

  say(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  hello(changed: object = {}): void {
    this.say({
      type: 'hello',
      protocol: 1,
      daemonId: this.id,
      name: 'a daemon',
      version: '0.1.0',
      hostname: 'a machine',
      capacity: 2,
      runners: ['command', 'replay'],
      ...changed,
    });
  }

  beat(tasks: readonly { readonly taskId: string; readonly epoch: number }[] = []): void {
    this.say({ type: 'heartbeat', tasks, freeBytes: 1_000, usedBytes: 10 });
  }

  /** The next message of a type that was not taken yet. @throws Error when the connection ends without one. */
  async next(type: string): Promise<Message> {
    for (;;) {
      const at = this.#heard.findIndex((message) => message.type === type);
      if (at >= 0) return this.#heard.splice(at, 1)[0]!;
      if (this.socket.readyState === WebSocket.CLOSED)
        throw new Error(`closed without ${type}: ${JSON.stringify(this.#heard)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Forgets what was heard and not taken. */
  forget(): void {
    this.#heard.length = 0;
  }

  /** Takes a task that was started. @returns its lease. */
  lease(taskId: string): Promise<Readonly<Record<string, unknown>> & { readonly epoch: number }> {
    return this.caller.post(`/api/v1/mesh/tasks/${taskId}/lease`, { daemonId: this.id });
  }

  /** The headers of what it says under a lease. */
  under(epoch: number): Readonly<Record<string, string>> {
    return { 'x-makima-lease': String(epoch), 'x-makima-daemon': this.id };
  }

  async close(): Promise<void> {
    clearInterval(this.#beating);
    this.socket.close();
    await this.closed;
  }

  /** Ends as a machine does that loses its power: without a word. */
  vanish(): void {
    clearInterval(this.#beating);
    this.socket.terminate();
  }
}
