import type { ChainedEvent } from '#libs/event-store/event-store.js';
import { positionToken } from '#libs/kernel/position.js';
import type { EventMetadata } from '#libs/kernel/event.js';

/** An event as it is stored. Hashes are SHA-256 as lower-case hex. */
export interface AuditEvent {
  readonly position: string;
  readonly stream: string;
  /** 1 for the first event of its stream. */
  readonly version: number;
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  /** When the log recorded it (ISO 8601, UTC); when it happened is in the metadata. */
  readonly recordedAt: string;
  readonly metadata: EventMetadata;
  /** The body; null where it is no JSON. */
  readonly body: unknown;
  /** The body as text, where it is no JSON. */
  readonly bodyText?: string;
  /** Hash of the body's bytes as stored. */
  readonly bodyHash: string;
  /** Hash of the event before it in its stream, zeros for the first one; null if that event is missing. */
  readonly previousHash: string | null;
  readonly hash: string;
}

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

export const toAuditEvent = (event: ChainedEvent): AuditEvent => ({
  position: positionToken(event.position),
  stream: event.stream,
  version: event.version,
  id: event.id,
  type: event.type,
  schemaVersion: event.schemaVersion,
  recordedAt: event.recordedAt.toISOString(),
  metadata: event.metadata,
  ...bodyOf(event.body),
  bodyHash: hex(event.bodyHash),
  previousHash: event.previousHash && hex(event.previousHash),
  hash: hex(event.hash),
});

function bodyOf(bytes: Uint8Array): Pick<AuditEvent, 'body' | 'bodyText'> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  try {
    return { body: JSON.parse(text) as unknown };
  } catch {
    return { body: null, bodyText: text };
  }
}
