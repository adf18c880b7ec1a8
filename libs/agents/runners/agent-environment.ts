import { RunRefused } from './runner.js';

/** What a program needs to work at all. */
const PASSED_ON = ['PATH', 'HOME', 'LANG'] as const;

/** The server's and the daemon's own: an agent that has these is the server. */
const SECRETS = ['DATABASE_URL', 'EVENTSTORE_URL', 'MAKIMA_TOKEN', 'PGPASSWORD'] as const;

/**
 * The environment that a program gets: what the caller gives, and PATH, HOME and LANG of this process.
 * An agent may have a MAKIMA_TOKEN of its own, but not this process'.
 * @throws RunRefused when the caller hands on one of this process' own secrets.
 */
export function agentEnvironment(
  given: Readonly<Record<string, string>> = {},
  own: Readonly<NodeJS.ProcessEnv> = process.env,
): Record<string, string> {
  for (const name of SECRETS) {
    if (given[name] !== undefined && given[name] === own[name]) {
      throw new RunRefused(`An agent never gets this process' own ${name}.`);
    }
  }
  const passed = PASSED_ON.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]] as const]));
  return { ...Object.fromEntries(passed), ...given };
}
