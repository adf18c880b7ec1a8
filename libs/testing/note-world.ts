import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Database } from '#libs/database/database.js';
import { Sql, sql } from '#libs/database/sql.js';
import { MemoryBlobStore } from '#libs/event-store/blob-store.js';
import { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { MemoryEventStore } from '#libs/event-store/memory/memory-event-store.js';
import { PostgresEventStore } from '#libs/event-store/postgres/postgres-event-store.js';
import type { Recorded } from '#libs/kernel/event.js';
import { projection, type Projection } from '#libs/projections/projection.js';
import { insert, upsert } from '#libs/projections/row-operation.js';
import { ProjectionRunner, type RunnerOptions } from '#libs/projections/runner.js';
import type { Table } from '#libs/projections/table.js';
import { testDatabase, type TestDatabase } from './postgres.js';

export const ownerId = randomUUID();
const notes: Table = {
  name: 'notes',
  columns: { position: 'int8', owner_id: 'uuid', text: 'text' },
  key: ['position'],
};
const totals: Table = {
  name: 'totals',
  columns: { stream: 'text', owner_id: 'uuid', events: 'int8' },
  key: ['stream'],
};
export type Noted = Recorded<{ readonly type: 'Noted'; readonly data: { readonly text: string } }>;

/** Refuses the text "poison", for the tests of what happens then. */
export const noteProjection = (version = 1, shout = false): Projection =>
  projection({
    name: 'note',
    version,
    tables: [notes],
    views: { notes: 'SELECT * FROM {schema}.notes' },
    handles: ['Noted'],
    project: (batch) =>
      (batch as readonly Noted[]).map(({ position, event }) => {
        if (event.data.text === 'poison') throw new Error('cannot take poison');
        return insert(notes, {
          position,
          owner_id: ownerId,
          text: shout ? event.data.text.toUpperCase() : event.data.text,
        });
      }),
  });

/** Counts with a look-up of its own rows, so that a batch applied twice would show. */
export const totalProjection = projection<Map<string, bigint>>({
  name: 'total',
  version: 1,
  tables: [totals],
  views: { totals: 'SELECT * FROM {schema}.totals' },
  handles: ['Noted'],
  load: async (connection, schema) => {
    const rows = await connection.query<{ stream: string; events: bigint }>(
      new Sql([`SELECT stream, events FROM "${schema}".totals`], []),
    );
    return new Map(rows.map((row) => [row.stream, row.events]));
  },
  project: (batch, counted) =>
    batch.map(({ stream }) => {
      counted.set(stream, (counted.get(stream) ?? 0n) + 1n);
      return upsert(totals, { stream, owner_id: ownerId, events: counted.get(stream) });
    }),
});

/** A log of notes, and projections that follow it into a database of their own. */
export class NoteWorld {
  readonly codec = new EventCodec(new MemoryBlobStore());
  readonly #runners: ProjectionRunner[] = [];

  private constructor(
    private readonly test: TestDatabase,
    readonly database: Database,
    readonly store: EventStore,
  ) {}

  static async open(log: 'in memory' | 'on Postgres' = 'in memory'): Promise<NoteWorld> {
    const test = await testDatabase();
    const store = log === 'in memory' ? new MemoryEventStore() : new PostgresEventStore({ url: test.url });
    return new NoteWorld(test, new Database({ url: test.url, max: 8 }), store);
  }

  get databaseUrl(): string {
    return this.test.url;
  }

  /** Starts a process' runner, with small batches. */
  async start(
    projections: readonly Projection[],
    options: Partial<RunnerOptions> = {},
  ): Promise<ProjectionRunner> {
    const { database, store, codec } = this;
    const runner = new ProjectionRunner({ database, store, codec, projections, batchSize: 10, ...options });
    this.#runners.push(runner);
    await runner.start();
    return runner;
  }

  /** Appends notes. @returns their event ids. */
  note(stream: string, ...texts: string[]): Promise<string[]> {
    return this.write('Noted', stream, ...texts);
  }

  /** Appends events of a type that have a text. @returns their ids. */
  async write(type: string, stream: string, ...texts: string[]): Promise<string[]> {
    const metadata = {
      actor: { kind: 'system', id: 'test' },
      ownerId,
      occurredAt: '2026-01-01T00:00:00.000Z',
    } as const;
    const written = texts.map((text) => ({
      event: { type, data: { text } },
      id: randomUUID(),
      metadata,
    }));
    await this.store.append(stream, await this.codec.encode(written), { expected: 'any' });
    return written.map(({ id }) => id);
  }

  /** The notes that people read, in order. */
  async texts(): Promise<string[]> {
    const rows = await this.database.query<{ text: string }>(sql`SELECT text FROM notes ORDER BY position`);
    return rows.map(({ text }) => text);
  }

  /** Waits until what goes on has read the whole log. */
  async reached(runner: ProjectionRunner): Promise<void> {
    if (!(await runner.caughtUp(await this.store.head(), 5_000))) throw new Error('not caught up within 5 s');
  }

  /** Rows of the table of instances. */
  instances(): Promise<readonly { schema: string; status: string; position: bigint }[]> {
    return this.database.query(sql`SELECT schema, status, position FROM projections ORDER BY schema`);
  }

  async close(): Promise<void> {
    for (const runner of this.#runners) await runner.stop();
    await this.store.close();
    await this.database.close();
    await this.test.drop();
  }
}

/** For building what nobody watches or stops. */
export const silent = (): void => undefined;
export const never = new AbortController().signal;

/** Waits until something holds. @throws Error after 5 s. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 5_000; !(await holds()); await delay(10))
    if (Date.now() > end) throw new Error('waited 5 s in vain');
}
