import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readCredentials, type Credentials } from '#libs/client/makima-home.js';
import { databaseUrl } from '#libs/database/embedded/postgres-cluster.js';
import { readKeys } from '#libs/database/embedded/postgres-keys.js';
import { readPidFile } from '#libs/database/embedded/postmaster.js';
import { runningProcess, type RunningProcess } from '#libs/processes/running-process.js';
import { stopLeftover } from '#libs/database/embedded-postgres.js';
import { claim, PREFIX, sweep } from './leftovers.js';

const mainOf = (program: string): string =>
  fileURLToPath(new URL(`../../dist/apps/${program}/main.js`, import.meta.url));
const READY = /^makima (?:ready at (http:\/\/\S+)|projector ready|daemon .+ ready for \S+)$/;
const PATIENCE_MS = 90_000;

export interface LaunchOptions {
  /** Default: api. */
  readonly program?: 'api' | 'projector' | 'daemon';
  readonly home: string;
  /** 0: any free one. */
  readonly port?: number;
  /**
   * Beside PATH, MAKIMA_HOME, PORT, and a MAKIMA_DAEMON that is off; nothing else of the test's own environment reaches
   * the server.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Who runs it; for tests that run as root. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real server process, started as `npm start` does after its build, in a process group of its own as in a terminal. */
export class MakimaProcess {
  readonly home: string;
  /** What it printed, line by line. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Resolves when it has ended and all that it printed has been read. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  #ending: Ending | undefined;

  constructor({ program = 'api', home, port = 0, env = {}, user }: LaunchOptions) {
    this.home = home;
    this.#child = spawn(process.execPath, [mainOf(program)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        MAKIMA_HOME: home,
        PORT: String(port),
        MAKIMA_DAEMON: 'off',
        ...env,
      },
      ...(user ?? {}),
    });
    const { stdout, stderr } = this.#child;
    if (!stdout || !stderr) throw new Error('a child with pipes has streams');
    createInterface(stdout).on('line', (line) => this.stdout.push(line));
    createInterface(stderr).on('line', (line) => this.stderr.push(line));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve((this.#ending = { code, signal })));
    });
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /** True until it has ended. */
  get running(): boolean {
    return this.#ending === undefined;
  }

  /** The address that it said it is ready at, once it has. */
  get url(): string | undefined {
    return this.#readiness?.[1];
  }

  get #readiness(): RegExpExecArray | null {
    return READY.exec(this.stdout.at(-1) ?? '');
  }

  /** Waits until it says that it is ready. @returns its address, if it has one. @throws Error with its output when it ends instead. */
  async ready(): Promise<string> {
    await eventually(
      () => this.#readiness !== null || !this.running,
      () => `not ready: ${this.output}`,
    );
    if (!this.#readiness) throw new Error(`ended instead of being ready: ${this.output}`);
    return this.url ?? '';
  }

  /** Its notes, without the one that it makes when a start takes long, as it may on a busy machine. */
  get notes(): readonly string[] {
    return this.stderr.filter((line) => !line.startsWith('Postgres is recovering'));
  }

  get output(): string {
    return [...this.stdout, ...this.stderr].join('\n');
  }

  /** What `credentials.json` says. */
  get credentials(): Credentials {
    const credentials = readCredentials(this.home);
    if (!credentials) throw new Error('there are no credentials yet');
    return credentials;
  }

  /** Sends a signal to the server alone. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Sends a signal to the server's process group: SIGINT is what Ctrl-C in a terminal does. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Kills the server (never its Postgres, which has a session of its own) and waits for its end. */
  async kill(): Promise<void> {
    if (!this.running) return;
    this.signalGroup('SIGKILL');
    await this.ended;
  }
}

/** A folder for one test's homes, and everything that runs on them. */
export class MakimaHomes {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), PREFIX)));
  readonly #processes: MakimaProcess[] = [];
  readonly #swept: Promise<void>;

  constructor() {
    chmodSync(this.folder, 0o755);
    claim(this.folder);
    this.#swept = sweep().catch(() => undefined); // the next run tries again
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Launches a server on the home `home` of this folder (default `home`), and does not wait for it. */
  launch(options: Partial<LaunchOptions> = {}): MakimaProcess {
    const process = new MakimaProcess({ home: this.path('home'), ...options });
    this.#processes.push(process);
    return process;
  }

  /** Launches a server and waits until it is ready. */
  async start(options: Partial<LaunchOptions> = {}): Promise<MakimaProcess> {
    const process = this.launch(options);
    await process.ready();
    return process;
  }

  /** Ends and removes everything. */
  async remove(): Promise<void> {
    await this.#swept;
    for (const process of this.#processes) await process.kill();
    for (const home of new Set(this.#processes.map((process) => process.home))) {
      if (postmasterOf(home)) await stopLeftover(home);
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const dataFolder = (home: string): string => join(home, 'postgres');

/** The live Postgres of a home, by the pid file that Postgres keeps there. */
export function postmasterOf(home: string): RunningProcess | undefined {
  const pidFile = readPidFile(dataFolder(home));
  const found = pidFile && runningProcess(pidFile.pid);
  return found?.commandLine.includes(`makima.data_folder=${dataFolder(home)}`) ? found : undefined;
}

/** The address of a home's Postgres, for the role that owns the database or for the superuser. */
export function databaseOf(home: string, role: 'makima' | 'postgres'): string {
  const keys = readKeys(join(home, 'keys/postgres.json'));
  if (!keys) throw new Error(`${home} has no Postgres`);
  const url = new URL(databaseUrl(keys, readPidFile(dataFolder(home))?.port ?? keys.port));
  if (role === 'postgres') {
    url.username = 'postgres';
    url.password = keys.superuserPassword;
  }
  return url.toString();
}

/** Waits until something holds. @throws Error saying what did not. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: () => string,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  for (const end = Date.now() + patienceMs; !(await condition()); await delay(20)) {
    if (Date.now() > end) throw new Error(`waited ${patienceMs} ms in vain: ${what()}`);
  }
}
