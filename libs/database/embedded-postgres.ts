import { chmodSync, existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningProcess } from '#libs/processes/running-process.js';
import { reasonOf } from '#libs/processes/system-error.js';
import { EmbeddedPostgresError } from './embedded/embedded-postgres-error.js';
import { closedFolder, postgresAccount, type PostgresAccount } from './embedded/postgres-account.js';
import { postgresBinaries, type PostgresBinaries } from './embedded/postgres-binaries.js';
import { databaseUrl, ensureCluster, ensureDatabase, isCluster } from './embedded/postgres-cluster.js';
import {
  freePort,
  isFree,
  newKeys,
  readKeys,
  writeKeys,
  type PostgresKeys,
} from './embedded/postgres-keys.js';
import { availableMemory, settingsFile } from './embedded/postgres-settings.js';
import {
  disarmPidFile,
  findPostmaster,
  isSame,
  launchPostmaster,
  readPidFile,
  stopPostmaster,
  untilReady,
} from './embedded/postmaster.js';
import { Revival } from './embedded/revival.js';

export { EmbeddedPostgresError } from './embedded/embedded-postgres-error.js';
export { HomeInUse, lockHome, type HomeLock } from '#libs/processes/home-lock.js';

export interface EmbeddedPostgresOptions {
  /** Makima's home. The data go to `<home>/postgres`, output to `<home>/logs`, passwords to `<home>/keys`. */
  readonly home: string;
  /** Told about what takes time, one line each. */
  readonly log?: (line: string) => void;
  /** Start the server again when it ends by itself. */
  readonly revive?: boolean;
  /** For tests: a power cut may lose everything, the role may create databases, more connections. */
  readonly forTests?: boolean;
}

export interface EmbeddedPostgres {
  /** For the role `makima`, who owns the database `makima`, may create roles and is no superuser. */
  readonly url: string;
  /** The server's process; another one after a revival. */
  readonly pid: number;
  /** True if a server that an earlier process had started was still running and was taken over. */
  readonly adopted: boolean;
  /** Stops the server, also an adopted one. Safe to call again. */
  stop(): Promise<void>;
}

interface Installation {
  readonly options: EmbeddedPostgresOptions;
  readonly home: string;
  readonly dataFolder: string;
  readonly account: PostgresAccount;
  readonly binaries: PostgresBinaries;
  readonly keysFile: string;
}

/** Where root's programs go if they cannot be run from the home. */
const ROOT_HOME = '/var/lib/makima';
const ORPHANS_MS = 30_000;
const LAUNCHES = 5;
const LOOK_MS = 500;

/**
 * Starts makima's own Postgres, or takes over one that a killed makima left running. Hold `lockHome(home)` meanwhile:
 * two callers on one home would stop each other's server.
 * @throws EmbeddedPostgresError with one line for the user.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    return await start(options);
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error;
    throw new EmbeddedPostgresError(`cannot start Postgres in ${options.home}: ${reasonOf(error)}`);
  }
}

async function start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const installation = prepare(options);
  const { dataFolder, binaries, account } = installation;
  const durable = options.forTests !== true;
  const keys = await keysOf(installation);
  if (!isCluster(dataFolder)) options.log?.(`making the database in ${dataFolder}`);
  ensureCluster({
    initdb: binaries.initdb,
    dataFolder,
    account,
    durable,
    superuserPassword: keys.superuserPassword,
    settingsFile: '../postgres.conf',
  });
  const adopted = await adopt(installation);
  let server = adopted ?? (await launch(installation, keys));
  const port = readPidFile(dataFolder)?.port ?? keys.port;
  await ensureDatabase(keys, port, !durable);
  const revival = options.revive
    ? new Revival({
        everyMs: LOOK_MS,
        isRunning: () => isSame(server),
        launch: async () => void (server = await relaunch(installation, port)),
        log: (line) => options.log?.(line),
      })
    : undefined;
  return {
    url: databaseUrl(keys, port),
    get pid() {
      return server.pid;
    },
    adopted: adopted !== undefined,
    stop: async () => {
      await revival?.stop();
      await stopPostmaster(server);
    },
  };
}

/** The server that runs on this home, whoever started it, is stopped; false if there was none. */
export async function stopLeftover(home: string): Promise<boolean> {
  const { binaries, dataFolder } = prepare({ home });
  const left = findPostmaster(binaries.postgres, dataFolder);
  if (left) await stopPostmaster(left.process);
  return left !== undefined;
}

function prepare(options: EmbeddedPostgresOptions): Installation {
  if (process.platform === 'win32') {
    throw new EmbeddedPostgresError(
      'the embedded Postgres does not run on Windows: use WSL, or set DATABASE_URL',
    );
  }
  const home = preparedHome(options.home);
  const dataFolder = join(home, 'postgres');
  const account = postgresAccount(dataFolder);
  const reachable = closedFolder(home, account) === undefined;
  const binaries = postgresBinaries(join(reachable ? home : ROOT_HOME, 'bin'), account);
  writeSettings(home, options.forTests !== true);
  return { options, home, dataFolder, account, binaries, keysFile: join(home, 'keys/postgres.json') };
}

/**
 * The home's real path, with the folders that Postgres needs; its parent must exist. Root's home is opened, so that
 * Postgres' user can pass through.
 */
function preparedHome(path: string): string {
  try {
    const root = process.getuid?.() === 0;
    if (!existsSync(path)) mkdirSync(path, { mode: root ? 0o711 : 0o700 });
    const home = realpathSync(path);
    if (root) chmodSync(home, statSync(home).mode | 0o011);
    const logs = join(home, 'logs');
    if (!existsSync(logs)) mkdirSync(logs, { mode: 0o700 });
    return home;
  } catch (error) {
    throw new EmbeddedPostgresError(
      `cannot write to ${path}: ${reasonOf(error)}; set MAKIMA_HOME to a folder of yours`,
    );
  }
}

/** The keys of this home, made at its first start. */
async function keysOf({ keysFile, dataFolder }: Installation): Promise<PostgresKeys> {
  const kept = readKeys(keysFile);
  if (kept) return kept;
  if (isCluster(dataFolder)) {
    throw new EmbeddedPostgresError(
      `${keysFile} is missing, and ${dataFolder} cannot be opened without it: restore it`,
    );
  }
  const keys = await newKeys();
  writeKeys(keysFile, keys);
  return keys;
}

function writeSettings(home: string, durable: boolean): void {
  const path = join(home, 'postgres.conf');
  writeFileSync(path, settingsFile({ memory: availableMemory(), durable }), { mode: 0o644 });
  chmodSync(path, 0o644);
}

/** Takes over the server that runs already; one of another installation is stopped, so that ours can start. */
async function adopt({ binaries, dataFolder, options }: Installation): Promise<RunningProcess | undefined> {
  const running = findPostmaster(binaries.postgres, dataFolder);
  if (!running) return undefined;
  const stopping = readPidFile(dataFolder)?.status === 'stopping';
  if (!stopping && running.sameProgram && (await untilReady(running, dataFolder))) {
    options.log?.(`took over the Postgres that was left running (process ${running.process.pid})`);
    return running.process;
  }
  options.log?.(`stopping the Postgres that was left running (process ${running.process.pid})`);
  await stopPostmaster(running.process);
  return undefined;
}

/** Starts the server, on another port if somebody took its own. */
async function launch(installation: Installation, keys: PostgresKeys): Promise<RunningProcess> {
  let port = keys.port;
  for (let launches = 1; ; launches++) {
    if (!(await isFree(port))) {
      port = await freePort();
      writeKeys(installation.keysFile, { ...keys, port });
    }
    try {
      return await relaunch(installation, port);
    } catch (error) {
      if (!(error instanceof PortTaken) || launches >= LAUNCHES) throw error;
    }
  }
}

class PortTaken extends EmbeddedPostgresError {}

/** Starts the server on this port. The processes of a killed one are waited for: its memory is in use until they end. */
async function relaunch(
  { binaries, dataFolder, account, home, options }: Installation,
  port: number,
): Promise<RunningProcess> {
  const logFile = join(home, 'logs/postgres.log');
  for (const end = Date.now() + ORPHANS_MS; ; await delay(250)) {
    disarmPidFile(dataFolder);
    const server = await launchPostmaster({
      program: binaries.postgres,
      dataFolder,
      port,
      logFile,
      account,
      onSlow: () => options.log?.('Postgres is recovering from a crash; this may take some minutes'),
    });
    if (!('failure' in server)) return server;
    const message = `Postgres does not start: ${server.failure} (see ${logFile})`;
    if (server.failure.includes('Address already in use')) throw new PortTaken(message);
    const orphans = server.failure.includes('pre-existing shared memory block');
    if (!orphans || Date.now() > end) throw new EmbeddedPostgresError(message);
  }
}
