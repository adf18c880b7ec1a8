import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface LocalDaemonOptions {
  readonly home: string;
  /** The server that it works for. */
  readonly url: string;
  /** A key with which it may make one of its own. */
  readonly token: string;
  readonly log: (line: string) => void;
  /** Program and arguments; for tests. */
  readonly command?: readonly [program: string, ...args: readonly string[]];
  readonly patience?: Partial<Patience>;
}

/** All in milliseconds. */
interface Patience {
  /** How long a start waits for the daemon to be ready. */
  readonly ready: number;
  /** How long it may take to hand back what it works on. */
  readonly drain: number;
  /** Before the first new start after it ended by itself; the next ones wait twice as long each, up to `longest`. */
  readonly again: number;
  readonly longest: number;
  /** Who ran for so long did not fail to start. */
  readonly steady: number;
}

const PATIENCE: Patience = { ready: 10_000, drain: 25_000, again: 1_000, longest: 30_000, steady: 60_000 };
const READY = /^makima daemon .* ready for /;

const commandLine = fileURLToPath(new URL('../../../apps/cli/makima.mjs', import.meta.url));

/**
 * The daemon beside a server (DESIGN §8): a process of its own, so that what agents do to it does not reach the server. It
 * ends with the server, however that ends, and is started again when it ends by itself.
 */
export class LocalDaemon {
  readonly #patience: Patience;
  #child: ChildProcess | undefined;
  readonly #stopping = new AbortController();
  /** Resolves when it is over for good. */
  #over: Promise<void> = Promise.resolve();

  constructor(private readonly options: LocalDaemonOptions) {
    this.#patience = { ...PATIENCE, ...options.patience };
  }

  /** Starts it. Resolves when it is ready, or takes too long for that: the server is useful without it, too. */
  async start(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#over = this.#keepRunning(resolve);
    });
    await Promise.race([ready, this.#over, delay(this.#patience.ready, undefined, { ref: false })]);
  }

  /** Ends it; what it works on it hands back first. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    child?.kill('SIGTERM');
    const forced = setTimeout(() => child?.kill('SIGKILL'), this.#patience.drain);
    await this.#over;
    clearTimeout(forced);
  }

  async #keepRunning(onReady: () => void): Promise<void> {
    const { again, longest, steady } = this.#patience;
    const { signal } = this.#stopping;
    for (let pause = again; !signal.aborted; pause = Math.min(pause * 2, longest)) {
      const began = Date.now();
      const end = await this.#run(onReady);
      if (signal.aborted) return;
      onReady(); // a start does not wait for the next try
      if (Date.now() - began > steady) pause = again;
      this.options.log(`daemon: ended ${end}; starting it again in ${pause / 1_000} s`);
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Runs it once. @returns how it ended, for people. */
  async #run(onReady: () => void): Promise<string> {
    const { home, url, token, command } = this.options;
    const [program, ...args] = command ?? [process.execPath, commandLine, 'daemon', 'start', '--with-parent'];
    const child = spawn(program, args, {
      // Ctrl-C reaches the server alone, which then ends it once: a daemon that is told twice does not wait.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, MAKIMA_HOME: home, MAKIMA_URL: url, MAKIMA_TOKEN: token },
    });
    this.#child = child;
    const ended = once(child, 'close').then(
      ([code, signal]) => (signal === null ? `with exit code ${code}` : `by ${signal}`),
      (error: Error) => `before it began: ${error.message}`,
    );
    for (const stream of [child.stdout, child.stderr])
      createInterface(stream).on('line', (line) => {
        this.options.log(`daemon: ${line.replace(/^makima daemon: /, '')}`);
        if (READY.test(line)) onReady();
      });
    return ended;
  }
}
