import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { checkDatabase } from './database-check.js';

/** The migrations folder at the project's top, from the sources as from dist/. */
function migrationsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'migrations', '0001_log.sql'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the migrations folder is missing');
    folder = parent;
  }
  return join(folder, 'migrations');
}

/**
 * Brings the log's, access' and blobs' tables up to date. Safe to run from several processes at once: they wait for each
 * other, also for what a killed one left running.
 * @throws UnusableDatabase with one line for the user.
 */
export async function migrate(url: string): Promise<void> {
  await checkDatabase(url);
  const client = new pg.Client({ connectionString: url, application_name: 'makima-migrations' });
  client.on('error', () => undefined); // a lost connection fails the migration as well
  await client.connect();
  try {
    await runner({
      dbClient: client,
      dir: migrationsFolder(),
      direction: 'up',
      migrationsTable: 'migrations',
      count: Infinity,
      advisoryLockMode: 'wait',
      log: () => undefined,
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}
