import { jest } from '@jest/globals';
import { newId } from '#libs/kernel/ids.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { queryOnce } from '#libs/testing/embedded-home.js';
import { Chance } from './chance.js';
import { Load } from './load.js';
import { LogCheck } from './log-check.js';
import { checkAudit, checkReadModels } from './read-model-check.js';
import { checkSchemas } from './schema-check.js';

// The negative controls of the fault tests: what the checks are there to find is done to a log on purpose, one thing at
// a time, and they must say that and nothing else.
jest.setTimeout(120_000);

let app: TestApp;
let load: Load;
const door = () => ({ url: app.url, token: app.token });

beforeEach(async () => {
  app = await startTestApp();
  load = await Load.start(door, new Chance(7));
  await load.progress(150);
  await load.pause();
});
afterEach(async () => {
  await load.stop();
  await app.close();
});

const run = (text: string): Promise<Record<string, unknown>[]> => queryOnce(app.databaseUrl, text);
const checkLog = (): Promise<readonly string[]> => new LogCheck(app.databaseUrl).run(load.acknowledged);

interface Chosen {
  readonly position: string;
  readonly version: string;
  readonly stream: string;
  readonly id: string;
  readonly ownerId: string;
}

/** An event of the load's with others before and after it in its stream. */
async function someEvent(): Promise<Chosen> {
  const [event] = await run(`
    SELECT e.position, e.version, s.name AS stream, e.event_id AS id, e.owner_id AS "ownerId"
    FROM events e JOIN streams s ON s.id = e.stream_id
    WHERE e.type = 'TaskOutputRecorded' AND e.version > 2 AND e.version < s.version ORDER BY e.position LIMIT 1`);
  if (!event) throw new Error('the load wrote too little');
  return event as object as Chosen;
}

/** The audit's own words for the first broken event. */
async function auditReason(): Promise<unknown> {
  const { body } = await app.call<{ firstBroken?: { reason: string } }>('GET', '/api/v1/audit/verify');
  return body.firstBroken?.reason;
}

describe('the checks of the fault tests', () => {
  it('find nothing in a log and read models that nobody tampered with', async () => {
    expect(load.strange).toEqual([]);
    expect(await checkLog()).toEqual([]);
    expect(await checkReadModels(door)).toEqual([]);
    expect(await checkAudit(door)).toEqual([]);
  });

  it('find an event that has been deleted', async () => {
    const { position, version, stream, id } = await someEvent();
    await run(`DELETE FROM events WHERE position = ${position}`);
    expect(await checkLog()).toEqual([
      `position ${position} is missing`,
      `${stream} has no version ${version}`,
      `event ${id} was acknowledged and is lost`,
    ]);
    expect(await checkAudit(door)).toHaveLength(1);
  });

  it('find a last event that is lost without a trace, as after a restore from an old copy', async () => {
    // What the server appended by itself after it, snapshots, goes with it: nobody was told of these.
    const newest = await run(`SELECT position, event_id AS id FROM events ORDER BY position DESC LIMIT 100`);
    const last = newest.find(({ id }) => load.acknowledged.has(String(id)));
    await run(`
      DELETE FROM events WHERE position >= ${String(last?.['position'])};
      UPDATE log_head SET position = ${String(last?.['position'])} - 1;
      UPDATE streams s SET version = e.version, hash = e.hash FROM events e
      WHERE e.stream_id = s.id AND e.version = (SELECT max(version) FROM events WHERE stream_id = s.id)`);
    expect(await checkLog()).toEqual([`event ${String(last?.['id'])} was acknowledged and is lost`]);
  });

  it('find an event that stands twice, as after a retry without ids', async () => {
    const { id, stream } = await someEvent();
    await run(`
      ALTER TABLE events DROP CONSTRAINT events_stream_id_event_id_key;
      SELECT append_events(ARRAY['${stream}'], ARRAY[owner_id], ARRAY[-1]::bigint[], ARRAY[1], ARRAY[event_id], ARRAY[type],
        ARRAY[schema_version], ARRAY[metadata], ARRAY[body], ARRAY[body_hash], ARRAY[hash], false)
      FROM events WHERE event_id = '${id}'`);
    const found = await checkLog();
    expect(found[0]).toBe(`event ${id} stands twice`);
    // The copy was appended with a digest that is not its own, so that only it does not verify.
    expect(found.slice(1)).toEqual([
      expect.stringMatching(new RegExp(`^${stream}, version \\d+, does not verify$`)),
      expect.stringMatching(`^event ${id} was acknowledged before its position `),
    ]);
  });

  it.each([
    ['body', `convert_to(replace(convert_from(body, 'UTF8'), event_id::text, 'another'), 'UTF8')`, 'says'],
    ['metadata', `convert_to(replace(convert_from(metadata, 'UTF8'), '"kind":"', '"kind":"x'), 'UTF8')`, ''],
    ['type', `'TaskOutputRecordeD'`, ''],
    ['hash', `sha256(hash)`, 'chain'],
  ])('find an event whose %s has been changed', async (column, value, more) => {
    const { position, version, stream, id } = await someEvent();
    await run(`UPDATE events SET ${column} = ${value} WHERE position = ${position}`);
    expect(await checkLog()).toEqual([
      `${stream}, version ${version}, does not verify`,
      ...(more === 'says' ? [`event ${id} does not say what was sent`] : []),
      ...(more === 'chain' ? [`${stream}, version ${Number(version) + 1}, does not verify`] : []),
    ]);
    expect(await auditReason()).toBeDefined();
  });

  it('find a body that was forged with its hash', async () => {
    const { position, version, stream } = await someEvent();
    await run(
      `UPDATE events SET body = body || ' ', body_hash = sha256(body || ' ') WHERE position = ${position}`,
    );
    expect(await checkLog()).toEqual([`${stream}, version ${version}, does not verify`]);
  });

  it('find a head that is not where the log ends', async () => {
    const { stream } = await someEvent();
    await run('UPDATE log_head SET position = position + 1');
    await run(`UPDATE streams SET version = version + 1 WHERE name = '${stream}'`);
    expect(await checkLog()).toEqual([
      expect.stringMatching(/^log_head is not at \d+: /),
      expect.stringMatching(new RegExp(`^${stream} is said to end at version \\d+, it ends at \\d+$`)),
    ]);
  });

  it('find an acknowledgement of what was never written', async () => {
    const id = newId();
    const claimed = new Map([...load.acknowledged, [id, { stream: 'task-x', position: 1n }]]);
    expect(await new LogCheck(app.databaseUrl).run(claimed)).toEqual([
      `event ${id} was acknowledged and is lost`,
    ]);
  });

  it('find a row of a read model that is not what a replay gives', async () => {
    await app.caughtUp();
    const tables = await run(`
      SELECT n.nspname AS schema, c.relname AS name, a.attname AS column, format_type(a.atttypid, NULL) AS type
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN projections p ON p.schema = n.nspname
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid = 'text'::regtype
      WHERE c.relkind = 'r' AND p.name = 'task' ORDER BY c.relname, a.attnum LIMIT 1`);
    const table = tables[0] as { schema: string; name: string; column: string } | undefined;
    if (!table) throw new Error('the projection task has no table with a text');
    const name = `"${table.schema}"."${table.name}"`;
    await run(
      `UPDATE ${name} SET "${table.column}" = 'tampered' WHERE ctid = (SELECT ctid FROM ${name} LIMIT 1)`,
    );
    const changed = await checkReadModels(door);
    expect(changed).toEqual([expect.stringMatching(`^task\\.${table.name} is not what a replay gives `)]);
    await run(
      `DELETE FROM ${name} WHERE ctid = (SELECT ctid FROM ${name} WHERE "${table.column}" = 'tampered')`,
    );
    expect(await checkReadModels(door)).toEqual([expect.stringMatching(`^task\\.${table.name} is not`)]);
  });

  it('find schemas that nobody reads, and views that show them', async () => {
    expect(await checkSchemas(app.databaseUrl, 300)).toEqual([]);
    const [view] = await run(
      `SELECT viewname AS name FROM pg_views WHERE schemaname = 'public' ORDER BY 1 LIMIT 1`,
    );
    const name = String(view?.['name']);
    await run(`
      CREATE SCHEMA task_v1_left;
      CREATE TABLE task_v1_left.t (n int);
      DROP VIEW public."${name}";
      CREATE VIEW public."${name}" AS SELECT * FROM task_v1_left.t`);
    expect(await checkSchemas(app.databaseUrl, 300)).toEqual([
      'the schema task_v1_left is of no use to anybody',
      `the view ${name} shows what does not serve`,
    ]);
  });
});
