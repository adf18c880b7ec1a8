import pg from 'pg';
import type { Chance } from './chance.js';
import { databaseOf, postmasterOf, type MakimaProcess } from './makima-process.js';

/** What is killed in a round. Everything is killed with SIGKILL but `terminated`, where one backend is told to end. */
export const FAULTS = [
  'server',
  'server and Postgres',
  'Postgres',
  'backend of the log',
  'backend of the projections',
  'terminated backend of the log',
  'terminated backend of the projections',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Of 40 rounds: how many of each. */
const SHARES: Readonly<Record<Fault, number>> = {
  server: 5,
  'server and Postgres': 3,
  Postgres: 8,
  'backend of the log': 9,
  'backend of the projections': 7,
  'terminated backend of the log': 4,
  'terminated backend of the projections': 4,
};

/** So many rounds, in an order by chance; each 40 of them hold every kind in its share. */
export function plan(rounds: number, chance: Chance): readonly Fault[] {
  const deck = FAULTS.flatMap((fault) => Array.from({ length: SHARES[fault] }, () => fault));
  const all: Fault[] = [];
  while (all.length < rounds) all.push(...chance.shuffled(deck));
  return all.slice(0, rounds);
}

/** Kills Postgres itself; its backends end when they notice. */
export function killPostgres(home: string): void {
  const postgres = postmasterOf(home);
  if (!postgres) throw new Error('Postgres does not run');
  process.kill(postgres.pid, 'SIGKILL');
}

const APPLICATIONS = { log: ['makima-log'], projections: ['makima-system', 'makima-rebuild'] } as const;

/**
 * Ends one backend of the log's or the projections' connections, a working one if there is one. A killed one takes all
 * others with it, because Postgres then starts anew; one that is told to end goes alone.
 * @returns whether one was found.
 */
export async function endBackend(
  server: MakimaProcess,
  of: keyof typeof APPLICATIONS,
  way: 'kill' | 'terminate',
): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseOf(server.home, 'postgres') });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = ANY ($1) ORDER BY state = 'active' DESC, random() LIMIT 1`,
      [APPLICATIONS[of]],
    );
    const pid = rows[0]?.pid;
    if (pid === undefined) return false;
    if (way === 'kill') process.kill(pid, 'SIGKILL');
    else await client.query('SELECT pg_terminate_backend($1)', [pid]);
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}
