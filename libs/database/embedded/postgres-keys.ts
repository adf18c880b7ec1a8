import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { errorCode } from '#libs/processes/system-error.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

/** What makima must know to reach its Postgres: `<home>/keys/postgres.json`, readable by its owner alone. */
export interface PostgresKeys {
  readonly port: number;
  readonly superuserPassword: string;
  /** Of the role `makima`. */
  readonly password: string;
}

/** Reads the keys; undefined if there are none yet. */
export function readKeys(path: string): PostgresKeys | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const keys = parsed(text);
  if (keys === undefined) throw new EmbeddedPostgresError(`${path} is damaged: restore it from a backup`);
  return keys;
}

function parsed(text: string): PostgresKeys | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isKeys(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isKeys = (value: unknown): value is PostgresKeys =>
  typeof value === 'object' &&
  value !== null &&
  'port' in value &&
  typeof value.port === 'number' &&
  'superuserPassword' in value &&
  typeof value.superuserPassword === 'string' &&
  'password' in value &&
  typeof value.password === 'string';

/** Writes the keys, all or nothing. */
export function writeKeys(path: string, keys: PostgresKeys): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const staging = `${path}.new-${process.pid}`;
  writeFileSync(staging, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(staging, path);
}

/** Passwords of 192 random bits and a free port. */
export async function newKeys(): Promise<PostgresKeys> {
  const password = (): string => randomBytes(24).toString('base64url');
  return { port: await freePort(), superuserPassword: password(), password: password() };
}

/** A port that nobody listens on, below those that systems give to outgoing connections. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
  throw new EmbeddedPostgresError(
    'no free port between 20000 and 32000 for Postgres: free one, or set DATABASE_URL',
  );
}

/** True if a server could listen on this port of the loopback address. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
