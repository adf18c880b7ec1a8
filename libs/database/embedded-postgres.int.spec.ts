import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import pg from 'pg';
import { findPostmaster, launchPostmaster } from './embedded/postmaster.js';
import { postgresAccount } from './embedded/postgres-account.js';
import { packageFolder, postgresBinaries } from './embedded/postgres-binaries.js';
import { readKeys } from './embedded/postgres-keys.js';
import { runningProcess } from './embedded/running-process.js';
import { startEmbeddedPostgres, stopLeftover, type EmbeddedPostgres } from './embedded-postgres.js';

const BUILT = fileURLToPath(new URL('../../dist/libs/database/embedded-postgres.js', import.meta.url));

jest.setTimeout(30_000);

let folder: string;
let home: string;
const started: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];

async function start(at = home, forTests = true): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ home: at, forTests });
  started.push(server);
  return server;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Starts Postgres from a process of its own, in a process group of its own, as `makima` in a terminal does. */
function startElsewhere(): ChildProcess {
  const script = `
    const { startEmbeddedPostgres } = await import(process.argv[1]);
    await startEmbeddedPostgres({ home: process.argv[2], forTests: true });
    console.log('up');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, BUILT, home], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function killGroup(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  process.kill(-(child.pid ?? 0), 'SIGKILL');
  await exit;
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !condition(); await delay(10)) {
    if (Date.now() > end) throw new Error('waited in vain');
  }
}

const portOf = (server: EmbeddedPostgres): number => Number(new URL(server.url).port);
const halfMade = (): string[] => readdirSync(home).filter((name) => name.startsWith('postgres.new-'));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'makima-embedded-'));
  chmodSync(folder, 0o711); // for root, whose Postgres is another user's
  home = join(folder, 'home');
});

afterEach(async () => {
  for (const child of children.splice(0))
    if (child.exitCode === null && child.signalCode === null) await killGroup(child);
  for (const server of started.splice(0)) await server.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

describe('the first start', () => {
  it('makes a database for a role that row-level security holds for, safe against power cuts', async () => {
    const { url } = await start(home, false);
    expect(
      await query(
        url,
        'SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user',
      ),
    ).toEqual([
      { rolname: 'makima', rolsuper: false, rolbypassrls: false, rolcreaterole: true, rolcreatedb: false },
    ]);
    expect(
      await query(
        url,
        'SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database()',
      ),
    ).toEqual([{ owner: 'makima' }]);
    expect(
      await query(
        url,
        `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'jit', 'listen_addresses') ORDER BY name`,
      ),
    ).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'jit', setting: 'off' },
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
    await query(url, 'CREATE TABLE t (n int); INSERT INTO t VALUES (1)');
  });

  it('keeps passwords and data to itself, and asks for the password', async () => {
    const { url } = await start();
    const modes = ['keys', 'keys/postgres.json', 'postgres', 'logs'].map(
      (path) => statSync(join(home, path)).mode & 0o777,
    );
    expect(modes.map((mode) => mode.toString(8))).toEqual(['700', '600', '700', '700']);
    const wrong = new URL(url);
    wrong.password = 'guessed';
    await expect(query(wrong.toString(), 'SELECT 1')).rejects.toThrow('password authentication failed');
    wrong.username = 'postgres';
    await expect(query(wrong.toString(), 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('is done again when it was killed half-way', async () => {
    do {
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
      const child = startElsewhere();
      await until(
        () => existsSync(home) && halfMade().some((name) => existsSync(join(home, name, 'data/PG_VERSION'))),
      );
      await killGroup(child);
    } while (existsSync(join(home, 'postgres'))); // it was faster than we
    expect(halfMade()).toHaveLength(1);
    const first = await start();
    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await first.stop();
    await start();
    expect(halfMade()).toEqual([]);
  });
});

describe('stop and start', () => {
  it('keep the data, the address and the passwords; stopping twice is harmless', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE t AS SELECT 7 AS n');
    await first.stop();
    await first.stop();
    expect(runningProcess(first.pid)).toBeUndefined();
    expect(existsSync(join(home, 'postgres/postmaster.pid'))).toBe(false);
    const second = await start();
    expect(second).toMatchObject({ url: first.url, adopted: false });
    expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
  });

  it('move to another port when somebody took theirs', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE t AS SELECT 7 AS n');
    await first.stop();
    const thief = createServer().listen(portOf(first), '127.0.0.1');
    await once(thief, 'listening');
    const second = await start();
    expect(portOf(second)).not.toBe(portOf(first));
    expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
    expect(readKeys(join(home, 'keys/postgres.json'))?.port).toBe(portOf(second));
    thief.close();
  });

  it('work for two homes side by side', async () => {
    const [one, other] = await Promise.all([start(join(folder, 'one')), start(join(folder, 'other'))]);
    await query(one.url, 'CREATE TABLE only_here ()');
    await expect(query(other.url, 'TABLE only_here')).rejects.toThrow('does not exist');
    await one.stop();
    expect(await query(other.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

describe('after a kill -9', () => {
  it('of makima and its process group, the server that still runs is taken over', async () => {
    const child = startElsewhere();
    await once(child.stdout ?? child, 'data');
    await killGroup(child);
    const server = await start();
    expect(server.adopted).toBe(true);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(runningProcess(server.pid)).toBeUndefined();
  });

  it('of makima, the server that still runs can be stopped without starting another', async () => {
    const child = startElsewhere();
    await once(child.stdout ?? child, 'data');
    await killGroup(child);
    expect(await stopLeftover(home)).toBe(true);
    expect(await stopLeftover(home)).toBe(false);
    expect((await start()).adopted).toBe(false);
  });

  it('of Postgres with clients at work, what was committed is there', async () => {
    const first = await start(home, false);
    await query(first.url, 'CREATE TABLE t (n int)');
    const clients = Array.from({ length: 8 }, () => new pg.Client({ connectionString: first.url }));
    let committed = 0;
    const writers = clients.map(async (client) => {
      client.on('error', () => undefined);
      await client.connect();
      for (;;) {
        await client.query('INSERT INTO t VALUES (1)');
        committed += 1;
      }
    });
    const ended = Promise.allSettled(writers);
    await until(() => committed > 50);
    process.kill(first.pid, 'SIGKILL');
    const second = await start(home, false);
    await ended;
    expect(second.adopted).toBe(false);
    const [row] = await query(second.url, 'SELECT count(*)::int AS n FROM t');
    expect(row?.n).toBeGreaterThanOrEqual(committed);
    expect(row?.n).toBeLessThanOrEqual(committed + clients.length);
  });

  it('a foreign process that has got the pid of the server is left alone', async () => {
    const first = await start();
    await first.stop();
    const { uid, gid } = postgresAccount(join(home, 'postgres'));
    const foreign = spawn('sleep', ['60'], uid === undefined || gid === undefined ? {} : { uid, gid });
    children.push(foreign);
    await once(foreign, 'spawn');
    const pidFile = [
      foreign.pid,
      join(home, 'postgres'),
      1,
      portOf(first),
      '',
      '127.0.0.1',
      ' 1 1',
      'ready   ',
      '',
    ];
    writeFileSync(join(home, 'postgres/postmaster.pid'), pidFile.join('\n'));

    // The control: Postgres by itself refuses to start.
    const account = postgresAccount(join(home, 'postgres'));
    const alone = await launchPostmaster({
      program: postgresBinaries(home, account).postgres,
      dataFolder: join(home, 'postgres'),
      port: portOf(first),
      logFile: join(folder, 'control.log'),
      account,
    });
    expect(alone).toEqual({ failure: expect.stringContaining('already exists') });

    expect((await start()).adopted).toBe(false);
    expect(runningProcess(foreign.pid ?? 0)?.commandLine).toBe('sleep 60');
    foreign.kill('SIGKILL');
    await once(foreign, 'exit');
  });
});

describe('what stands in the way is said in one line', () => {
  it.each(['file', 'file/below', 'missing/below'])('a home that cannot be made: %s', async (path) => {
    writeFileSync(join(folder, 'file'), '');
    await expect(start(join(folder, path))).rejects.toThrow(
      /^cannot write to [^\n]+; set MAKIMA_HOME to a folder of yours$/,
    );
  });

  it('something else in the place of the data, which stays', async () => {
    mkdirSync(join(home, 'postgres'), { recursive: true });
    writeFileSync(join(home, 'postgres/letter'), 'dear');
    await expect(start()).rejects.toThrow(
      /^\S+ holds no Postgres database and is not empty: move it away[^\n]+$/,
    );
    expect(readFileSync(join(home, 'postgres/letter'), 'utf8')).toBe('dear');
  });

  it('lost or damaged passwords', async () => {
    await (await start()).stop();
    writeFileSync(join(home, 'keys/postgres.json'), '{');
    await expect(start()).rejects.toThrow(/^\S+postgres\.json is damaged: [^\n]+$/);
    rmSync(join(home, 'keys/postgres.json'));
    await expect(start()).rejects.toThrow(/^\S+postgres\.json is missing, and [^\n]+$/);
  });

  it('a damaged setting, from the server’s own words', async () => {
    await (await start()).stop();
    writeFileSync(join(home, 'postgres/postgresql.auto.conf'), "work_mem = 'much'\n");
    await expect(start()).rejects.toThrow(
      /^Postgres does not start: [^\n]*(work_mem|configuration file)[^\n]* \(see \S+postgres\.log\)$/,
    );
  });
});

describe('the programs', () => {
  /** A package as npm leaves it when it runs no install scripts, in a place that Postgres' user cannot use. */
  function unusablePackage(): string {
    const copy = join(folder, 'closed/package');
    mkdirSync(join(folder, 'closed'), { mode: 0o700 });
    cpSync(packageFolder(), copy, { recursive: true, verbatimSymlinks: true });
    const lib = join(copy, 'native/lib');
    for (const entry of readdirSync(lib, { withFileTypes: true }))
      if (entry.isSymbolicLink()) rmSync(join(lib, entry.name));
    chmodSync(lib, 0o500);
    for (const program of ['initdb', 'postgres']) chmodSync(join(copy, 'native/bin', program), 0o700);
    return copy;
  }

  it('are copied to the home where they cannot be used, and an older installation’s server is replaced', async () => {
    mkdirSync(home, { mode: 0o711 });
    const first = await start();
    await first.stop();
    const account = postgresAccount(join(home, 'postgres'));
    const copy = postgresBinaries(home, account, unusablePackage());
    expect(copy.postgres.startsWith(join(home, 'bin/postgres-'))).toBe(true);
    expect(postgresBinaries(home, account, join(folder, 'closed/package'))).toEqual(copy);

    const dataFolder = join(home, 'postgres');
    const logFile = join(folder, 'old.log');
    const old = await launchPostmaster({
      program: copy.postgres,
      dataFolder,
      port: portOf(first),
      logFile,
      account,
    });
    expect(findPostmaster(copy.postgres, dataFolder)).toEqual({ process: old, sameProgram: true });
    expect(await start()).toMatchObject({ adopted: false, url: first.url });
    expect('pid' in old && runningProcess(old.pid)).toBeUndefined();
  });
});
