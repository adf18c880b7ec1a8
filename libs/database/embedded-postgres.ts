import { chmodSync, existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError, reasonOf } from './embedded/embedded-postgres-error.js';
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
  launchPostmaster,
  readPidFile,
  stopPostmaster,
  untilReady,
} from './embedded/postmaster.js';
import type { RunningProcess } from './embedded/running-process.js';

export { EmbeddedPostgresError } from './embedded/embedded-postgres-error.js';
export { HomeInUse, lockHome, type HomeLock } from './embedded/home-lock.js';

export interface EmbeddedPostgresOptions {
  /** Makima's home. The data go to `<home>/postgres`, output to `<home>/logs`, passwords to `<home>/keys`. */
  readonly home: string;
  /** Told about what takes time, one line each. */
  readonly log?: (line: string) => void;
  /** For tests: a power cut may lose everything, the role may create databases, more connections. */
  readonly forTests?: boolean;
}

export interface EmbeddedPostgres {
  /** For the role `makima`, who owns the database `makima`, may create roles and is no superuser. */
  readonly url: string;
  /** The server's process. */
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

const ORPHANS_MS = 30_000;
const LAUNCHES = 5;

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
  await ensureCluster({
    initdb: binaries.initdb,
    dataFolder,
    account,
    durable,
    superuserPassword: keys.superuserPassword,
    settingsFile: '../postgres.conf',
  });
  const adopted = await adopt(installation);
  const server = adopted ?? (await launch(installation, keys));
  const port = readPidFile(dataFolder)?.port ?? keys.port;
  await ensureDatabase(keys, port, !durable);
  return {
    url: databaseUrl(keys, port),
    pid: server.pid,
    adopted: adopted !== undefined,
    stop: () => stopPostmaster(server),
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
  const closed = closedFolder(home, account);
  if (closed !== undefined) {
    throw new EmbeddedPostgresError(
      `Postgres runs as ${account.name}, who may not enter ${closed}: ` +
        'set MAKIMA_HOME to a folder that everybody may enter, such as /var/lib/makima',
    );
  }
  const binaries = postgresBinaries(home, account);
  writeSettings(home, options.forTests !== true);
  return { options, home, dataFolder, account, binaries, keysFile: join(home, 'keys/postgres.json') };
}

/** The home's real path (its parent must exist), with the folders that Postgres needs; root's is opened so that Postgres' user can pass through. */
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

async function launch(installation: Installation, keys: PostgresKeys): Promise<RunningProcess> {
  const { binaries, dataFolder, account, home, keysFile, options } = installation;
  const logFile = join(home, 'logs/postgres.log');
  const orphansUntil = Date.now() + ORPHANS_MS;
  let port = keys.port;
  for (let launches = 1; ; launches++) {
    if (!(await isFree(port))) {
      port = await freePort();
      writeKeys(keysFile, { ...keys, port });
    }
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
    // The processes of a killed server notice that within moments; until then its memory is in use.
    const orphans = server.failure.includes('pre-existing shared memory block');
    if (orphans && Date.now() < orphansUntil) {
      options.log?.('waiting for the processes of a killed Postgres to end');
      await delay(250);
      continue;
    }
    const portTaken = server.failure.includes('Address already in use');
    if (!portTaken || launches >= LAUNCHES) {
      throw new EmbeddedPostgresError(`Postgres does not start: ${server.failure} (see ${logFile})`);
    }
  }
}
