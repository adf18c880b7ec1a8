import pg from 'pg';
import { quoted, UnusableDatabase } from './unusable-database.js';

/** Reads work under this role: it owns nothing, so that row-level security holds for it. */
const ROLE = 'makima_app';
const CREATE = `CREATE ROLE ${ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE`;

/** Raised by another makima that does the same at this moment. */
const DONE_MEANWHILE = ['42710', '23505', 'XX000'];
const INSUFFICIENT_PRIVILEGE = '42501';

interface RoleFacts {
  readonly user: string;
  readonly exists: boolean;
  readonly bypasses: boolean;
  /** Whether the user may SET ROLE to it. */
  readonly usable: boolean;
}

/** Postgres 16 tells being a member from being allowed to SET ROLE; before, the one implied the other. */
const FACTS = `SELECT current_user AS "user", r.oid IS NOT NULL AS exists,
  coalesce(r.rolsuper OR r.rolbypassrls, false) AS bypasses,
  coalesce(pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END),
           false) AS usable
  FROM (SELECT) one LEFT JOIN pg_roles r ON r.rolname = '${ROLE}'`;

/**
 * Makes the role and lets the connection's user work under it, where that is not so already.
 * @throws UnusableDatabase with the SQL for the administrator when the user may not do that.
 */
export async function ensureApplicationRole(client: pg.Client): Promise<void> {
  let facts = await factsFrom(client);
  if (!facts.exists) {
    await attempt(client, CREATE, facts);
    facts = await factsFrom(client);
  }
  if (facts.bypasses) {
    throw new UnusableDatabase(
      `the role ${ROLE} passes over row-level security. Run as a superuser: ALTER ROLE ${ROLE} NOSUPERUSER NOBYPASSRLS;`,
    );
  }
  if (!facts.usable) await attempt(client, grantTo(facts.user), facts);
}

const grantTo = (user: string): string => `GRANT ${ROLE} TO ${quoted(user)}`;

async function factsFrom(client: pg.Client): Promise<RoleFacts> {
  const { rows } = await client.query<RoleFacts>(FACTS);
  return rows[0]!;
}

async function attempt(client: pg.Client, statement: string, { user, exists }: RoleFacts): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
    if (DONE_MEANWHILE.includes(code)) return;
    if (code !== INSUFFICIENT_PRIVILEGE) throw error;
    const missing = [...(exists ? [] : [CREATE]), grantTo(user)];
    throw new UnusableDatabase(
      `the role ${user} may not set up makima's role ${ROLE}. Run once as a superuser: ${missing.join('; ')};`,
      { cause: error },
    );
  }
}
