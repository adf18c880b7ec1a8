import type { ChainedEvent } from '#libs/event-store/event-store.js';
import { positionToken } from '#libs/kernel/position.js';
import type { AuditEventResponse } from './audit.answers.dto.js';

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

/** An event as auditors see it: hashes are SHA-256 as lower-case hex. */
export const toAuditEvent = (event: ChainedEvent): AuditEventResponse => ({
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

function bodyOf(bytes: Uint8Array): Pick<AuditEventResponse, 'body' | 'bodyText'> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  try {
    return { body: JSON.parse(text) as unknown };
  } catch {
    return { body: null, bodyText: text };
  }
}
