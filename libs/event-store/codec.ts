import type { DomainEvent, EventMetadata, Recorded } from '#libs/kernel/event.js';
import type { BlobStore } from './blob-store.js';
import { toStoredJson, withReferences } from './stored-json.js';
import { MAX_EVENT_BYTES, type NewEvent, type StoredEvent } from './event-store.js';
import { Shortener, type LongFields } from './long-values.js';

/** Turns an older schema version's data into the next version's. Pure. */
export type Upcaster = (data: unknown) => unknown;

/** By event type: the upcaster from version 1 to 2, from 2 to 3, … The present version is their number + 1. */
export type Upcasters = Readonly<Record<string, readonly Upcaster[]>>;

/** Fields longer than this go to a blob. */
export const MAX_FIELD_BYTES = 256 * 1024;
/** A text of so many characters stands in its event, whatever they are: what is read from one column is no longer. */
export const MAX_COLUMN_TEXT = 80_000;
/** Tried in turn until the body fits. */
const LIMITS = [MAX_FIELD_BYTES, 64 * 1024, 8 * 1024, 1024] as const;

/** An event to be written, before it becomes bytes. */
export interface EventToWrite {
  readonly event: DomainEvent;
  readonly id: string;
  readonly metadata: EventMetadata;
}

/** Between domain events and bytes: schema versions, and blobs for long fields. */
export class EventCodec {
  constructor(
    private readonly blobs: BlobStore,
    private readonly upcasters: Upcasters = {},
    private readonly longFields: LongFields = {},
  ) {}

  /** Encodes events; long fields are stored as blobs first, so that an event never points to nothing. */
  async encode(events: readonly EventToWrite[]): Promise<readonly NewEvent[]> {
    const encoded: NewEvent[] = [];
    for (const { event, id, metadata } of events) {
      let body: Buffer = Buffer.from(toStoredJson(event.data));
      if (body.length > MAX_FIELD_BYTES) body = await this.#externalise(metadata.ownerId, event);
      const schemaVersion = (this.upcasters[event.type]?.length ?? 0) + 1;
      encoded.push({ id, type: event.type, schemaVersion, metadata, body });
    }
    return encoded;
  }

  /**
   * Decodes to the present schema version. What is too long for an event comes as a BlobReference: `hydrate` gives it whole.
   */
  decode(stored: StoredEvent): Recorded {
    const json = textOf(stored.body);
    let data: unknown = JSON.parse(json);
    const ladder = this.upcasters[stored.type] ?? [];
    for (let version = stored.schemaVersion; version <= ladder.length; version += 1)
      data = ladder[version - 1]!(data);
    return {
      event: { type: stored.type, data: withReferences(data, json) },
      id: stored.id,
      stream: stored.stream,
      version: stored.version,
      position: stored.position,
      recordedAt: stored.recordedAt,
      metadata: stored.metadata,
    };
  }

  async #externalise(ownerId: string, { type, data }: DomainEvent): Promise<Buffer> {
    const paths = this.longFields[type] ?? [];
    let body = Buffer.alloc(0);
    for (const limit of LIMITS) {
      const shortener = new Shortener(limit);
      body = Buffer.from(toStoredJson(shortener.shorten(data, paths)));
      if (body.length > MAX_EVENT_BYTES) continue;
      await this.blobs.put(ownerId, shortener.contents);
      break;
    }
    return body;
  }
}

const textOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
