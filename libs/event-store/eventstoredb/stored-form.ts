import type { EventMetadata } from '#libs/kernel/event.js';
import { formatUuid } from '#libs/kernel/ids.js';
import type { BinaryEventData, MetadataType, Position } from '@eventstore/db-client';
import { chainHash, contentDigest, metadataBytes, parseMetadata, sha256 } from '../event-hash.js';
import { EventUnreadable, type NewEvent, type StoredEvent } from '../event-store.js';

/**
 * How an event stands in EventStoreDB.
 *
 * - The data is the body, byte for byte, as `application/octet-stream`: as JSON, the client would parse and rewrite it.
 * - The custom metadata is JSON, so that the server's own tools show it: `makima` (version of this form), `id`,
 *   `schemaVersion`, `metadata` (a string: the metadata's bytes as hashed), `bodyHash` and `hash` (base64).
 * - The event's id on the server is not ours but the first 16 bytes of its hash. The server takes an append whose ids
 *   already stand at the expected revision for a repetition and answers success without comparing anything else: with
 *   our ids, two processes that make the same append at once would both hear success, and the one whose metadata was
 *   not written would go on with a wrong hash. With the hash as id, only what is the same in every byte is a repetition.
 */
interface StoredMetadata {
  readonly makima: 1;
  readonly id: string;
  readonly schemaVersion: number;
  readonly metadata: string;
  readonly bodyHash: string;
  readonly hash: string;
}

/** An event with everything computed that does not depend on its place in the stream. */
export interface PreparedEvent {
  readonly event: NewEvent;
  readonly metadata: Buffer;
  readonly bodyHash: Buffer;
  readonly digest: Buffer;
}

export function prepare(stream: string, event: NewEvent): PreparedEvent {
  const metadata = metadataBytes(event.metadata);
  const bodyHash = sha256(event.body);
  return { event, metadata, bodyHash, digest: contentDigest(stream, event, metadata, bodyHash) };
}

/** An event at its place in the chain, ready to be sent. */
export interface LinkedEvent {
  readonly id: string;
  readonly hash: Buffer;
  readonly data: BinaryEventData;
}

/** Links prepared events to the stream's last hash and version. */
export function link(
  prepared: readonly PreparedEvent[],
  tail: { readonly hash: Uint8Array; readonly version: number },
): LinkedEvent[] {
  let { hash, version } = tail;
  return prepared.map(({ event, metadata, bodyHash, digest }) => {
    version += 1;
    const next = chainHash(hash, version, digest);
    hash = next;
    const stored: StoredMetadata = {
      makima: 1,
      id: event.id,
      schemaVersion: event.schemaVersion,
      metadata: metadata.toString('utf8'),
      bodyHash: bodyHash.toString('base64'),
      hash: next.toString('base64'),
    };
    const data: BinaryEventData = {
      id: formatUuid(next),
      contentType: 'application/octet-stream',
      type: event.type,
      data: event.body,
      metadata: { ...stored },
    };
    return { id: event.id, hash: next, data };
  });
}

/** The fields of the client's recorded events that matter here. */
export interface Recorded {
  readonly streamId: string;
  readonly type: string;
  readonly revision: bigint;
  readonly data: unknown;
  readonly metadata: MetadataType | undefined;
  readonly created: Date;
  readonly position?: Position;
}

/**
 * The event as the port knows it; undefined for events that makima did not write: the server's own, other programs'.
 * @throws EventUnreadable when somebody changed the metadata.
 */
export function storedEvent(recorded: Recorded): StoredEvent | undefined {
  const { streamId: stream, type, data, metadata: given, position } = recorded;
  if (stream.startsWith('$') || type.startsWith('$') || !position) return undefined;
  if (!isStoredMetadata(given) || !(data instanceof Uint8Array)) return undefined;
  const bytes = Buffer.from(given.metadata, 'utf8');
  const place = {
    id: given.id,
    stream,
    version: Number(recorded.revision) + 1,
    position: position.commit,
    type,
    recordedAt: recorded.created,
  };
  return {
    ...place,
    schemaVersion: given.schemaVersion,
    metadata: readMetadata(bytes, place),
    body: data,
    metadataBytes: bytes,
    bodyHash: Buffer.from(given.bodyHash, 'base64'),
    hash: Buffer.from(given.hash, 'base64'),
  };
}

function readMetadata(bytes: Buffer, place: EventUnreadable['event']): EventMetadata {
  try {
    return parseMetadata(bytes);
  } catch (cause) {
    throw new EventUnreadable(place, { cause });
  }
}

function isStoredMetadata(value: unknown): value is StoredMetadata {
  if (typeof value !== 'object' || value === null || !('makima' in value) || value.makima !== 1) return false;
  const { id, schemaVersion, metadata, bodyHash, hash } = value as Partial<
    Record<keyof StoredMetadata, unknown>
  >;
  const texts = [id, metadata, bodyHash, hash];
  return typeof schemaVersion === 'number' && texts.every((text) => typeof text === 'string');
}
