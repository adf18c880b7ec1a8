import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDaemon, type DaemonOptions, type RunningDaemon } from '../daemon.js';
import { readJson } from '../json-file.js';
import type { JournalState } from '../journal.js';
import { FakeServer, KEY } from './fake-server.js';
import type { FakeTask } from './fake-task.js';
import { until } from './until.js';

const BUILT = fileURLToPath(new URL('../../../dist/apps/daemon/main.js', import.meta.url));

/** What a task is to run: lines of a shell. */
export const shell = (script: string) =>
  ({ runner: { name: 'command', command: ['sh', '-c', script] } }) as const;

/** A server of specs, and daemons that work for it: in this process, or in ones of their own that can be killed. */
export class DaemonWorld {
  readonly said: string[] = [];
  readonly #daemons: RunningDaemon[] = [];
  readonly #children: ChildProcess[] = [];

  private constructor(
    readonly base: string,
    readonly server: FakeServer,
  ) {}

  static async create(): Promise<DaemonWorld> {
    const base = await mkdtemp(join(tmpdir(), 'makima-daemon-'));
    return new DaemonWorld(base, await FakeServer.start(join(base, 'hub')));
  }

  async end(): Promise<void> {
    for (const child of this.#children) await this.kill(child);
    for (const daemon of this.#daemons) await daemon.stop();
    await this.server.stop();
    await rm(this.base, { recursive: true, maxRetries: 5 });
  }

  async start(options: Partial<DaemonOptions> = {}): Promise<RunningDaemon> {
    const daemon = await startDaemon({
      url: this.server.url,
      token: KEY,
      home: join(this.base, 'home'),
      name: 'here',
      lookMs: 50,
      graceMs: 500,
      backoff: { firstMs: 10, mostMs: 50 },
      log: (line) => this.said.push(line),
      ...options,
    });
    this.#daemons.push(daemon);
    return daemon;
  }

  /** A daemon in a process of its own. @param failpoint where it dies */
  spawn(failpoint = ''): ChildProcess {
    const child = spawn(process.execPath, [BUILT], {
      env: {
        PATH: process.env['PATH'],
        MAKIMA_HOME: join(this.base, 'home'),
        MAKIMA_URL: this.server.url,
        MAKIMA_TOKEN: KEY,
        MAKIMA_FAILPOINT: failpoint,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.on('data', (text: Buffer) => this.said.push(text.toString().trim()));
    this.#children.push(child);
    return child;
  }

  async kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  /** Waits for something, and says what the daemons said if it does not come. */
  until(holds: () => unknown, what: string): Promise<void> {
    return until(holds, what).catch((error: unknown) => {
      throw new Error(`${String(error)}; daemons said: ${this.said.join(' | ')}`);
    });
  }

  ended(task: FakeTask, times = 1): Promise<void> {
    return this.until(() => task.ends.length >= times, `run ${times} has ended`);
  }

  /** Waits until a task's rewinds have come to so many steps. */
  rewound(task: FakeTask, steps: number): Promise<void> {
    return this.until(() => task.rewinds.length >= steps, `${steps} steps of rewinds`);
  }

  place(task: FakeTask, path: string): string {
    return join(this.base, 'home/daemon/tasks', task.id, path);
  }

  read(task: FakeTask, path: string): Promise<string | null> {
    return readFile(this.place(task, join('folder', path)), 'utf8').catch(() => null);
  }

  async write(task: FakeTask, path: string, content: string): Promise<void> {
    const file = this.place(task, join('folder', path));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  async journal(task: FakeTask): Promise<JournalState> {
    return (await readJson(this.place(task, 'journal.json'))) as JournalState;
  }

  /** What git says of a task's shadow. */
  shadow(task: FakeTask, ...args: readonly string[]): string {
    const env = { PATH: process.env['PATH'], GIT_DIR: this.place(task, 'shadow.git') };
    return execFileSync('git', args, { env, encoding: 'utf8', stdio: 'pipe' }).trim();
  }

  treeOf(task: FakeTask, commit: string): string {
    return this.shadow(task, 'rev-parse', `${commit}^{tree}`);
  }
}

/** Plain git, as a person or an agent runs it. */
export const plainGit =
  (folder: string) =>
  (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=agent', '-c', 'user.email=agent@example.org', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
