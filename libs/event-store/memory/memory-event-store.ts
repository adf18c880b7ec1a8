import { GENESIS, chainHash, contentDigest, metadataBytes, parseMetadata, sha256 } from '../event-hash.js';
import { checkAppend } from '../append-check.js';
import {
  EventIdConflict,
  EventStore,
  VersionConflict,
  type AppendResult,
  type ExpectedVersion,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type StoredEvent,
  type SubscribeOptions,
} from '../event-store.js';
import { CLOSED, Signal, pullSubscription } from '../pull-subscription.js';

/** Events in memory, shared by the stores that are opened on it. Position n is at index n - 1. */
export class MemoryLog {
  readonly events: StoredEvent[] = [];
  readonly streams = new Map<string, StoredEvent[]>();
  readonly appended = new Signal();
}

/** Subscriptions hear of every append, so this is only a safety net. */
const POLL_MS = 1_000;

/** The log in memory, for tests: nothing survives the process. Positions are gapless. */
export class MemoryEventStore extends EventStore {
  readonly #closing = new AbortController();

  constructor(private readonly log: MemoryLog = new MemoryLog()) {
    super();
  }

  override async append(
    stream: string,
    events: readonly NewEvent[],
    { expected }: { readonly expected: ExpectedVersion },
  ): Promise<AppendResult> {
    this.#assertOpen();
    const metadata = events.map((event) => metadataBytes(event.metadata));
    checkAppend(stream, events, metadata);
    const held = this.#find(stream, new Set(events.map(({ id }) => id)));
    if (held.length > 0) return repetition(stream, events, held);
    const stored = this.log.streams.get(stream) ?? [];
    if (expected !== 'any' && expected !== stored.length) {
      throw new VersionConflict(stream, expected, stored.length);
    }
    this.log.streams.set(stream, stored);
    const recordedAt = new Date(Math.max(Date.now(), this.log.events.at(-1)?.recordedAt.getTime() ?? 0));
    events.forEach((event, index) => {
      const link = linkTo(stored.at(-1), stream, event, metadata[index]!);
      const position = BigInt(this.log.events.length + 1);
      const next: StoredEvent = { ...event, ...link, stream, position, recordedAt };
      stored.push(next);
      this.log.events.push(next);
    });
    this.log.appended.notify();
    return { version: stored.length, position: BigInt(this.log.events.length), repeated: false };
  }

  override async readStream(
    stream: string,
    options: ReadStreamOptions = {},
  ): Promise<readonly StoredEvent[]> {
    this.#assertOpen();
    const { after = 0, upTo = Infinity, limit = Infinity } = options;
    return (this.log.streams.get(stream) ?? []).slice(after, Math.min(upTo, after + limit)).map(copyOf);
  }

  override async findEvents(stream: string, ids: readonly string[]): Promise<readonly StoredEvent[]> {
    this.#assertOpen();
    return this.#find(stream, new Set(ids)).map(copyOf);
  }

  override async readAll({ after, upTo, limit }: ReadAllOptions): Promise<readonly StoredEvent[]> {
    this.#assertOpen();
    const end = Math.min(Number(upTo ?? Infinity), Number(after) + limit);
    return this.log.events.slice(Number(after), end).map(copyOf);
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<readonly StoredEvent[]> {
    return pullSubscription(
      {
        readAll: (page) => this.readAll(page),
        wakeUp: this.log.appended,
        closing: this.#closing.signal,
        pollMs: POLL_MS,
      },
      options,
    );
  }

  override async head(): Promise<bigint> {
    this.#assertOpen();
    return BigInt(this.log.events.length);
  }

  override async positionAt(time: Date): Promise<bigint> {
    this.#assertOpen();
    return this.log.events.findLast(({ recordedAt }) => recordedAt <= time)?.position ?? 0n;
  }

  override async close(): Promise<void> {
    this.#closing.abort();
  }

  #find(stream: string, ids: ReadonlySet<string>): StoredEvent[] {
    return (this.log.streams.get(stream) ?? []).filter(({ id }) => ids.has(id));
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new Error(CLOSED);
  }
}

/** The stored events answer an append of the same events; anything else that shares an id with them is refused. */
function repetition(stream: string, events: readonly NewEvent[], held: readonly StoredEvent[]): AppendResult {
  const byId = new Map(held.map((stored) => [stored.id, stored]));
  for (const event of events) {
    const stored = byId.get(event.id);
    if (stored?.type !== event.type || Buffer.compare(stored.body, event.body) !== 0) {
      throw new EventIdConflict(stream, [...byId.keys()]);
    }
  }
  const last = held.at(-1)!;
  return { version: last.version, position: last.position, repeated: true };
}

function linkTo(
  previous: StoredEvent | undefined,
  stream: string,
  event: NewEvent,
  metadata: Buffer,
): Pick<StoredEvent, 'body' | 'metadata' | 'metadataBytes' | 'bodyHash' | 'version' | 'hash'> {
  const version = (previous?.version ?? 0) + 1;
  const bodyHash = sha256(event.body);
  const digest = contentDigest(stream, event, metadata, bodyHash);
  const hash = chainHash(previous?.hash ?? GENESIS, version, digest);
  const body = Buffer.from(event.body);
  return { body, metadata: parseMetadata(metadata), metadataBytes: metadata, bodyHash, version, hash };
}

/** A reader gets bytes of its own: what it does to them must not reach the log. */
const copyOf = (stored: StoredEvent): StoredEvent => ({ ...stored, body: Buffer.from(stored.body) });
