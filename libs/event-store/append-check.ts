import { isUuid } from '#libs/kernel/ids.js';
import {
  AppendTooLarge,
  EventTooLarge,
  MAX_APPEND_BYTES,
  MAX_EVENT_BYTES,
  type NewEvent,
} from './event-store.js';

/**
 * What an event may cost an engine besides its body and its metadata, in bytes: two hashes, ids and framing. An upper
 * bound over all engines, so that each of them accepts and refuses the same appends.
 */
const EVENT_OVERHEAD_BYTES = 400;

/** Bytes that an event counts within MAX_APPEND_BYTES; `metadata` is its metadataBytes. */
const bytesInAppend = (event: NewEvent, metadata: Uint8Array): number =>
  event.body.length + metadata.length + 2 * Buffer.byteLength(event.type) + EVENT_OVERHEAD_BYTES;

/**
 * Refuses, before anything is written and alike on every engine, what no caller may append.
 * @param metadata each event's metadataBytes, in the same order.
 * @returns the bytes that the append counts.
 * @throws EventTooLarge, AppendTooLarge
 * @throws RangeError for no events, an id that is no UUID or stands twice in the append, and names that are empty or
 * begin with `$` (EventStoreDB keeps those for itself).
 */
export function checkAppend(
  stream: string,
  events: readonly NewEvent[],
  metadata: readonly Uint8Array[],
): number {
  if (events.length === 0) throw new RangeError('an append needs at least one event');
  checkName('stream name', stream);
  const ids = new Set<string>();
  let bytes = 0;
  events.forEach((event, index) => {
    const { id } = event;
    const isId: boolean = isUuid(id);
    if (!isId) throw new RangeError(`event id ${id} is not a UUID in lower case`);
    if (ids.has(id)) throw new RangeError(`event id ${id} stands twice in one append`);
    ids.add(id);
    checkName('event type', event.type);
    if (event.body.length > MAX_EVENT_BYTES) throw new EventTooLarge(id, event.body.length);
    bytes += bytesInAppend(event, metadata[index] ?? new Uint8Array());
  });
  if (bytes > MAX_APPEND_BYTES) throw new AppendTooLarge(stream, bytes);
  return bytes;
}

function checkName(what: string, name: string): void {
  if (name === '' || name.startsWith('$'))
    throw new RangeError(`${what} '${name}' is empty or begins with $`);
}
