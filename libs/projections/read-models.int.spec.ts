import { Sql, sql } from '#libs/database/sql.js';
import type { Queryable } from '#libs/database/database.js';
import { notFound, type Caller } from '#libs/kernel/caller.js';
import { NoteWorld, noteProjection, ownerId, totalProjection, until } from '#libs/testing/note-world.js';
import type { Projection } from './projection.js';
import { ReadModels } from './read-models.js';
import { Rebuilder } from './rebuild.js';
import type { ProjectionRunner } from './runner.js';

// What people are told while a read model stands still: stopped at an event, or being built anew after an upgrade.
let world: NoteWorld;
beforeEach(async () => {
  world = await NoteWorld.open();
});
afterEach(() => world.close());

const actor = { kind: 'user', id: 'k' } as const;
const caller: Caller = { ownerId, kind: 'user', keyId: 'k', scopes: [], actor };
const never = new AbortController().signal;

const readsOf = (runner: ProjectionRunner): ReadModels =>
  new ReadModels(world.database, runner, world.store, world.codec);
const newestNote = (db: Queryable) =>
  db.query<{ text: string }>(sql`SELECT text FROM notes ORDER BY position DESC LIMIT 1`);
const everyNote = (db: Queryable) => db.query(sql`SELECT * FROM notes ORDER BY position`);
const noteSaying = async (db: Queryable, text: string): Promise<string> => {
  const [row] = await db.query<{ text: string }>(sql`SELECT text FROM notes n WHERE n.text = ${text}`);
  if (!row) throw notFound('note', text);
  return row.text;
};

/** Version 2 of the notes has a column more, and others know nothing of it. */
const louder: Projection = {
  ...noteProjection(2, true),
  views: { notes: "SELECT *, text || '!' AS loud FROM {schema}.notes" },
};

describe('while a new version is built', () => {
  let runner: ProjectionRunner;
  const lines: string[] = [];

  beforeEach(async () => {
    lines.length = 0;
    const old = await world.start([noteProjection(), totalProjection]);
    await world.note('n-1', 'old');
    await world.reached(old);
    await old.stop();
    runner = await world.start([louder, totalProjection], { log: (line) => void lines.push(line) });
    await world.note('n-1', 'new');
    await world.reached(runner);
  });

  it('says at the start what is read meanwhile', () => {
    expect(lines).toEqual([
      'projection note version 2 is being built; until it serves, reads of note show the log up to position 1 of 1',
    ]);
    expect(runner.standing).toMatchObject([{ position: 1n, failure: null }]);
  });

  it('answers from the former one what that knows, and says so where it does not', async () => {
    const reads = readsOf(runner);
    const building = { code: 'PROJECTION_BUILDING' };
    expect(await reads.read({ caller }, newestNote)).toEqual([{ text: 'old' }]);
    expect(await reads.read({ caller, minPosition: 1n }, newestNote)).toEqual([{ text: 'old' }]);
    await expect(reads.read({ caller, minPosition: 2n }, newestNote)).rejects.toMatchObject(building);
    await expect(reads.read({ caller, asOf: { position: 2n } }, newestNote)).rejects.toMatchObject(building);
    await expect(reads.read({ caller }, (db) => noteSaying(db, 'new'))).rejects.toMatchObject(building);
    const loud = reads.read({ caller }, (db) => db.query(sql`SELECT loud FROM notes`));
    await expect(loud).rejects.toMatchObject(building);
    // What stood then is known, and so is what other read models show.
    const past = reads.read({ caller, asOf: { position: 1n } }, (db) => noteSaying(db, 'new'));
    await expect(past).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const totals = (db: Queryable) => db.query(sql`SELECT events FROM totals`);
    expect(await reads.read({ caller, minPosition: 2n }, totals)).toEqual([{ events: 2n }]);
    await expect(reads.catchUp(2n, ['note'])).rejects.toMatchObject(building);
    await reads.catchUp(2n);
    expect(await reads.position(['note'])).toBe(1n);
  });

  it('shows all of it afterwards, also to connections that have read before', async () => {
    const reads = readsOf(runner);
    for (let n = 0; n < 10; n += 1) await reads.read({ caller }, everyNote);
    const [building] = runner.instances.filter(({ status }) => status === 'building');
    await new Rebuilder(world.database, runner).resume(building!, never);
    const found = await Promise.all(Array.from({ length: 10 }, () => reads.read({ caller }, everyNote)));
    for (const rows of found) expect(rows).toMatchObject([{ loud: 'OLD!' }, { loud: 'NEW!' }]);
    expect(runner.standing).toEqual([]);
  });
});

describe('when an event has stopped a read model', () => {
  it('says so where it does not know, and what was written is answered from the log', async () => {
    const runner = await world.start([noteProjection(), totalProjection]);
    await world.note('n-1', 'good', 'poison', 'later');
    await world.reached(runner);
    await until(() => runner.standing.length === 1);
    const reads = readsOf(runner);
    const detail = expect.stringContaining('makima admin retry note') as string;
    const stopped = { code: 'PROJECTION_STOPPED', detail };
    expect(await reads.read({ caller }, (db) => noteSaying(db, 'good'))).toBe('good');
    await expect(reads.read({ caller }, (db) => noteSaying(db, 'later'))).rejects.toMatchObject(stopped);
    const ways = { shown: () => Promise.resolve('shown'), logged: () => Promise.resolve('logged') };
    expect(await reads.afterwards(3n, noteProjection(), ways)).toBe('logged');
    expect(await reads.afterwards(3n, totalProjection, ways)).toBe('shown');
    await expect(reads.catchUpWritten(3n, ['note'], { noteId: 'n' })).rejects.toMatchObject({
      code: 'PROJECTION_STOPPED',
      detail: expect.stringMatching(/^It is recorded: do not send it again\. /) as string,
      options: { context: { projection: 'note', written: { noteId: 'n', position: '3' } } },
    });
  });

  it('answers "not found" as always once it has read the whole log (negative control)', async () => {
    const runner = await world.start([noteProjection()]);
    await world.note('n-1', 'good', 'poison');
    await until(() => runner.standing.length === 1);
    const [stopped] = runner.standing;
    await runner.release(stopped!.projection, stopped!.failure!.eventId, 'after');
    await world.reached(runner);
    const reading = readsOf(runner).read({ caller }, (db) => noteSaying(db, 'later'));
    await expect(reading).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

it('waits for nothing that a removed or newer read model has left', async () => {
  await world.database.query(
    new Sql(
      [
        `INSERT INTO projections (name, version, schema, position, status)
         VALUES ('gone', 1, 'gone_v1', 0, 'live'), ('note', 9, 'note_v9', 0, 'live')`,
      ],
      [],
    ),
  );
  const leader = await world.start([totalProjection]);
  const other = await world.start([totalProjection]);
  await world.note('n-1', 'one');
  for (const runner of [leader, other]) {
    expect(await runner.caughtUp(1n, 5_000)).toBe(true);
    expect(await runner.lowest()).toBe(1n);
    expect(runner.standing).toEqual([]);
  }
});
