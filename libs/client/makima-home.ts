import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Makima's home, or a file in it, cannot be used. The message is one line for the user and says what to do. */
export class HomeError extends Error {
  override readonly name = 'HomeError';
}

/** How the command line and workers reach a server on this machine: `<home>/credentials.json`. */
export interface Credentials {
  /** The server's address, such as `http://127.0.0.1:7420`. */
  readonly url: string;
  readonly token: string;
}

const isRoot = (): boolean => process.getuid?.() === 0;

/**
 * The folder with makima's data, keys, logs and credentials, as an absolute path: MAKIMA_HOME, else `~/.makima`. For
 * root `/var/lib/makima`, because Postgres runs as another user then, who may not enter root's home.
 */
export function makimaHome(env: NodeJS.ProcessEnv = process.env): string {
  const userHome = env.HOME || homedir();
  const chosen = env.MAKIMA_HOME?.trim();
  if (chosen) return resolve(chosen.replace(/^~(?=\/|$)/, userHome));
  return isRoot() ? '/var/lib/makima' : join(userHome, '.makima');
}

/**
 * Makes the home and its folders for logs and keys, for its owner alone; root's may be passed through by others, since
 * Postgres' user must reach its data.
 * @throws HomeError if makima cannot write there.
 */
export function ensureHome(home: string): void {
  try {
    makeFolders(home, isRoot() ? 0o711 : 0o700);
    for (const folder of ['keys', 'logs']) {
      makeFolders(join(home, folder), 0o700);
      chmodSync(join(home, folder), 0o700);
    }
    const probe = join(home, `.writable-${randomUUID()}`);
    writeFileSync(probe, '', { flag: 'wx', mode: 0o600 });
    rmSync(probe);
  } catch (error) {
    const advice = 'set MAKIMA_HOME to a folder that you can write to';
    throw new HomeError(`cannot use ${home} as makima's home (${reasonOf(error, home)}): ${advice}`);
  }
}

/** Makes a folder and those on the way to it. (Node's own recursive mkdir never returns below /proc.) */
function makeFolders(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolders(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
    chmodSync(path, mode); // whatever the umask
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error; // else someone else was faster
  }
}

/**
 * Who the server on this machine is and the token for it; undefined if none has been started yet.
 * @throws HomeError if the file cannot be read or is damaged.
 */
export function readCredentials(home: string): Credentials | undefined {
  const path = credentialsFile(home);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    const advice = 'set MAKIMA_URL and MAKIMA_TOKEN instead';
    throw new HomeError(`cannot read ${path} (${reasonOf(error, path)}): ${advice}`);
  }
  const credentials = parsed(text);
  if (!credentials) throw new HomeError(`${path} is damaged: delete it and start makima again`);
  return credentials;
}

/**
 * Keeps the credentials, readable by their owner alone. A reader sees the old ones or the new ones, never a part.
 * @throws HomeError if they cannot be written.
 */
export function writeCredentials(home: string, { url, token }: Credentials): void {
  const path = credentialsFile(home);
  const staging = `${path}.new-${randomUUID()}`;
  try {
    writeFileSync(staging, `${JSON.stringify({ url, token }, null, 2)}\n`, {
      flag: 'wx',
      mode: 0o600,
      flush: true,
    });
    renameSync(staging, path);
  } catch (error) {
    rmSync(staging, { force: true });
    throw new HomeError(
      `cannot write ${path} (${reasonOf(error, path)}): free it, or set MAKIMA_HOME to another folder`,
    );
  }
}

const credentialsFile = (home: string): string => join(home, 'credentials.json');

function parsed(text: string): Credentials | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isCredentials(value) ? { url: value.url, token: value.token } : undefined;
  } catch {
    return undefined;
  }
}

const isCredentials = (value: unknown): value is Credentials =>
  typeof value === 'object' &&
  value !== null &&
  'url' in value &&
  typeof value.url === 'string' &&
  'token' in value &&
  typeof value.token === 'string';

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
};

function reasonOf(error: unknown, path: string): string {
  const code = codeOf(error);
  if (code === 'ENOTDIR' || code === 'EEXIST') return `${fileOnTheWay(path)} is a file, not a folder`;
  const known = typeof code === 'string' ? REASONS[code] : undefined;
  return (
    known ??
    String(error)
      .replace(/^Error: /, '')
      .replace(/\s*\n\s*/g, ' ')
  );
}

/** The first thing on the way to a path that is no folder. */
function fileOnTheWay(path: string): string {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    try {
      if (!statSync(at).isDirectory()) return at;
    } catch {
      continue;
    }
  }
  return path;
}
