import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '#libs/database/migrate.js';

/** A database of a test's own. */
export interface TestDatabase {
  /** For a role that is no superuser (unless DATABASE_URL says so) and owns the database. */
  readonly url: string;
  /** Removes it, whoever is still connected. */
  drop(): Promise<void>;
}

/** Any number: the same for all workers of a run. */
const TEMPLATE_LOCK = 7420_0001;

/** Copying files is the fastest by far where nothing is synced to disk, and slow elsewhere: it needs a checkpoint. */
const COPYING = process.env.DATABASE_URL ? 'WAL_LOG' : 'FILE_COPY';

let template: Promise<string> | undefined;

/**
 * A fresh, migrated database on the run's Postgres, in 10 to 80 ms: a copy of a template that the run's first caller
 * migrates. For specs of the Jest projects `integration` and `e2e`.
 */
export async function testDatabase(): Promise<TestDatabase> {
  template ??= ensureTemplate();
  const source = await template;
  const name = databaseName(randomBytes(6).toString('hex'));
  await administer((client) =>
    client.query(`CREATE DATABASE ${name} TEMPLATE ${source} STRATEGY ${COPYING}`),
  );
  return {
    url: urlOf(name),
    drop: () => dropDatabase(name),
  };
}

/** A fresh database without any tables. */
export async function emptyTestDatabase(): Promise<TestDatabase> {
  const name = databaseName(randomBytes(6).toString('hex'));
  await administer((client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0`));
  return {
    url: urlOf(name),
    drop: () => dropDatabase(name),
  };
}

const INSUFFICIENT_PRIVILEGE = '42501';
const DROPS = 20;

/** An autovacuum worker in it may not be ended by a role that is no superuser, and is soon done by itself. */
async function dropDatabase(name: string, attempt = 1): Promise<void> {
  try {
    await administer((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  } catch (error) {
    if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE || attempt === DROPS) throw error;
    await delay(100);
    await dropDatabase(name, attempt + 1);
  }
}

async function ensureTemplate(): Promise<string> {
  const name = databaseName('template');
  const building = databaseName('building');
  await administer(async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount) return;
    await client.query(`DROP DATABASE IF EXISTS ${building} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${building} TEMPLATE template0`);
    await migrate(urlOf(building));
    await client.query(`ALTER DATABASE ${building} RENAME TO ${name}`);
  });
  return name;
}

/** Runs statements on the run's own database; the connection's locks end with it. */
async function administer(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

const databaseName = (suffix: string): string => `makima_test_${process.env.MAKIMA_TEST_RUN}_${suffix}`;

function urlOf(database: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return url.toString();
}

function serverUrl(): string {
  const url = process.env.MAKIMA_TEST_DATABASE_URL;
  if (!url)
    throw new Error('no Postgres: name the file *.int.spec.ts or *.e2e.spec.ts, so that Jest starts one');
  return url;
}
