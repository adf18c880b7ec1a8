import { setTimeout as delay } from 'node:timers/promises';
import { queryOnce } from '#libs/testing/embedded-home.js';

const LEFT = `SELECT nspname AS name FROM pg_namespace n
  WHERE nspname ~ '_v[0-9]+(_|$)' AND NOT EXISTS (SELECT FROM projections p WHERE p.schema = nspname AND p.status = 'live')`;

/** Views of the public schema and the schemas of the tables that they show, where those do not serve. */
const ASTRAY = `SELECT DISTINCT v.relname AS name FROM pg_rewrite r
  JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' AND v.relnamespace = 'public'::regnamespace
  JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_class t ON t.oid = d.refobjid AND t.relkind = 'r'
  JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname <> 'public'
  WHERE NOT EXISTS (SELECT FROM projections p WHERE p.schema = n.nspname AND p.status = 'live')`;

/**
 * What rebuilds and verifications that were hit have left: schemas that nobody reads, views that show such a one. Such
 * things are cleared away soon, so they are said only when they stay for `patienceMs`.
 */
export async function checkSchemas(url: string, patienceMs = 30_000): Promise<readonly string[]> {
  for (const end = Date.now() + patienceMs; ; await delay(200)) {
    const left = await queryOnce(url, LEFT);
    const astray = await queryOnce(url, ASTRAY);
    if ((left.length === 0 && astray.length === 0) || Date.now() > end)
      return [
        ...left.map(({ name }) => `the schema ${String(name)} is of no use to anybody`),
        ...astray.map(({ name }) => `the view ${String(name)} shows what does not serve`),
      ];
  }
}
