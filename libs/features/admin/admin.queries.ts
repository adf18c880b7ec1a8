import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import type { ProjectionFailure } from '#libs/projections/instance.js';
import type { InstanceRow } from '#libs/projections/instances.js';
import type { Projection } from '#libs/projections/projection.js';

export interface ProjectionStatus {
  readonly name: string;
  readonly version: number;
  readonly schema: string;
  readonly position: string;
  readonly head: string;
  /** Positions between the projection and the log's head; on Postgres that many events. */
  readonly lag: string;
  readonly status: string;
  /** The event that stopped it. */
  readonly error: ProjectionFailure | null;
  /** What its position means for those who read; null where nothing is out of the ordinary. */
  readonly note: string | null;
  readonly updatedAt: string;
}

interface StatusRow extends InstanceRow {
  readonly updated_at: Date;
}

/** Every instance that serves, is being built, or has stopped, also those that this version of makima has no code for. */
export async function projectionStatuses(
  db: Queryable,
  projections: readonly Projection[],
  head: bigint,
): Promise<readonly ProjectionStatus[]> {
  const rows = await db.query<StatusRow>(sql`
    SELECT name, version, schema, position, status, error, updated_at FROM projections
    WHERE status <> 'retired' ORDER BY name, version, schema`);
  return rows.map((row) => ({
    name: row.name,
    version: row.version,
    schema: row.schema,
    position: row.position.toString(),
    head: head.toString(),
    lag: (head > row.position ? head - row.position : 0n).toString(),
    status: row.status,
    error: row.error,
    note: noteOn(row, rows, projections),
    updatedAt: row.updated_at.toISOString(),
  }));
}

const serves = ({ status }: StatusRow): boolean => status === 'live' || status === 'failed';

function noteOn(
  { name, version, position, status, error }: StatusRow,
  rows: readonly StatusRow[],
  projections: readonly Projection[],
): string | null {
  const known = projections.find((one) => one.name === name);
  if (!known) return 'This version of makima has no such read model. Nothing waits for it.';
  if (version !== known.version)
    return `Reads show this state, up to position ${position}, until version ${known.version} has been built. Only a server of its own version moves it.`;
  const goesOn = `It goes on with "makima admin retry ${name}", or without the event with "makima admin skip ${name}".`;
  if (status === 'failed') return `Reads show the log up to position ${position}. ${goesOn}`;
  if (status !== 'building') return null;
  if (error) return `It has stopped being built. ${goesOn}`;
  const former = rows.find((row) => row.name === name && serves(row));
  return former ? `It is being built, and serves then; until then version ${former.version} does.` : null;
}

export interface TableSize {
  readonly table: string;
  readonly rows: number;
  /** With indexes and TOAST. */
  readonly bytes: number;
  readonly indexBytes: number;
}

/** Sizes of all of makima's tables, largest first. `rows` is the planner's estimate. */
export async function tableSizes(db: Queryable): Promise<readonly TableSize[]> {
  const rows = await db.query<{ name: string; rows: bigint; bytes: bigint; index_bytes: bigint }>(sql`
    SELECT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,
           greatest(c.reltuples, 0)::bigint AS rows, pg_total_relation_size(c.oid) AS bytes, pg_indexes_size(c.oid) AS index_bytes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 3 DESC, 1`);
  return rows.map((row) => ({
    table: row.name,
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    indexBytes: Number(row.index_bytes),
  }));
}

export const databaseSize = async (db: Queryable): Promise<number> => {
  const [row] = await db.query<{ bytes: bigint }>(sql`SELECT pg_database_size(current_database()) AS bytes`);
  return Number(row!.bytes);
};

export interface OwnerSize {
  readonly ownerId: string;
  readonly name: string;
  readonly events: number;
  /** Bodies and metadata, as stored. */
  readonly eventBytes: number;
  readonly blobs: number;
  readonly blobBytes: number;
}

/** What each owner's data weigh (one owner, or null for all). Reads the whole log: for people, not for every minute. */
export async function ownerSizes(db: Queryable, ownerId: string | null): Promise<readonly OwnerSize[]> {
  const rows = await db.query<{
    id: string;
    name: string;
    events: bigint;
    event_bytes: bigint;
    blobs: bigint;
    blob_bytes: bigint;
  }>(sql`
    SELECT o.id, o.name, coalesce(e.events, 0) AS events, coalesce(e.bytes, 0)::bigint AS event_bytes,
           coalesce(b.blobs, 0) AS blobs, coalesce(b.bytes, 0)::bigint AS blob_bytes
    FROM owners o
    LEFT JOIN (SELECT owner_id, count(*) AS events, sum(octet_length(body) + octet_length(metadata)) AS bytes FROM events GROUP BY 1) e ON e.owner_id = o.id
    LEFT JOIN (SELECT owner_id, count(*) AS blobs, sum(bytes) AS bytes FROM blobs GROUP BY 1) b ON b.owner_id = o.id
    WHERE ${ownerId}::uuid IS NULL OR o.id = ${ownerId} ORDER BY 4 DESC, o.name`);
  return rows.map((row) => ({
    ownerId: row.id,
    name: row.name,
    events: Number(row.events),
    eventBytes: Number(row.event_bytes),
    blobs: Number(row.blobs),
    blobBytes: Number(row.blob_bytes),
  }));
}
