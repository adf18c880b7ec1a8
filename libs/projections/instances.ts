import type { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { createInstance, type Instance, type InstanceStatus, type ProjectionFailure } from './instance.js';
import type { Projection } from './projection.js';
import { skippedBy, skipsOf, type Skip } from './skips.js';

/** A read model that people read although it stands still. */
export interface Standstill {
  readonly projection: Projection;
  /** What people read shows the log up to here (inclusive). */
  readonly position: bigint;
  /** The event that stopped it. Null: its new version is being built, and there is no code any more that moves the former. */
  readonly failure: ProjectionFailure | null;
}

/** A row of the table `projections`. */
export interface InstanceRow {
  readonly name: string;
  readonly version: number;
  readonly schema: string;
  readonly position: bigint;
  readonly status: InstanceStatus;
  readonly error: ProjectionFailure | null;
}

/** Keeps two processes that start together from creating the same. */
const PREPARE_KEY = 7_420_002;

/**
 * The instances of the projections that this version of makima has, as the table `projections` holds them. Rows of other
 * versions, and of projections that it does not know, are nothing that it moves or waits for.
 */
export class Instances {
  #all: readonly Instance[] = [];
  #former: readonly InstanceRow[] = [];

  constructor(
    private readonly database: Database,
    readonly projections: readonly Projection[],
  ) {}

  get all(): readonly Instance[] {
    return this.#all;
  }

  /** Those that serve and go on. */
  get moving(): readonly Instance[] {
    return this.#all.filter(({ status }) => status === 'live');
  }

  /** Those that are being built, or that were about to take another one's place. */
  get unfinished(): readonly Instance[] {
    return this.#all.filter(
      ({ projection, schema, status }) =>
        status === 'building' ||
        this.#all.some(
          (other) => other.projection === projection && other.status !== 'building' && other.schema < schema,
        ),
    );
  }

  /** Those that serve and do not go on. */
  get standing(): readonly Standstill[] {
    return this.projections.flatMap((projection): Standstill[] => {
      const own = this.#all.filter((instance) => instance.projection === projection);
      if (own.some(({ status }) => status === 'live')) return [];
      const stopped = own.find(({ status }) => status === 'failed');
      if (stopped) return [{ projection, position: stopped.position, failure: stopped.failure ?? null }];
      const former = this.#former.find(({ name }) => name === projection.name);
      return former ? [{ projection, position: former.position, failure: null }] : [];
    });
  }

  /** Creates what is missing: a projection that has no instance of its version yet gets one. */
  async prepare(): Promise<void> {
    await this.database.transaction(async (connection) => {
      await connection.query(sql`SELECT pg_advisory_xact_lock(${PREPARE_KEY})`);
      const rows = await connection.query<{ name: string; version: number; status: InstanceStatus }>(
        sql`SELECT name, version, status FROM projections WHERE status <> 'retired'`,
      );
      for (const projection of this.projections) {
        const ofName = rows.filter((row) => row.name === projection.name);
        if (ofName.some((row) => row.version === projection.version)) continue;
        const serving = ofName.some((row) => row.status === 'live' || row.status === 'failed');
        const schema = `${projection.name}_v${projection.version}`;
        await createInstance(connection, projection, schema, serving ? 'building' : 'live');
      }
    });
    await this.reload();
  }

  async reload(): Promise<void> {
    const skips = await skipsOf(this.database, this.projections);
    this.#adopt(await this.#rows(), skips);
  }

  /** Whether others serve than those that are known here, after another process has swapped or resumed some. */
  async differ(): Promise<boolean> {
    const rows = await this.#rows();
    const servingNow = rows.flatMap((row) => (this.#known(row) ? mark(row) : [])).sort();
    const serving = this.#all.flatMap(mark).sort();
    if (servingNow.join() !== serving.join()) return true;
    this.#former = rows.filter((row) => !this.#known(row) && mark(row).length > 0);
    return false;
  }

  /** The lowest position that the table has for those that move. */
  async lowestStored(names?: readonly string[]): Promise<bigint | null> {
    const wanted = this.projections.filter(({ name }) => !names || names.includes(name));
    const [row] = await this.database.query<{ position: bigint | null }>(sql`
      SELECT min(p.position) AS position FROM projections p
      JOIN unnest(${wanted.map(({ name }) => name)}::text[], ${wanted.map(({ version }) => version)}::int[]) AS w(name, version)
        ON p.name = w.name AND p.version = w.version
      WHERE p.status = 'live'`);
    return row?.position ?? null;
  }

  /**
   * Lets what an event has stopped go on: after the event, which is passed over from now on, or with the event once more.
   * @returns the position that it goes on from and whether it serves; null if that event has not stopped it.
   */
  async release(
    { name, version }: Projection,
    eventId: string,
    from: 'after' | 'with',
  ): Promise<{ readonly position: bigint; readonly status: InstanceStatus } | null> {
    const [row] = await this.database.query<{ position: bigint; status: InstanceStatus }>(sql`
      WITH released AS (UPDATE projections SET status = CASE status WHEN 'failed' THEN 'live' ELSE status END, error = NULL, updated_at = now(),
        position = CASE WHEN ${from === 'after'} THEN (error ->> 'position')::bigint ELSE position END
      WHERE name = ${name} AND version = ${version} AND status <> 'retired' AND error ->> 'eventId' = ${eventId}
      RETURNING position, status),
      skipped AS (INSERT INTO skipped_events (projection, version, event_id, position)
        SELECT DISTINCT ${name}, ${version}::int, ${eventId}::uuid, position FROM released WHERE ${from === 'after'}
        ON CONFLICT DO NOTHING)
      SELECT position, status FROM released`);
    return row ?? null;
  }

  #rows(): Promise<readonly InstanceRow[]> {
    return this.database.query<InstanceRow>(
      sql`SELECT name, version, schema, position, status, error FROM projections WHERE status <> 'retired'`,
    );
  }

  #adopt(rows: readonly InstanceRow[], skips: readonly Skip[]): void {
    this.#all = rows.flatMap((row) => {
      const projection = this.#known(row);
      const { schema, position, status, error } = row;
      if (!projection) return [];
      return [
        { projection, schema, position, status, failure: error, skipped: skippedBy(projection, skips) },
      ];
    });
    this.#former = rows.filter((row) => !this.#known(row) && mark(row).length > 0);
  }

  #known({ name, version }: InstanceRow): Projection | undefined {
    return this.projections.find((one) => one.name === name && one.version === version);
  }
}

/** What tells whether the same instances serve in the same way; nothing for one that does not serve. */
const mark = ({ schema, status }: Pick<Instance, 'schema' | 'status'>): readonly string[] =>
  status === 'live' || status === 'failed' ? [`${schema} ${status}`] : [];

/** For the server's log: what is read until further notice, and why. */
export function standingLine({ projection, position, failure }: Standstill, head: bigint): string {
  const { name, version } = projection;
  const shown = `reads of ${name} show the log up to position ${position} of ${head}`;
  if (!failure) return `projection ${name} version ${version} is being built; until it serves, ${shown}`;
  return `projection ${name} has stopped at event ${failure.eventId} (${failure.type}); ${shown}; see makima admin projections`;
}
