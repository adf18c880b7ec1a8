import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import pg from 'pg';
import { reasonOf } from '#libs/processes/system-error.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { entranceTo, spawnOptions, type PostgresAccount } from './postgres-account.js';
import type { PostgresKeys } from './postgres-keys.js';

/** The role and the database that makima uses. The role is no superuser: row-level security holds for it. */
const NAME = 'makima';

export interface ClusterOptions {
  readonly initdb: string;
  readonly dataFolder: string;
  readonly account: PostgresAccount;
  readonly superuserPassword: string;
  /** Relative to the data folder. */
  readonly settingsFile: string;
  readonly durable: boolean;
}

/** True if a complete data folder stands there. */
export const isCluster = (dataFolder: string): boolean => existsSync(join(dataFolder, 'global/pg_control'));

/**
 * Makes the data folder if there is none. It is made under another name and renamed when complete, so that a first
 * start that was killed half-way leaves nothing that looks like a database.
 * @throws EmbeddedPostgresError if that fails, or if something else stands in its place.
 */
export function ensureCluster(options: ClusterOptions): void {
  const { dataFolder } = options;
  clearHalfMade(dataFolder);
  if (isCluster(dataFolder)) return;
  if (existsSync(dataFolder)) removeEmpty(dataFolder);
  const staging = `${dataFolder}.new-${process.pid}-${Date.now()}`;
  try {
    mkdirSync(staging);
    chmodSync(staging, 0o711); // whatever the umask
    initialise(staging, options);
    renameSync(join(staging, 'data'), dataFolder);
    syncFolder(dirname(dataFolder));
  } catch (error) {
    throw new EmbeddedPostgresError(`cannot make a database in ${dataFolder}: ${initdbReason(error)}`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Removes what earlier first starts left. An initdb that still runs there may add files meanwhile: next time, then. */
function clearHalfMade(dataFolder: string): void {
  const parent = dirname(dataFolder);
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(`${basename(dataFolder)}.new-`)) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      continue;
    }
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    throw new EmbeddedPostgresError(
      `${folder} holds no Postgres database and is not empty: move it away, then start again`,
    );
  }
}

/** Fills `<staging>/data`. */
function initialise(staging: string, options: ClusterOptions): void {
  const { account, superuserPassword, initdb, durable } = options;
  const data = join(staging, 'data');
  const password = join(staging, 'password');
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(password, `${superuserPassword}\n`, { mode: 0o600 });
  const { uid, gid } = account;
  if (uid !== undefined && gid !== undefined) for (const path of [data, password]) chownSync(path, uid, gid);
  const entrance = entranceTo(staging, account);
  try {
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${entrance.path}/password`];
    const sync = durable ? [] : ['--no-sync'];
    execFileSync(initdb, ['-D', `${entrance.path}/data`, ...locale, ...access, ...sync], {
      ...spawnOptions(account),
      stdio: ['ignore', 'ignore', 'pipe', ...entrance.descriptors],
    });
  } finally {
    entrance.close();
  }
  includeSettings(join(data, 'postgresql.conf'), options.settingsFile);
}

function includeSettings(path: string, settingsFile: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
  writeSync(file, `\ninclude_if_exists '${settingsFile}'\n`);
  fsyncSync(file);
  closeSync(file);
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/** initdb's own error line, if it said one. */
function initdbReason(error: unknown): string {
  const said = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : '';
  return /initdb: error: (.+)|FATAL: +(.+)/.exec(said)?.slice(1).find(Boolean) ?? reasonOf(error);
}

/** The URL of makima's database, for makima's role. */
export const databaseUrl = (keys: PostgresKeys, port: number): string =>
  `postgres://${NAME}:${encodeURIComponent(keys.password)}@127.0.0.1:${port}/${NAME}`;

/**
 * Makes the role and the database where they are missing.
 * @param mayCreateDatabases for tests, which make a database each.
 */
export async function ensureDatabase(
  keys: PostgresKeys,
  port: number,
  mayCreateDatabases: boolean,
): Promise<void> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password: keys.superuserPassword,
    database: 'postgres',
  });
  client.on('error', () => undefined); // a lost connection fails the query as well
  try {
    await client.connect();
    const roles = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [NAME]);
    const rights = `LOGIN NOSUPERUSER CREATEROLE ${mayCreateDatabases ? 'CREATEDB' : 'NOCREATEDB'}`;
    if (roles.rowCount === 0) {
      await client.query(`CREATE ROLE ${NAME} ${rights} PASSWORD ${client.escapeLiteral(keys.password)}`);
    }
    const databases = await client.query('SELECT FROM pg_database WHERE datname = $1', [NAME]);
    if (databases.rowCount === 0) await client.query(`CREATE DATABASE ${NAME} OWNER ${NAME}`);
    await preferLz4(client);
  } catch (error) {
    throw new EmbeddedPostgresError(`cannot prepare the embedded Postgres: ${reasonOf(error)}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** lz4 compresses long values several times faster than the default, but not every build has it. */
async function preferLz4(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)`,
  );
  if (rowCount) await client.query(`ALTER DATABASE ${NAME} SET default_toast_compression = 'lz4'`);
}
