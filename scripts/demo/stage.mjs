// Where the demo happens: a scratch folder with a server and daemons of its own, and a terminal on which commands are shown.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCli } from '#apps/cli/run.js';
import { MakimaApi } from '#libs/client/makima-api.js';
import { readCredentials } from '#libs/client/makima-home.js';
import { neutralise } from '#apps/cli/terminal/neutralise.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const PATIENCE_MS = 60_000;
/** Silence after which the demo's server takes a daemon for lost: it would be half a minute otherwise. */
const LEASE_MS = '2000';
const CHECKPOINT_MS = '3000';

const inColour = process.stdout.isTTY === true && !process.env.NO_COLOR;
const styled = (code, text) => (inColour ? `\x1b[${code}m${text}\x1b[0m` : text);

/** A word as a shell takes it. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

export class Stage {
  folder = mkdtempSync(join(tmpdir(), 'makima-demo-'));
  #env = {};
  #processes = [];
  #interrupted = new AbortController();

  #pauseMs;

  /** @param pauseMs before each step. */
  constructor({ pauseMs }) {
    this.#pauseMs = pauseMs;
    // Postgres may run as another user, who has to get through.
    chmodSync(this.folder, 0o755);
    this.#env = {
      ...Object.fromEntries(
        ['PATH', 'HOME', 'TZ', 'LANG'].map((name) => [name, process.env[name]]).filter(([, value]) => value),
      ),
      ...(inColour ? {} : { NO_COLOR: '1' }),
      PAGER: 'cat',
      MAKIMA_HOME: this.path('home'),
    };
  }

  path = (...names) => join(this.folder, ...names);

  get signal() {
    return this.#interrupted.signal;
  }

  interrupt() {
    this.#interrupted.abort(new Error('interrupted'));
  }

  /** Says what comes, once the one who watches has read what came before. */
  async tell(text) {
    await delay(this.#pauseMs, undefined, { signal: this.signal });
    process.stdout.write(`\n${styled('1;36', text)}\n`);
  }

  /** Shows a command as it is typed. */
  prompt(command) {
    process.stdout.write(`${styled('32', '$')} ${styled('1', command)}\n`);
  }

  /** Sets a variable for all that follows, and shows how. */
  export(name, value) {
    this.#env[name] = value;
    this.prompt(`export ${name}=${quoted(value)}`);
  }

  /** Runs the command line as somebody would type it. @returns all that it printed. */
  async makima(...words) {
    this.prompt(['makima', ...words.map(quoted)].join(' '));
    const screen = terminal();
    const code = await runCli(words, {
      env: this.#env,
      ...screen,
      stdin: Object.assign(Readable.from([]), { isTTY: false }),
      version: '',
      now: () => new Date(),
      signal: this.signal,
      become: () => Promise.reject(new Error('the demo starts daemons as processes')),
    });
    this.signal.throwIfAborted();
    if (code !== 0) throw new Error(`that ended with exit code ${code}`);
    return screen.text();
  }

  /** Shows a file of a task's folder. */
  cat(path) {
    this.prompt(`cat ${quoted(path)}`);
    process.stdout.write(neutralise(readFileSync(path, 'utf8')));
  }

  /** Makes the sample repository. */
  repository(files) {
    const folder = this.path('greeter');
    mkdirSync(folder);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const git = (...args) => execFileSync('git', args, { cwd: folder, stdio: 'ignore' });
    git('init', '--quiet', '--initial-branch', 'main');
    git('add', '--all');
    git('-c', 'user.name=Demo', '-c', 'user.email=demo@example.org', 'commit', '--quiet', '-m', 'A greeter');
    return folder;
  }

  /** Starts the server. @returns its address. */
  async server() {
    const settings = {
      MAKIMA_HOME: this.path('home'),
      PORT: '0',
      MAKIMA_DAEMON: 'off',
      MAKIMA_LEASE_MS: LEASE_MS,
    };
    this.prompt(
      `${Object.entries(settings)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ')} npm start &`,
    );
    await this.#launch('server', [join(root, 'dist/apps/api/main.js')], settings, /^makima ready at /);
    this.api = new MakimaApi({ ...readCredentials(this.path('home')), signal: this.signal });
    return this.api.http.url;
  }

  /** Starts a daemon with a home of its own. @returns how it is killed. */
  async daemon(name) {
    const words = ['daemon', 'start', '--name', name, '--home', this.path(name)];
    this.prompt(`makima ${words.map(quoted).join(' ')} &`);
    const settings = { MAKIMA_CHECKPOINT_MS: CHECKPOINT_MS };
    const child = await this.#launch(
      name,
      [join(root, 'apps/cli/makima.mjs'), ...words],
      settings,
      / ready for /,
    );
    return async () => {
      this.prompt(`kill -9 ${child.pid}`);
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
  }

  async #launch(name, args, settings, ready) {
    const child = spawn(process.execPath, args, {
      // Ctrl-C reaches the demo alone, which ends all of them in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...this.#env, ...settings, NO_COLOR: '1' },
    });
    this.#processes.push(child);
    const isReady = new Promise((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        createInterface(stream).on('line', (line) => {
          process.stdout.write(`${styled('2', `[${name}] ${neutralise(line)}`)}\n`);
          if (ready.test(line)) resolve();
        });
      child.once('exit', (code) => reject(new Error(`that ended with exit code ${code}`)));
      this.signal.addEventListener('abort', () => reject(this.signal.reason));
    });
    await isReady;
    return child;
  }

  /** Waits until something holds. */
  async until(what, holds) {
    for (const end = Date.now() + PATIENCE_MS; !(await holds()); await delay(100)) {
      this.signal.throwIfAborted();
      if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    }
  }

  /** Ends everything, the server last. */
  async close() {
    for (const child of this.#processes.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A terminal of which both streams go to this one's screen; what is written is kept. */
function terminal() {
  let text = '';
  const stream = () => {
    const write = (chunk, _, done) => {
      text += chunk;
      process.stdout.write(chunk);
      done();
    };
    return Object.assign(new Writable({ write, decodeStrings: false }), {
      isTTY: true,
      columns: process.stdout.columns ?? 80,
      rows: 10_000,
    });
  };
  return { stdout: stream(), stderr: stream(), text: () => text };
}
