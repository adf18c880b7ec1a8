import { randomUUID } from 'node:crypto';

/** An event as a client proposes it. */
export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** An event as the server keeps it. */
export interface RecordedEvent extends Proposed {
  readonly stream: string;
  /** 0 for the first event of the stream. */
  readonly revision: number;
  /** Byte offset in the log, as on a real server: it grows by no fixed step. */
  readonly position: bigint;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** What a client says that it expects of a stream: a revision, or one of the special states. */
export type Expected = number | 'any' | 'no-stream' | 'stream-exists';

export type AppendOutcome =
  | { readonly kind: 'written'; readonly revision: number; readonly position: bigint }
  | { readonly kind: 'wrong-version'; readonly current: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too-large' };

interface Stream {
  readonly events: RecordedEvent[];
  tombstoned: boolean;
  /** Events below this revision are not shown; above the last revision: softly deleted. */
  truncateBefore: number;
}

export interface RecordedLogOptions {
  /** Bytes that one append may have (the real server's default is 1 MiB). */
  readonly maxAppendBytes?: number;
  /** Writes a statistics event of the server's own after every so many events, as a real server does from time to time. */
  readonly statisticsEvery?: number;
}

const NO_STREAM = -1;
const ONE_MEBIBYTE = 1024 * 1024;
const NOTHING = new Uint8Array();

/** Room that a record takes on disk besides data and metadata; any number does. */
const RECORD_BYTES = 113;

/**
 * The storage of the small server: events in commit order and per stream, with the rules of EventStoreDB 24.10 for
 * expected revisions, idempotent appends (by event id only, bodies are not compared), soft deletion and tombstones.
 */
export class RecordedLog {
  readonly #all: RecordedEvent[] = [];
  readonly #streams = new Map<string, Stream>();
  readonly #listeners = new Set<() => void>();
  #end = 0n;

  constructor(private readonly options: RecordedLogOptions = {}) {
    this.#write('$settings', [systemEvent('$settings', '{}')]);
    this.#write('$users', [systemEvent('$UserCreated', '"$admin"')]);
  }

  /** All events in commit order. */
  get all(): readonly RecordedEvent[] {
    return this.#all;
  }

  /** The stream's events that are not deleted or truncated; undefined when there never were any. */
  visible(name: string): readonly RecordedEvent[] | undefined {
    const stream = this.#streams.get(name);
    return stream?.events.filter(({ revision }) => revision >= stream.truncateBefore);
  }

  isTombstoned(name: string): boolean {
    return this.#streams.get(name)?.tombstoned ?? false;
  }

  /** Index of the first event at (or, exclusively, after) a position. */
  indexOf(position: bigint, exclusive = false): number {
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#all[middle]!.position;
      if (at < position || (exclusive && at === position)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  append(name: string, expected: Expected, proposed: readonly Proposed[]): AppendOutcome {
    if (
      proposed.reduce((sum, event) => sum + sizeOf(event), 0) > (this.options.maxAppendBytes ?? ONE_MEBIBYTE)
    ) {
      return { kind: 'too-large' };
    }
    if (this.isTombstoned(name)) return { kind: 'deleted' };
    const repeated = this.#repeated(name, expected, proposed);
    if (repeated) return { kind: 'written', revision: repeated.revision, position: repeated.position };
    if (!this.#meets(name, expected)) return { kind: 'wrong-version', current: this.#lastRevision(name) };
    this.#restore(name);
    const { revision, position } = this.#write(name, proposed);
    this.#statistics();
    this.#notify();
    return { kind: 'written', revision, position };
  }

  /** Deletes softly: the events are no longer shown, and an append goes on with the next revision. */
  delete(name: string, expected: Expected): AppendOutcome {
    return this.#remove(name, expected, () => this.#truncate(name, Number.MAX_SAFE_INTEGER));
  }

  /** Deletes for ever: reads and appends answer that the stream is deleted. */
  tombstone(name: string, expected: Expected): AppendOutcome {
    return this.#remove(name, expected, () => {
      const written = this.#write(name, [systemEvent('$streamDeleted', '')]);
      this.#streams.get(name)!.tombstoned = true;
      return written;
    });
  }

  /** Calls back after every append; answers how to stop that. */
  onAppended(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #remove(name: string, expected: Expected, write: () => RecordedEvent): AppendOutcome {
    if (this.isTombstoned(name)) return { kind: 'deleted' };
    if (!this.#meets(name, expected)) return { kind: 'wrong-version', current: this.#lastRevision(name) };
    const { revision, position } = write();
    this.#notify();
    return { kind: 'written', revision, position };
  }

  #lastRevision(name: string): number {
    return (this.#streams.get(name)?.events.length ?? 0) - 1;
  }

  #meets(name: string, expected: Expected): boolean {
    if (typeof expected === 'number') return this.#lastRevision(name) === expected;
    if (expected === 'any') return true;
    const isEmpty = (this.visible(name) ?? []).length === 0;
    return isEmpty === (expected === 'no-stream');
  }

  /** The last of the events with the proposed ids, when they stand where they would have been written. */
  #repeated(name: string, expected: Expected, proposed: readonly Proposed[]): RecordedEvent | undefined {
    const events = this.#streams.get(name)?.events ?? [];
    const first = this.#firstIndex(events, expected, proposed);
    const isThere = first >= 0 && proposed.every((event, index) => events[first + index]?.id === event.id);
    return isThere ? events[first + proposed.length - 1] : undefined;
  }

  #firstIndex(events: readonly RecordedEvent[], expected: Expected, proposed: readonly Proposed[]): number {
    if (proposed.length === 0) return -1;
    if (typeof expected === 'number') return expected + 1;
    if (expected === 'no-stream') return NO_STREAM + 1;
    return events.findIndex(({ id }) => id === proposed[0]!.id);
  }

  /** An append to a softly deleted stream brings it back without its old events. */
  #restore(name: string): void {
    const stream = this.#streams.get(name);
    if (stream && stream.truncateBefore > stream.events.length) this.#truncate(name, stream.events.length);
  }

  #truncate(name: string, before: number): RecordedEvent {
    const metadata = systemEvent('$metadata', JSON.stringify({ $tb: before }));
    return this.#write(`$$${name}`, [metadata]);
  }

  #write(name: string, proposed: readonly Proposed[]): RecordedEvent {
    const stream = this.#stream(name);
    for (const event of proposed) {
      this.#end += BigInt(RECORD_BYTES + sizeOf(event));
      const created = Math.max(Date.now(), this.#all.at(-1)?.created ?? 0);
      const revision = stream.events.length;
      const recorded = { ...event, stream: name, revision, position: this.#end, created };
      stream.events.push(recorded);
      this.#all.push(recorded);
      if (event.type === '$metadata' && name.startsWith('$$')) this.#applyMetadata(name.slice(2), event.data);
    }
    return this.#all.at(-1)!;
  }

  #applyMetadata(name: string, data: Uint8Array): void {
    const settings = JSON.parse(Buffer.from(data).toString('utf8')) as { readonly $tb?: number };
    this.#stream(name).truncateBefore = settings.$tb ?? 0;
  }

  #statistics(): void {
    const { statisticsEvery } = this.options;
    if (!statisticsEvery || this.#all.length % statisticsEvery !== 0) return;
    this.#write('$stats-127.0.0.1:2113', [systemEvent('$statsCollected', '{"proc-cpu":1}')]);
  }

  #stream(name: string): Stream {
    const stream = this.#streams.get(name) ?? { events: [], tombstoned: false, truncateBefore: 0 };
    this.#streams.set(name, stream);
    return stream;
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function systemEvent(type: string, data: string): Proposed {
  return {
    id: randomUUID(),
    type,
    contentType: 'application/json',
    data: Buffer.from(data),
    metadata: NOTHING,
  };
}

const sizeOf = ({ type, data, metadata }: Proposed): number =>
  data.length + metadata.length + 2 * type.length;
