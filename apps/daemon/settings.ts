import { connectionFrom, type Connection } from '#libs/client/connection.js';
import { makimaHome } from '#libs/client/makima-home.js';
import type { RunnerName } from '#libs/agents/runners/runner.js';
import { RUNNERS } from './runner-choice.js';

/** What of a daemon can be set from outside. */
export interface DaemonSettings extends Connection {
  readonly home: string;
  /** MAKIMA_DAEMON_NAME */
  readonly name?: string;
  /** MAKIMA_DAEMON_CAPACITY: agents at once. */
  readonly capacity?: number;
  /** MAKIMA_DAEMON_RUNNERS: names of those that it may run, with commas between them. */
  readonly runners?: readonly RunnerName[];
  /** MAKIMA_DAEMON_VERSION: of makima, as the command line that starts it knows it. */
  readonly version?: string;
  /** MAKIMA_CHECKPOINT_MS: milliseconds between checkpoints while an agent works. */
  readonly checkpointMs?: number;
}

/** A setting that cannot be used; the message is one line that says what to do. */
export class DaemonSettingError extends Error {
  override readonly name = 'DaemonSettingError';
}

/** @throws DaemonSettingError, ConnectionError, HomeError */
export function daemonSettings(env: NodeJS.ProcessEnv = process.env): DaemonSettings {
  const { url, token } = connectionFrom(env);
  const name = env['MAKIMA_DAEMON_NAME']?.trim();
  const capacity = whole(env, 'MAKIMA_DAEMON_CAPACITY', 1, 1_000);
  const runners = runnersIn(env['MAKIMA_DAEMON_RUNNERS']);
  const version = env['MAKIMA_DAEMON_VERSION']?.trim();
  const checkpointMs = whole(env, 'MAKIMA_CHECKPOINT_MS', 100, 86_400_000);
  return {
    home: makimaHome(env),
    url,
    token,
    ...(name ? { name } : {}),
    ...(capacity === undefined ? {} : { capacity }),
    ...(runners ? { runners } : {}),
    ...(version ? { version } : {}),
    ...(checkpointMs === undefined ? {} : { checkpointMs }),
  };
}

function runnersIn(text = ''): readonly RunnerName[] | undefined {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name === '')) return undefined;
  return names.map((name) => {
    const known = RUNNERS.find((runner) => runner === name);
    if (known) return known;
    throw new DaemonSettingError(
      `MAKIMA_DAEMON_RUNNERS=${text} names ${JSON.stringify(name)}, which is none of ${RUNNERS.join(', ')}`,
    );
  });
}

function whole(env: NodeJS.ProcessEnv, name: string, min: number, max: number): number | undefined {
  const text = env[name]?.trim();
  if (!text) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new DaemonSettingError(`${name}=${text} is not a whole number from ${min} to ${max}`);
  return value;
}
