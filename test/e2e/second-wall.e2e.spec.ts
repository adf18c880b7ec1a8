import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { Database, type Queryable } from '#libs/database/database.js';
import { sql, Sql } from '#libs/database/sql.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { TestDaemon } from '#libs/testing/daemon.js';
import { ASKED, HARMLESS, isNothing, relationsOf, rowsIn, unlessRefused } from './second-wall.js';
import { buildWorld, newOwner, type World } from './world.js';

const APP_ROLE = 'makima_app';
/** Tables of the system's own, which the application role has no business with. */
const SYSTEM_ONLY = ['decider_states', 'log_head', 'migrations', 'owners', 'projections', 'skipped_events'];
/** Queries of the system's own: refused to the application role, with row-level security or without. */
const SYSTEM_QUERIES = [
  'access ownerOf',
  'access ownerNamed',
  'access ownersBy',
  'admin projectionStatuses',
  'admin ownerSizes',
];

const run = (db: Queryable, statement: string) => db.query(new Sql([statement], []));

/** Row-level security alone: the queries that the API asks, without anything that the API checks before. */
describe('the second wall', () => {
  let app: TestApp;
  let system: Database;
  let reader: Database;
  let alice: World;
  let bob: string;

  beforeAll(async () => {
    app = await startTestApp();
    alice = await buildWorld(app, await newOwner(app, 'alice'), 'marked-alice');
    bob = (await newOwner(app, 'bob')).user.ownerId;
    await loseDaemon();
    // Nobody else is connected while the database is copied below.
    await app.server.close();
    system = new Database({ url: app.databaseUrl, max: 2 });
    reader = new Database({ url: app.databaseUrl, max: 2, role: APP_ROLE });
  });
  afterAll(async () => {
    await Promise.all([system.close(), reader.close()]);
    await app.close();
  });

  /** Alice's daemon takes a task and is never heard again. */
  async function loseDaemon(): Promise<void> {
    const { keys, ids } = alice;
    const daemon = await TestDaemon.connect(app.url, keys.daemon);
    await keys.user.post(`/api/v1/mesh/tasks/${ids.supervisor}/start`);
    await daemon.lease(ids.supervisor);
    await daemon.close();
    await app.caughtUp();
  }

  /** What an owner sees of Alice; null where the role may not look at all. */
  const seenBy = (database: Database, ownerId: string, name: string): Promise<unknown> =>
    database.asOwner(ownerId, (db) => unlessRefused(() => ASKED[name]!(db, alice)));

  it('stands before a role that can neither pass nor change it', async () => {
    const [role] = await system.query(
      sql`SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = ${APP_ROLE}`,
    );
    expect(role).toEqual({ rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false });
    const owned = await system.query(sql`
      SELECT c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = ${APP_ROLE}`);
    expect(owned).toEqual([]);
    const writable = await system.query(sql`
      SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'v', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND (has_table_privilege(${APP_ROLE}, c.oid, 'INSERT') OR has_table_privilege(${APP_ROLE}, c.oid, 'UPDATE')
          OR has_table_privilege(${APP_ROLE}, c.oid, 'DELETE') OR has_table_privilege(${APP_ROLE}, c.oid, 'TRUNCATE'))`);
    expect(writable).toEqual([]);
  });

  it('has no door: no function runs with the rights of another role', async () => {
    const doors = await system.query(sql`
      SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')`);
    expect(doors).toEqual([]);
  });

  it('shows every table and view to its owner alone', async () => {
    for (const relation of await relationsOf(system)) {
      const seen = async (ownerId: string) => reader.asOwner(ownerId, (db) => rowsIn(db, relation));
      const [alices, bobs, nobodys] = [await seen(alice.ownerId), await seen(bob), await seen('')];
      const name = relation.replace('public.', '');
      if (SYSTEM_ONLY.includes(name)) expect([name, alices, bobs, nobodys]).toEqual([name, null, null, null]);
      else if (['access_keys', 'events', 'streams'].includes(name)) {
        // Bob has keys, and their creation stands in his stream of the log.
        const all = await rowsIn(system, relation);
        expect([name, nobodys, alices! + bobs! <= all!]).toEqual([name, 0, true]);
      } else expect([name, bobs, nobodys, alices! > 0]).toEqual([name, 0, 0, true]);
    }
  });

  it('asks every query that a feature has', async () => {
    const files = readdirSync('libs/features', { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.queries.ts'),
    );
    const names: string[] = [];
    for (const file of files) {
      const queries = (await import(`#libs/features/${file.replace(/\.ts$/, '.js')}`)) as Readonly<
        Record<string, unknown>
      >;
      const feature = file.split('/').at(-1)!.replace('.queries.ts', '');
      for (const [name, value] of Object.entries(queries))
        if (typeof value === 'function') names.push(`${feature} ${name}`);
    }
    const known = [...Object.keys(ASKED), ...Object.keys(HARMLESS)].filter((name) => name !== 'blob store');
    expect(names.sort()).toEqual(known.sort());
  });

  it.each(Object.keys(ASKED))('answers %s with nothing of another owner', async (name) => {
    const seen = await seenBy(reader, bob, name);
    expect([name, seen, isNothing(seen)]).toEqual([name, seen, true]);
  });

  // The other admins' keys are the system's business: Alice has none with all-owners.
  const ALICES = Object.keys(ASKED).filter(
    (name) => ![...SYSTEM_QUERIES, 'access otherAdminKeys'].includes(name),
  );

  it.each(ALICES)('lets its owner see %s', async (name) => {
    expect(isNothing(await seenBy(reader, alice.ownerId, name))).toBe(false);
  });

  describe('taken down, on a copy of the database,', () => {
    let copy: Database;
    const name = `makima_copy_${randomBytes(6).toString('hex')}`;

    beforeAll(async () => {
      const { pathname } = new URL(app.databaseUrl);
      await Promise.all([system.close(), reader.close()]);
      const elsewhere = new Database({ url: app.databaseUrl.replace(pathname, '/postgres'), max: 1 });
      await run(elsewhere, `CREATE DATABASE ${name} TEMPLATE "${pathname.slice(1)}"`);
      await elsewhere.close();
      const url = app.databaseUrl.replace(pathname, `/${name}`);
      const owner = new Database({ url, max: 1 });
      const guarded = await owner.query<{ name: string }>(
        sql`SELECT oid::regclass::text AS name FROM pg_class WHERE relrowsecurity`,
      );
      expect(guarded.length).toBeGreaterThan(10);
      for (const table of guarded) await run(owner, `ALTER TABLE ${table.name} DISABLE ROW LEVEL SECURITY`);
      await owner.close();
      copy = new Database({ url, max: 2, role: APP_ROLE });
    });
    afterAll(() => copy.close());

    it.each(Object.keys(ASKED).filter((one) => !SYSTEM_QUERIES.includes(one)))(
      'it would have hidden %s',
      async (one) => {
        expect(isNothing(await seenBy(copy, bob, one))).toBe(false);
      },
    );
  });
});
