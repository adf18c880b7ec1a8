import pg from 'pg';
import { ensureApplicationRole } from './application-role.js';
import { connectionRefused, quoted, UnusableDatabase } from './unusable-database.js';

/** Views that check their reader's rights (`security_invoker`) are as old as this. */
const OLDEST = 150_000;
const CONNECT_MS = 10_000;

/** What the server and the database say about themselves. */
export interface DatabaseFacts {
  /** `server_version_num`, such as 180004. */
  readonly version: number;
  readonly encoding: string;
  readonly readOnly: boolean;
  readonly user: string;
  readonly database: string;
  readonly mayCreateTables: boolean;
  readonly mayCreateSchemas: boolean;
}

const FACTS = `SELECT current_setting('server_version_num')::int AS version,
  current_setting('server_encoding') AS encoding,
  pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS "readOnly",
  current_user AS "user", current_database() AS database,
  has_schema_privilege(to_regnamespace('public')::oid, 'CREATE') AS "mayCreateTables",
  has_database_privilege(current_database(), 'CREATE') AS "mayCreateSchemas"`;

/** What stands in makima's way in a database, as one line; undefined: nothing. */
export function obstacleIn(facts: DatabaseFacts): string | undefined {
  const { version, encoding, readOnly, user, database, mayCreateTables, mayCreateSchemas } = facts;
  if (version < OLDEST) {
    const release = version >= 100_000 ? Math.floor(version / 10_000) : `${Math.floor(version / 10_000)}.x`;
    return `the database server is Postgres ${release}; makima needs 15 or newer`;
  }
  if (readOnly) return `the database ${database} can only be read: choose the primary server`;
  if (encoding !== 'UTF8') {
    return `the database ${database} keeps its text as ${encoding}: create one with ENCODING 'UTF8' TEMPLATE template0`;
  }
  const missing = [
    ...(mayCreateSchemas ? [] : [`GRANT CREATE ON DATABASE ${quoted(database)} TO ${quoted(user)}`]),
    ...(mayCreateTables ? [] : [`GRANT CREATE ON SCHEMA public TO ${quoted(user)}`]),
  ];
  if (missing.length === 0) return undefined;
  return `the role ${user} may not create tables in the database ${database}. Run there as its owner: ${missing.join('; ')};`;
}

/**
 * Makes sure that a database can be used, before anything is written to it, and that the role exists which
 * row-level security holds for.
 * @throws UnusableDatabase when it cannot be reached, is too old, or needs something that its administrator must do.
 */
export async function checkDatabase(url: string): Promise<void> {
  const client = clientFor(url);
  client.on('error', () => undefined); // a lost connection fails the query as well
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw connectionRefused(error, client);
  }
  try {
    const { rows } = await client.query<DatabaseFacts>(FACTS);
    const obstacle = obstacleIn(rows[0]!);
    if (obstacle !== undefined) throw new UnusableDatabase(obstacle);
    await ensureApplicationRole(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function clientFor(url: string): pg.Client {
  try {
    return new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'makima-check',
    });
  } catch (error) {
    throw new UnusableDatabase(`DATABASE_URL cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
