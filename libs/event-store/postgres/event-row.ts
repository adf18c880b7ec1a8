import { sql } from '#libs/database/sql.js';
import type { EventMetadata } from '#libs/kernel/event.js';
import { parseMetadata } from '../event-hash.js';
import { EventUnreadable, type StoredEvent } from '../event-store.js';

/** What EVENT_COLUMNS selects. */
export interface EventRow {
  readonly position: bigint;
  readonly stream: string;
  readonly version: bigint;
  readonly event_id: string;
  readonly recorded_at: Date;
  readonly schema_version: number;
  readonly type: string;
  readonly metadata: Buffer | string;
  readonly body: Buffer | string | null;
  readonly body_hash: Buffer;
  readonly hash: Buffer;
}

const PLACE = sql`e.position, s.name AS stream, e.version, e.event_id, e.recorded_at, e.schema_version, e.type,
  e.body_hash, e.hash`;

/** Columns of `events e` and `streams s`. */
export const EVENT_COLUMNS = sql`${PLACE}, e.metadata, e.body`;

/**
 * The same with the bytes as text, which travels at half the size. A body that is no UTF-8 makes the statement fail
 * with 22021; then EVENT_COLUMNS reads it.
 */
export const EVENT_COLUMNS_AS_TEXT = sql`${PLACE}, convert_from(e.metadata, 'UTF8') AS metadata, convert_from(e.body, 'UTF8') AS body`;

const bytesOf = (column: Buffer | string): Buffer =>
  typeof column === 'string' ? Buffer.from(column) : column;

/** @throws EventUnreadable when the metadata is not what was written. */
export function toStoredEvent(row: EventRow): StoredEvent {
  const place = {
    id: row.event_id,
    stream: row.stream,
    version: Number(row.version),
    position: row.position,
    type: row.type,
    recordedAt: row.recorded_at,
  };
  return {
    ...place,
    schemaVersion: row.schema_version,
    metadata: metadataOf(row, place),
    body: row.body === null ? new Uint8Array() : bytesOf(row.body),
    metadataBytes: bytesOf(row.metadata),
    bodyHash: row.body_hash,
    hash: row.hash,
  };
}

function metadataOf(row: EventRow, place: EventUnreadable['event']): EventMetadata {
  try {
    const metadata = parseMetadata(bytesOf(row.metadata)) as Partial<EventMetadata> | null;
    if (metadata?.actor && metadata.ownerId) return metadata as EventMetadata;
  } catch (cause) {
    throw new EventUnreadable(place, { cause });
  }
  throw new EventUnreadable(place, { cause: 'it names no actor and owner' });
}
