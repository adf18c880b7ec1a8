import type { DomainEvent, EventMetadata, Recorded } from '#libs/kernel/event.js';
import type { BlobStore } from './blob-store.js';
import { MAX_EVENT_BYTES, type NewEvent, type StoredEvent } from './event-store.js';

/**
 * Stands in an event for a text that is too long for it; the blob holds the text as a JSON string. An agent that writes
 * such an object itself reaches nothing but its own owner's blobs.
 */
export interface BlobReference {
  readonly $blob: { readonly sha256: string; readonly bytes: number; readonly preview: string };
}

/** Turns an older schema version's data into the next version's. Pure. */
export type Upcaster = (data: unknown) => unknown;

/** By event type: the upcaster from version 1 to 2, from 2 to 3, … The present version is their number + 1. */
export type Upcasters = Readonly<Record<string, readonly Upcaster[]>>;

/** Fields longer than this go to a blob. */
export const MAX_FIELD_BYTES = 256 * 1024;
/** A text of so many characters stands in its event, whatever they are: what is read from one column is no longer. */
export const MAX_COLUMN_TEXT = 80_000;
const PREVIEW_CHARACTERS = 1_000;
/** Tried in turn until the body fits. */
const LIMITS = [MAX_FIELD_BYTES, 64 * 1024, 8 * 1024, 1024] as const;

export const isBlobReference = (value: unknown): value is BlobReference =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && '$blob' in value;

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
  ) {}

  /** Encodes events; long fields are stored as blobs first, so that an event never points to nothing. */
  async encode(events: readonly EventToWrite[]): Promise<readonly NewEvent[]> {
    const encoded: NewEvent[] = [];
    for (const { event, id, metadata } of events) {
      let body: Buffer = Buffer.from(JSON.stringify(event.data));
      if (body.length > MAX_FIELD_BYTES) body = await this.#externalise(metadata.ownerId, event.data, body);
      const schemaVersion = (this.upcasters[event.type]?.length ?? 0) + 1;
      encoded.push({ id, type: event.type, schemaVersion, metadata, body });
    }
    return encoded;
  }

  /** Decodes to the present schema version. Blob references stay: whoever needs the text asks the blob store. */
  decode(stored: StoredEvent): Recorded {
    let data: unknown = JSON.parse(textOf(stored.body));
    const ladder = this.upcasters[stored.type] ?? [];
    for (let version = stored.schemaVersion; version <= ladder.length; version += 1)
      data = ladder[version - 1]!(data);
    return {
      event: { type: stored.type, data },
      id: stored.id,
      stream: stored.stream,
      version: stored.version,
      position: stored.position,
      recordedAt: stored.recordedAt,
      metadata: stored.metadata,
    };
  }

  async #externalise(ownerId: string, data: unknown, body: Buffer): Promise<Buffer> {
    let fitted: Buffer = body;
    for (const limit of LIMITS) {
      const contents: Buffer[] = [];
      const references: { $blob: { sha256: string; bytes: number; preview: string } }[] = [];
      const shortened = mapStrings(data, (text) => {
        if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return text;
        const content = Buffer.from(JSON.stringify(text));
        contents.push(content);
        const reference = {
          $blob: { sha256: '', bytes: Buffer.byteLength(text), preview: text.slice(0, PREVIEW_CHARACTERS) },
        };
        references.push(reference);
        return reference;
      });
      (await this.blobs.put(ownerId, contents)).forEach((hash, index) => {
        references[index]!.$blob.sha256 = hash;
      });
      fitted = Buffer.from(JSON.stringify(shortened));
      if (fitted.length <= MAX_EVENT_BYTES) break;
    }
    return fitted;
  }
}

const textOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('utf8');

/** Replaces every string value (not keys) below a value. */
function mapStrings(value: unknown, replace: (text: string) => unknown): unknown {
  if (typeof value === 'string') return replace(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => mapStrings(element, replace));
  return Object.fromEntries(
    Object.entries(value).map(([key, element]) => [key, mapStrings(element, replace)]),
  );
}
