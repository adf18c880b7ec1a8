import { isTransient, type Database, type Queryable } from '#libs/database/database.js';
import { identifier, raw, sql } from '#libs/database/sql.js';
import type { Recorded } from '#libs/kernel/event.js';
import { indexStatements } from './indexes.js';
import { ddl, type Projection } from './projection.js';
import { sendOperations } from './row-operation.js';
import { createView } from './view.js';

/** `failed`: it serves, but stands still at an event. `retired`: nobody reads it. */
export type InstanceStatus = 'live' | 'building' | 'failed' | 'retired';

/** One projection in one schema: the one that serves, or one that is being built beside it. */
export interface Instance {
  readonly projection: Projection;
  readonly schema: string;
  /** The last event that its rows reflect. */
  position: bigint;
  status: InstanceStatus;
  /** The event that stopped it, if one did. */
  failure?: ProjectionFailure | null;
  /** Ids of the events that it passes over. */
  skipped?: ReadonlySet<string>;
}

/** Where a projection stopped and why. */
export interface ProjectionFailure {
  readonly eventId: string;
  readonly position: string;
  readonly type: string;
  readonly message: string;
}

/** Another process moved the projection: this one's position is stale and it must read it again. */
export class PositionMoved extends Error {
  override readonly name = 'PositionMoved';

  constructor() {
    super('another process has moved the projection');
  }
}

/**
 * Creates the tables of an instance and its row in `projections`. What does not serve yet is filled first, and gets the
 * indexes that only readers need by completeIndexes.
 */
export async function createInstance(
  connection: Queryable,
  projection: Projection,
  schema: string,
  status: InstanceStatus,
): Promise<void> {
  const indexes = indexStatements(projection, schema, status === 'live' ? 'all' : 'for filling');
  for (const statement of [...ddl(projection, schema), ...indexes]) await connection.query(raw(statement));
  if (status === 'live')
    for (const view of Object.keys(projection.views)) await createView(connection, projection, schema, view);
  await connection.query(sql`
    INSERT INTO projections (name, version, schema, position, status)
    VALUES (${projection.name}, ${projection.version}, ${schema}, 0, ${status})`);
}

/**
 * Removes an instance, unless it is the one that serves. The row goes first: whoever advances the instance locks it before
 * the tables. Tables go one by one, each in a transaction of its own: readers that still look at them lock several, and
 * two orders would deadlock.
 */
export async function dropInstance(database: Database, schema: string): Promise<void> {
  await database.query(
    sql`DELETE FROM projections WHERE schema = ${schema} AND status NOT IN ('live', 'failed')`,
  );
  const serving = await database.query(sql`SELECT FROM projections WHERE schema = ${schema}`);
  if (serving.length > 0) return;
  const tables = await database.query<{ name: string }>(
    sql`SELECT tablename AS name FROM pg_tables WHERE schemaname = ${schema}`,
  );
  // A view that still shows it is one that no version has any more.
  for (const { name } of tables)
    await database.query(sql`DROP TABLE IF EXISTS ${identifier(schema, name)} CASCADE`);
  await database.query(sql`DROP SCHEMA IF EXISTS ${identifier(schema)} CASCADE`);
}

/**
 * Applies one batch to instances that stand at the same position, and moves them, in one transaction: exactly once,
 * whatever crashes. `to` may lie beyond the last event (events that nobody handles).
 * @throws PositionMoved when another process was faster, or has put another instance in the place of one of these.
 */
export async function advance(
  database: Database,
  instances: readonly Instance[],
  events: readonly Recorded[],
  to: bigint,
): Promise<void> {
  const project = async (connection: Queryable): Promise<void> => {
    const batches = instances.map((instance) => takenBy(instance, events));
    // Sent together; that it was moved tells more than what a look-up in tables that are gone says.
    const [, ...lookups] = await allOf([
      move(connection, instances, to),
      ...instances.map(async ({ projection, schema }, n) =>
        batches[n]!.length > 0 ? projection.load?.(connection, schema, batches[n]!) : undefined,
      ),
    ]);
    // Nothing waits for what is sent: the next statement is made while the server works on the one before.
    const sent: Promise<unknown>[] = [];
    try {
      for (const [n, { projection, schema }] of instances.entries()) {
        if (batches[n]!.length === 0) continue;
        sent.push(...sendOperations(connection, schema, projection.project(batches[n]!, lookups[n])));
      }
    } finally {
      await Promise.allSettled(sent);
    }
    await Promise.all(sent);
  };
  // A crash takes back rows and position together. What is only being built goes on from there; what people read lasts.
  await database.transaction(project, { lasting: instances.some(({ status }) => status === 'live') });
  for (const instance of instances) instance.position = to;
}

/** Moves instances from where they are thought to stand. @throws PositionMoved */
async function move(connection: Queryable, instances: readonly Instance[], to: bigint): Promise<void> {
  const moved = await connection.query(sql`
    UPDATE projections p SET position = ${to}, updated_at = now()
    FROM unnest(${instances.map((i) => i.schema)}::text[], ${instances.map((i) => i.position)}::bigint[],
                ${instances.map((i) => i.status)}::text[]) AS i(schema, position, status)
    WHERE p.schema = i.schema AND p.position = i.position AND p.status = i.status RETURNING p.schema`);
  if (moved.length !== instances.length) throw new PositionMoved();
}

function takenBy({ projection, skipped }: Instance, events: readonly Recorded[]): readonly Recorded[] {
  const wanted = handledSet(projection);
  return events.filter(({ id, event }) => wanted.has(event.type) && !skipped?.has(id));
}

/** Waits for all, so that none is under way when the first failure is thrown. */
async function allOf<T>(pending: readonly Promise<T>[]): Promise<readonly T[]> {
  const outcomes = await Promise.allSettled(pending);
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

const handled = new WeakMap<Projection, ReadonlySet<string>>();
function handledSet(projection: Projection): ReadonlySet<string> {
  let set = handled.get(projection);
  if (!set) handled.set(projection, (set = new Set(projection.handles)));
  return set;
}

/** Whether it is an event's fault that a batch failed, and not the database's or another process'. */
export const isPoison = (error: unknown): boolean => !(error instanceof PositionMoved) && !isTransient(error);

/**
 * Applies one batch to one instance, or as much of it as comes before an event that it cannot take: that stops it.
 * @returns what stopped it, if anything did.
 * @throws whatever is no event's fault.
 */
export async function advanceOrStop(
  database: Database,
  instance: Instance,
  events: readonly Recorded[],
  to: bigint,
): Promise<ProjectionFailure | null> {
  try {
    await advance(database, [instance], events, to);
    return null;
  } catch (error) {
    if (!isPoison(error)) throw error;
    const failure = await findPoison(database, instance, events, to);
    if (failure) await markStopped(database, instance, failure);
    return failure;
  }
}

/**
 * Finds the first event of a batch that an instance cannot take, applying those before it.
 * @throws whatever is not that event's fault.
 */
async function findPoison(
  database: Database,
  instance: Instance,
  events: readonly Recorded[],
  to: bigint,
): Promise<ProjectionFailure | null> {
  for (const event of events) {
    try {
      await advance(database, [instance], [event], event.position);
    } catch (error) {
      if (!isPoison(error)) throw error;
      return {
        eventId: event.id,
        position: String(event.position),
        type: event.event.type,
        message: (error as Error).message.slice(0, 500),
      };
    }
  }
  if (instance.position < to) await advance(database, [instance], [], to);
  return null;
}

/** Notes the event that stopped an instance. One that does not serve yet keeps its status: nobody reads it. */
async function markStopped(
  database: Database,
  instance: Instance,
  failure: ProjectionFailure,
): Promise<void> {
  const { schema, status } = instance;
  instance.failure = failure;
  instance.status = status === 'live' ? 'failed' : status;
  await database.query(sql`
    UPDATE projections SET status = ${instance.status}, error = ${JSON.stringify(failure)}, updated_at = now()
    WHERE schema = ${schema} AND status = ${status}`);
}
