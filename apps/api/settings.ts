import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makimaHome } from '#libs/client/makima-home.js';

/** What can be set from outside (DESIGN §8). */
export interface Settings {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  /** An external Postgres instead of the embedded one. */
  readonly databaseUrl?: string;
  /** EventStoreDB as the log's engine. */
  readonly eventStoreUrl?: string;
  /** Messages after which a conversation's snapshot is taken by itself; 0: never. */
  readonly snapshotEvery: number;
}

/** A setting that cannot be used; the message is one line that says what to do. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

function whole(env: NodeJS.ProcessEnv, name: string, otherwise: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max)
    throw new SettingError(`${name}=${text} is not a whole number from 0 to ${max}`);
  return value;
}

/** Reads the settings. @throws SettingError naming the variable that is wrong. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const { DATABASE_URL: databaseUrl, EVENTSTORE_URL: eventStoreUrl } = env;
  if (databaseUrl && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new SettingError('DATABASE_URL must begin with postgres:// or postgresql://');
  }
  if (eventStoreUrl && !/^(esdb|eventstoredb|kurrentdb)(\+discover)?:\/\//.test(eventStoreUrl)) {
    throw new SettingError('EVENTSTORE_URL must begin with esdb://');
  }
  return {
    home: makimaHome(env),
    host: env['HOST'] || '127.0.0.1',
    port: whole(env, 'PORT', 7420, 65_535),
    ...(databaseUrl ? { databaseUrl } : {}),
    ...(eventStoreUrl ? { eventStoreUrl } : {}),
    snapshotEvery: whole(env, 'MAKIMA_SNAPSHOT_EVERY', 200, 1_000_000),
  };
}

/** The key that cursors are signed with: made at the first start, kept in the home. */
export function cursorKey(home: string): Buffer {
  const file = join(home, 'keys', 'cursor.key');
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  return Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
}
