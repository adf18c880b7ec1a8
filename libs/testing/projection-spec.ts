import { randomUUID } from 'node:crypto';
import { Database, type Row } from '#libs/database/database.js';
import { Sql } from '#libs/database/sql.js';
import type { DomainEvent, EventMetadata, Recorded } from '#libs/kernel/event.js';
import { advance, createInstance, PositionMoved, type Instance } from '#libs/projections/instance.js';
import type { Projection } from '#libs/projections/projection.js';
import { testDatabase, type TestDatabase } from './postgres.js';

export const SPEC_OWNER = '00000000-0000-7000-8000-0000000000aa';

/** Numbers events along a log of their own: positions from 1, versions along each stream, one second apart. */
class SpecLog {
  readonly events: Recorded[] = [];
  readonly #versions = new Map<string, number>();

  add(stream: string, event: DomainEvent, metadata: Partial<EventMetadata> = {}): Recorded {
    const position = BigInt(this.events.length + 1);
    const version = (this.#versions.get(stream) ?? 0) + 1;
    this.#versions.set(stream, version);
    const occurredAt = new Date(Date.UTC(2026, 0, 1) + Number(position) * 1_000).toISOString();
    const recorded: Recorded = {
      event,
      id: randomUUID(),
      stream,
      version,
      position,
      recordedAt: new Date(occurredAt),
      metadata: { actor: { kind: 'user', id: 'somebody' }, ownerId: SPEC_OWNER, occurredAt, ...metadata },
    };
    this.events.push(recorded);
    return recorded;
  }
}

/** A database and a log of its own for each test of the file that makes it. */
export class SpecWorld {
  database!: Database;
  log!: SpecLog;

  constructor() {
    let test: TestDatabase;
    beforeEach(async () => {
      test = await testDatabase();
      this.database = new Database({ url: test.url, max: 3 });
      this.log = new SpecLog();
    });
    afterEach(async () => {
      await this.database.close();
      await test.drop();
    });
  }

  /**
   * Projects the log's events one by one, offering each of them twice, into the schema that serves; and, as a rebuild
   * does, all at once into another one. Both must end with the same rows.
   * @returns the rows of each table, by its name.
   */
  async projected(projection: Projection): Promise<Readonly<Record<string, readonly Row[]>>> {
    const { database, log } = this;
    const serving = await instanceOf(database, projection, 'live');
    const rebuilt = await instanceOf(database, projection, 'building');
    for (const event of log.events) {
      const before = serving.position;
      await advance(database, [serving], [event], event.position);
      serving.position = before;
      await expect(advance(database, [serving], [event], event.position)).rejects.toThrow(PositionMoved);
      serving.position = event.position;
    }
    await advance(database, [rebuilt], log.events, log.events.at(-1)!.position);
    const rows = await rowsOf(database, serving);
    expect(await rowsOf(database, rebuilt)).toEqual(rows);
    return rows;
  }
}

async function instanceOf(
  database: Database,
  projection: Projection,
  status: 'live' | 'building',
): Promise<Instance> {
  const schema = `${projection.name}_${status}`;
  await database.transaction((connection) => createInstance(connection, projection, schema, status));
  return { projection, schema, position: 0n, status };
}

async function rowsOf(
  database: Database,
  { projection, schema }: Instance,
): Promise<Record<string, readonly Row[]>> {
  const rows: Record<string, readonly Row[]> = {};
  for (const { name, key } of projection.tables) {
    rows[name] = await database.query(
      new Sql([`SELECT * FROM "${schema}"."${name}" ORDER BY ${key.join(', ')}`], []),
    );
  }
  return rows;
}
