import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import {
  startEmbeddedPostgres,
  stopLeftover,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '#libs/database/embedded-postgres.js';

const BUILT = fileURLToPath(new URL('../../dist/libs/database/embedded-postgres.js', import.meta.url));

/** A home for one test, and all that runs on it. */
export class EmbeddedHome {
  /** A temporary folder around the home. */
  readonly folder = mkdtempSync(join(tmpdir(), 'makima-embedded-'));
  readonly home = join(this.folder, 'home');
  readonly #servers: EmbeddedPostgres[] = [];
  readonly #children: ChildProcess[] = [];

  constructor() {
    chmodSync(this.folder, 0o711);
  }

  /** Starts Postgres from here, by default on this home and without fsync. */
  async start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ home: this.home, forTests: true, ...options });
    this.#servers.push(server);
    return server;
  }

  /** Starts Postgres from a process of its own with a process group of its own, as makima in a terminal does. */
  startElsewhere(): ChildProcess {
    const script = `
      const { startEmbeddedPostgres } = await import(process.argv[1]);
      await startEmbeddedPostgres({ home: process.argv[2], forTests: true });
      console.log('up');
      setInterval(() => {}, 1000);`;
    return this.spawn(process.execPath, ['--input-type=module', '-e', script, BUILT, this.home]);
  }

  /** As above, waits until Postgres is up, and kills the process with its group. */
  async startAndKill(): Promise<void> {
    const child = this.startElsewhere();
    await once(child.stdout ?? child, 'data');
    await killGroup(child);
  }

  /** Runs a program in a process group of its own, until the end of the test at most. */
  spawn(program: string, args: readonly string[], user: { uid?: number; gid?: number } = {}): ChildProcess {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'], ...user });
    this.#children.push(child);
    return child;
  }

  /** Ends and removes everything. */
  async remove(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) await killGroup(child);
    }
    for (const server of this.#servers) await server.stop();
    if (existsSync(join(this.home, 'postgres/postmaster.pid'))) await stopLeftover(this.home);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Kills a process that was started with a group of its own, and the group. */
export async function killGroup(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  process.kill(-(child.pid ?? Number.NaN), 'SIGKILL');
  await exit;
}

/** Waits, at most 10 s, until something holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !condition(); await delay(10)) {
    if (Date.now() > end) throw new Error('waited in vain');
  }
}

/** One query on a connection of its own. */
export async function queryOnce(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

export const portOf = (server: EmbeddedPostgres): number => Number(new URL(server.url).port);
