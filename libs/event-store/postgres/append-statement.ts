import type pg from 'pg';
import { binaryArray } from '#libs/database/binary-array.js';
import { checkAppend } from '../append-check.js';
import { contentDigest, metadataBytes, sha256 } from '../event-hash.js';
import type { NewEvent } from '../event-store.js';

/** One caller's append, with everything computed that does not depend on the stream's state. */
export interface AppendItem {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  /** -1: any. */
  readonly expected: number;
  readonly metadata: readonly Buffer[];
  readonly bodyHashes: readonly Buffer[];
  readonly digests: readonly Buffer[];
  readonly bytes: number;
}

/** The answer stays the text that Postgres sends: `{0,17,4711,…}`, three numbers an item. */
const AS_TEXT = { rowMode: 'array', types: { getTypeParser: () => (text: string) => text } } as const;
const APPEND_ONE = {
  ...AS_TEXT,
  name: 'append_event',
  text: 'SELECT append_event($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)',
};
const APPEND_MANY = {
  ...AS_TEXT,
  name: 'append_events',
  text: 'SELECT append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)',
};

/**
 * Prepares an append: the bytes and hashes are computed before the item waits for its turn.
 * @throws RangeError, EventTooLarge or AppendTooLarge for what no engine takes.
 */
export function appendItem(stream: string, events: readonly NewEvent[], expected: number): AppendItem {
  const metadata: Buffer[] = [];
  const bodyHashes: Buffer[] = [];
  const digests: Buffer[] = [];
  let bytes = 0;
  for (const event of events) {
    const meta = metadataBytes(event.metadata);
    const bodyHash = sha256(event.body);
    metadata.push(meta);
    bodyHashes.push(bodyHash);
    digests.push(contentDigest(stream, event, meta, bodyHash));
    bytes += meta.length + event.body.length + 200;
  }
  checkAppend(stream, events, metadata);
  return { stream, events, expected, metadata, bodyHashes, digests, bytes };
}

/** The call that writes a batch. One event without a look for its id, by far the most frequent, has a cheaper one. */
export function statement(items: readonly AppendItem[], probe: boolean): pg.QueryArrayConfig {
  const [item] = items as readonly [AppendItem];
  return items.length === 1 && item.events.length === 1 && !probe
    ? { ...APPEND_ONE, values: oneEvent(item) }
    : { ...APPEND_MANY, values: manyEvents(items, probe) };
}

function oneEvent({ stream, expected, events, metadata, bodyHashes, digests }: AppendItem): unknown[] {
  const { id, type, schemaVersion, metadata: meta, body } = events[0]!;
  return [
    stream,
    meta.ownerId,
    expected,
    id,
    type,
    schemaVersion,
    metadata[0],
    body,
    bodyHashes[0],
    digests[0],
  ];
}

function manyEvents(items: readonly AppendItem[], probe: boolean): unknown[] {
  const events = items.flatMap((item) => item.events);
  return [
    binaryArray(
      'text',
      items.map((item) => item.stream),
    ),
    binaryArray(
      'uuid',
      items.map((item) => item.events[0]!.metadata.ownerId),
    ),
    binaryArray(
      'int8',
      items.map((item) => item.expected),
    ),
    binaryArray(
      'int4',
      items.map((item) => item.events.length),
    ),
    binaryArray(
      'uuid',
      events.map((event) => event.id),
    ),
    binaryArray(
      'text',
      events.map((event) => event.type),
    ),
    binaryArray(
      'int2',
      events.map((event) => event.schemaVersion),
    ),
    binaryArray(
      'bytea',
      items.flatMap((item) => item.metadata),
    ),
    binaryArray(
      'bytea',
      events.map((event) => event.body),
    ),
    binaryArray(
      'bytea',
      items.flatMap((item) => item.bodyHashes),
    ),
    binaryArray(
      'bytea',
      items.flatMap((item) => item.digests),
    ),
    probe,
  ];
}
