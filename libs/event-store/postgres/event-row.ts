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
  readonly metadata: Buffer;
  readonly body: Buffer | null;
  readonly body_hash: Buffer;
  readonly hash: Buffer;
}

/** Columns of `events e` and `streams s`. */
export const EVENT_COLUMNS = sql`e.position, s.name AS stream, e.version, e.event_id, e.recorded_at, e.schema_version, e.type,
  e.metadata, e.body, e.body_hash, e.hash`;

/** @throws EventUnreadable when the metadata is no JSON. */
export function toStoredEvent(row: EventRow): StoredEvent {
  const place = {
    id: row.event_id,
    stream: row.stream,
    version: Number(row.version),
    position: row.position,
  };
  return {
    ...place,
    type: row.type,
    schemaVersion: row.schema_version,
    metadata: metadataOf(row, place),
    body: row.body ?? new Uint8Array(),
    recordedAt: row.recorded_at,
    metadataBytes: row.metadata,
    bodyHash: row.body_hash,
    hash: row.hash,
  };
}

function metadataOf(row: EventRow, place: EventUnreadable['event']): EventMetadata {
  try {
    return parseMetadata(row.metadata);
  } catch (cause) {
    throw new EventUnreadable(place, { cause });
  }
}
