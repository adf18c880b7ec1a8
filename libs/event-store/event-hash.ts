import { createHash, hash } from 'node:crypto';
import type { EventMetadata } from '#libs/kernel/event.js';
import type { NewEvent, StoredEvent } from './event-store.js';

/** The hash before the first event of a stream. */
export const GENESIS = Buffer.alloc(32);

export const sha256 = (bytes: Uint8Array | string): Buffer => hash('sha256', bytes, 'buffer');

/** The bytes of a metadata record, with its keys in one order on every engine. */
export const metadataBytes = (m: EventMetadata): Buffer =>
  Buffer.from(
    JSON.stringify({
      actor: { kind: m.actor.kind, id: m.actor.id },
      ownerId: m.ownerId,
      occurredAt: m.occurredAt,
      commandId: m.commandId,
      inputHash: m.inputHash,
      correlationId: m.correlationId,
      causationId: m.causationId,
      traceId: m.traceId,
    }),
  );

export const parseMetadata = (bytes: Uint8Array): EventMetadata =>
  JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as EventMetadata;

/**
 * SHA-256 over everything of an event that does not depend on its place in the stream:
 * id (16 bytes), stream, type, schema version (int32), metadata, SHA-256 of the body as stored; each of variable
 * length preceded by its length (int32, big-endian).
 */
export function contentDigest(
  stream: string,
  event: Pick<NewEvent, 'id' | 'type' | 'schemaVersion'>,
  metadata: Uint8Array,
  bodyHash: Uint8Array,
): Buffer {
  const streamLength = Buffer.byteLength(stream);
  const typeLength = Buffer.byteLength(event.type);
  const bytes = Buffer.allocUnsafe(16 + 4 + streamLength + 4 + typeLength + 4 + 4 + metadata.length + 32);
  let at = bytes.write(event.id.replaceAll('-', ''), 0, 'hex');
  at = bytes.writeInt32BE(streamLength, at);
  at += bytes.write(stream, at);
  at = bytes.writeInt32BE(typeLength, at);
  at += bytes.write(event.type, at);
  at = bytes.writeInt32BE(event.schemaVersion, at);
  at = bytes.writeInt32BE(metadata.length, at);
  bytes.set(metadata, at);
  bytes.set(bodyHash, at + metadata.length);
  return sha256(bytes);
}

/** The chain: SHA-256 over the previous event's hash, the version (int64, big-endian) and the content's digest. */
export function chainHash(previous: Uint8Array, version: number, digest: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(72);
  bytes.set(previous, 0);
  bytes.writeBigInt64BE(BigInt(version), 32);
  bytes.set(digest, 40);
  return sha256(bytes);
}

/** Recomputes one link. `bodyErased`: the body is gone by intention, its hash stands for it. */
export function verifies(event: StoredEvent, previous: Uint8Array, bodyErased = false): boolean {
  if (!bodyErased && !sha256(event.body).equals(event.bodyHash)) return false;
  const digest = contentDigest(event.stream, event, event.metadataBytes, event.bodyHash);
  return chainHash(previous, event.version, digest).equals(event.hash);
}

/** A UUID that follows from a namespace and names: the same input gives the same id (RFC 9562, version 8). */
export function deriveId(namespace: string, ...names: readonly string[]): string {
  const digest = createHash('sha256');
  for (const part of [namespace, ...names]) digest.update(`${Buffer.byteLength(part)}:`).update(part);
  const bytes = digest.digest().subarray(0, 16);
  bytes[6] = 0x80 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
