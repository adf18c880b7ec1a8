import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makimaHome } from '#libs/client/makima-home.js';
import type { SnapshotPolicy } from '#libs/features/snapshot/snapshot.decider.js';

/** What can be set from outside (DESIGN §8). */
export interface Settings {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  /** An external Postgres instead of the embedded one. */
  readonly databaseUrl?: string;
  /** EventStoreDB as the log's engine. */
  readonly eventStoreUrl?: string;
  /** Whether this process may move the projections; otherwise `apps/projector` does. */
  readonly projects: boolean;
  /** Whether a daemon runs beside the server. */
  readonly daemon: boolean;
  /** When snapshots of conversations are taken by themselves. */
  readonly snapshots: SnapshotPolicy;
  /** Milliseconds of silence after which a daemon loses its leases. */
  readonly leaseMs: number;
}

/** A setting that cannot be used; the message is one line that says what to do. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

const CURSOR_KEY_BYTES = 32;

function whole(env: NodeJS.ProcessEnv, name: string, otherwise: number, max: number, min = 0): number {
  const text = env[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new SettingError(`${name}=${text} is not a whole number from ${min} to ${max}`);
  return value;
}

function onOff(env: NodeJS.ProcessEnv, name: string): boolean {
  const text = env[name] || 'on';
  if (text !== 'on' && text !== 'off') throw new SettingError(`${name}=${text} is neither on nor off`);
  return text === 'on';
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
  const projects = onOff(env, 'MAKIMA_PROJECTIONS');
  if (!projects && !databaseUrl) {
    throw new SettingError(
      'MAKIMA_PROJECTIONS=off needs DATABASE_URL: a projector moves the projections of a database that it shares',
    );
  }
  return {
    home: makimaHome(env),
    projects,
    daemon: onOff(env, 'MAKIMA_DAEMON'),
    host: env['HOST'] || '127.0.0.1',
    port: whole(env, 'PORT', 7420, 65_535),
    ...(databaseUrl ? { databaseUrl } : {}),
    ...(eventStoreUrl ? { eventStoreUrl } : {}),
    snapshots: {
      everyMessages: whole(env, 'MAKIMA_SNAPSHOT_EVERY', 200, 1_000_000),
      everyMinutes: whole(env, 'MAKIMA_SNAPSHOT_MINUTES', 0, 1_000_000),
    },
    leaseMs: whole(env, 'MAKIMA_LEASE_MS', 30_000, 3_600_000, 1_000),
  };
}

/**
 * The key that cursors are signed with: made at the first start, kept in the home. Written whole or not at all, so that
 * a start that is killed leaves no short key behind. A damaged one is made anew: cursors given out before end with it.
 */
export function cursorKey(home: string): Buffer {
  const file = join(home, 'keys', 'cursor.key');
  const kept = existsSync(file) ? Buffer.from(readFileSync(file, 'utf8').trim(), 'hex') : undefined;
  if (kept?.length === CURSOR_KEY_BYTES) return kept;
  const key = randomBytes(CURSOR_KEY_BYTES);
  const staging = `${file}.new-${process.pid}`;
  writeFileSync(staging, key.toString('hex'), { mode: 0o600, flush: true });
  renameSync(staging, file);
  return key;
}
