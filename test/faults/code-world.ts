import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tcpProxy, type TcpProxy } from '#libs/testing/tcp-proxy.js';
import { expectOk, request, type Door } from './api.js';
import { killPostgres } from './faults.js';
import { databaseOf, eventually, MakimaHomes, postmasterOf, type MakimaProcess } from './makima-process.js';

/** Milliseconds after which a daemon that is not heard of loses its leases. */
export const LEASE_MS = 2_000;
const IDENTITY = /^makima daemon .+ \(([0-9a-f-]{36})\) ready/m;

/** A place where a daemon runs, or several of them one after the other. */
export class DaemonSeat {
  #process: MakimaProcess | undefined;
  #id: string | undefined;
  /** Whether it is told to die somewhere. */
  isArmed = false;

  constructor(
    private readonly world: CodeWorld,
    readonly name: string,
  ) {}

  get home(): string {
    return this.world.homes.path(this.name);
  }

  /** The daemon's id, once it has been connected. */
  get id(): string {
    if (this.#id === undefined) throw new Error(`${this.name} was never connected`);
    return this.#id;
  }

  get process(): MakimaProcess | undefined {
    return this.#process;
  }

  get isRunning(): boolean {
    return this.#process?.running ?? false;
  }

  /** Starts it, and does not wait until it is connected. @param failpoint where it dies */
  start(failpoint = ''): void {
    this.isArmed = failpoint !== '';
    this.#process = this.world.homes.launch({
      program: 'daemon',
      home: this.home,
      env: {
        MAKIMA_URL: this.world.proxied,
        MAKIMA_TOKEN: this.world.daemonKey,
        MAKIMA_DAEMON_NAME: this.name,
        MAKIMA_FAILPOINT: failpoint,
        MAKIMA_CHECKPOINT_MS: '400',
      },
    });
  }

  async connected(): Promise<void> {
    const { process } = this;
    await process?.ready();
    this.#id = IDENTITY.exec(process?.stdout.join('\n') ?? '')?.[1] ?? this.#id;
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** A task's place on its disk. */
  place(taskId: string, path = ''): string {
    return join(this.home, 'daemon/tasks', taskId, path);
  }

  /** Whether a task's folder was made to its end: the next lease goes on with one that was not. */
  hasFolder(taskId: string): boolean {
    return this.#journal(taskId)['isPrepared'] === true;
  }

  #journal(taskId: string): Readonly<Record<string, unknown>> {
    const path = this.place(taskId, 'journal.json');
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : {};
  }

  /** What it has not told, or sent, or finished, of any task. */
  unfinished(): readonly string[] {
    const tasks = join(this.home, 'daemon/tasks');
    if (!existsSync(tasks)) return [];
    return readdirSync(tasks).flatMap((taskId) => {
      const journal = this.#journal(taskId);
      const many = (what: string): boolean =>
        ((journal[what] as readonly unknown[] | undefined)?.length ?? 0) > 0;
      if (!existsSync(this.place(taskId, 'spool'))) return [];
      const spooled = readdirSync(this.place(taskId, 'spool')).filter((name) => !name.startsWith('refused'));
      return [
        ...['lease'].filter((what) => journal[what]),
        ...['untold', 'unsafe'].filter(many),
        ...spooled,
      ].map((what) => `${this.name} still has ${what} of ${taskId}: ${JSON.stringify(journal[what])}`);
    });
  }
}

/** A server with its Postgres, and two daemons that reach it along a way which can be cut. */
export class CodeWorld {
  readonly homes = new MakimaHomes();
  readonly seats = [new DaemonSeat(this, 'one'), new DaemonSeat(this, 'two')] as const;
  #server: MakimaProcess | undefined;
  #port = 0;
  #proxy: TcpProxy | undefined;
  #daemonKey = '';
  #reviving: Promise<void> | undefined;

  get server(): MakimaProcess {
    if (!this.#server) throw new Error('not started');
    return this.#server;
  }

  get proxy(): TcpProxy {
    if (!this.#proxy) throw new Error('not started');
    return this.#proxy;
  }

  get proxied(): string {
    return this.proxy.url.replace(/\/$/, '');
  }

  get daemonKey(): string {
    return this.#daemonKey;
  }

  get databaseUrl(): string {
    return databaseOf(this.server.home, 'makima');
  }

  get hubs(): string {
    return join(this.server.home, 'hubs');
  }

  /** For people: past the way that can be cut. */
  readonly door: Door = () => ({ url: this.server.credentials.url, token: this.server.credentials.token });
  readonly #daemonDoor: Door = () => ({ url: this.server.credentials.url, token: this.#daemonKey });

  async start(): Promise<void> {
    await this.startServer();
    this.#proxy = await tcpProxy(this.server.credentials.url);
    const key = { kind: 'daemon', name: 'daemons' };
    this.#daemonKey = String((await expectOk(this.door, 'POST', '/api/v1/access/keys', key))['token']);
    for (const seat of this.seats) seat.start();
    for (const seat of this.seats) await seat.connected();
  }

  /** Starts it; again, at the same address. */
  async startServer(): Promise<void> {
    const env = { MAKIMA_LEASE_MS: String(LEASE_MS) };
    this.#server = this.homes.launch({ port: this.#port, env });
    this.#port = Number(new URL(await this.#server.ready()).port);
  }

  killServer(): void {
    if (this.server.running) this.server.signalGroup('SIGKILL');
  }

  killPostgres(): void {
    if (postmasterOf(this.server.home)) killPostgres(this.server.home);
  }

  /** Nothing that was laid in wait comes any more. */
  async disarm(): Promise<void> {
    this.proxy.atChunk(Infinity, () => undefined);
    for (const seat of this.seats) if (seat.isArmed) await seat.kill();
  }

  /** Starts what does not run; whoever asks meanwhile waits for the same. */
  revive(): Promise<void> {
    return (this.#reviving ??= this.#revive().finally(() => (this.#reviving = undefined)));
  }

  async #revive(): Promise<void> {
    if (!this.server.running) await this.startServer();
    for (const seat of this.seats) if (!seat.isRunning) seat.start();
    for (const seat of this.seats) await seat.connected();
  }

  /** What the server still wants of its daemons; undefined: it does not say. */
  async wanted(): Promise<readonly string[] | undefined> {
    const wanted: string[] = [];
    for (const { id } of this.seats) {
      const answer = await request(this.#daemonDoor, 'GET', `/api/v1/daemons/${id}/work`).catch(() => null);
      if (answer?.status !== 200) return undefined;
      for (const [what, tasks] of Object.entries(answer.body))
        for (const task of tasks as readonly object[]) wanted.push(`${what}: ${JSON.stringify(task)}`);
    }
    return wanted;
  }

  /** Waits until nothing is to be done any more. @throws Error saying what is */
  async settle(): Promise<void> {
    let left: readonly string[] = [];
    await eventually(
      async () => {
        // One that was told to die somewhere may do so only now.
        await this.revive().catch(() => undefined);
        left = [
          ...((await this.wanted()) ?? ['no answer']),
          ...this.seats.flatMap((seat) => seat.unfinished()),
        ];
        return left.length === 0;
      },
      () => `${left.join('\n')}\n${this.lastWords()}`,
      45_000,
    );
  }

  lastWords(): string {
    const words = this.seats.map(
      ({ name, process }) =>
        `${name} (${process?.running ? 'runs' : 'has ended'}): ${process?.stderr.slice(-12).join('\n')}`,
    );
    return [`server: ${this.server.stderr.slice(-12).join('\n')}`, ...words].join('\n');
  }

  async remove(): Promise<void> {
    for (const seat of this.seats) await seat.kill();
    await this.#proxy?.close();
    await this.homes.remove();
  }
}
