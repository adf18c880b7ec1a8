import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import type { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore, StoredEvent } from '#libs/event-store/event-store.js';
import type { Decider } from '#libs/kernel/decider.js';
import type { DomainEvent } from '#libs/kernel/event.js';
import { Problem } from '#libs/kernel/problem.js';

/** A stream's folded state. */
export interface StreamState<State> {
  readonly state: State;
  /** 0: the stream is absent. */
  readonly version: number;
  /** Null while the stream is absent. */
  readonly ownerId: string | null;
}

/** Where states are kept for streams that are not in memory. */
export interface StateShelf {
  find(stream: string, decider: string): Promise<{ readonly version: number; readonly state: string } | null>;
  keep(stream: string, decider: string, version: number, state: string): Promise<void>;
}

/** States in the table `decider_states`. Losing them loses nothing: they are folded again. */
export class PostgresStateShelf implements StateShelf {
  constructor(private readonly database: Queryable) {}

  async find(stream: string, decider: string) {
    const [row] = await this.database.query<{ version: bigint; state: string }>(
      sql`SELECT version, state FROM decider_states WHERE stream = ${stream} AND decider = ${decider}`,
    );
    return row ? { version: Number(row.version), state: row.state } : null;
  }

  async keep(stream: string, decider: string, version: number, state: string): Promise<void> {
    await this.database.query(sql`
      INSERT INTO decider_states (stream, decider, version, state) VALUES (${stream}, ${decider}, ${version}, ${state})
      ON CONFLICT (stream, decider) DO UPDATE SET version = excluded.version, state = excluded.state
      WHERE decider_states.version < excluded.version`);
  }
}

const PAGE = 1_000;
/** A state goes to the shelf when this many events were folded since it last did. */
const SHELVE_AFTER = 500;

/**
 * The states of one kind of stream, kept in memory with their version and folded forward. A stream that is not in memory
 * starts from the shelf, so that a command costs the same at ten events and at a hundred thousand.
 */
export class StreamStates<State, Event extends DomainEvent> {
  readonly #cache = new Map<string, StreamState<State>>();
  readonly #shelved = new Map<string, number>();

  constructor(
    private readonly decider: Pick<Decider<State, never, Event>, 'initial' | 'evolve'>,
    /** Name and version of the state's shape: another name finds nothing on the shelf. */
    private readonly shape: string,
    private readonly store: EventStore,
    private readonly codec: EventCodec,
    private readonly shelf: StateShelf,
    private readonly capacity = 5_000,
  ) {}

  /** The state as of the log's end, as far as memory, the shelf and the log tell. */
  async load(stream: string): Promise<StreamState<State>> {
    return this.#cache.get(stream) ?? this.refresh(stream);
  }

  /** Folds what the log holds beyond what is in memory. */
  async refresh(stream: string): Promise<StreamState<State>> {
    let current = this.#cache.get(stream) ?? (await this.#fromShelf(stream));
    for (;;) {
      const page = await this.store.readStream(stream, { after: current.version, limit: PAGE });
      if (page.length === 0) break;
      const events = page.map((stored) => this.#eventOf(stored));
      current = this.#folded(current, events, page[0]!.metadata.ownerId);
      if (page.length < PAGE) break;
    }
    this.#remember(stream, current);
    return current;
  }

  /** @throws Problem EVENT_UNREADABLE: what comes after it cannot be decided without it. */
  #eventOf(stored: StoredEvent): Event {
    try {
      return this.codec.decode(stored).event as Event;
    } catch (cause) {
      const { id, stream, version, type } = stored;
      throw new Problem(
        'EVENT_UNREADABLE',
        `Event ${id} (${type}, version ${version} of ${stream}) cannot be read, so nothing more can be recorded there: ${(cause as Error).message}. Histories go on without it; "makima audit stream ${stream}" shows it as it is stored, and "makima audit verify" whether somebody changed it.`,
        { cause, context: { stream, version, eventId: id } },
      );
    }
  }

  /** The state after events that were just appended to it. */
  advance(
    stream: string,
    from: StreamState<State>,
    events: readonly Event[],
    ownerId: string,
  ): StreamState<State> {
    const next = this.#folded(from, events, ownerId);
    const cached = this.#cache.get(stream);
    if (!cached || cached.version < next.version) this.#remember(stream, next);
    return next;
  }

  #folded(from: StreamState<State>, events: readonly Event[], ownerId: string): StreamState<State> {
    let state = from.state;
    for (const event of events) state = this.decider.evolve(state, event);
    return { state, version: from.version + events.length, ownerId: from.ownerId ?? ownerId };
  }

  async #fromShelf(stream: string): Promise<StreamState<State>> {
    const kept = await this.shelf.find(stream, this.shape);
    if (!kept) return { state: this.decider.initial, version: 0, ownerId: null };
    this.#shelved.set(stream, kept.version);
    return { ...(JSON.parse(kept.state) as { state: State; ownerId: string }), version: kept.version };
  }

  #remember(stream: string, current: StreamState<State>): void {
    this.#cache.delete(stream);
    if (current.version === 0) return;
    this.#cache.set(stream, current);
    if (this.#cache.size > this.capacity) {
      const oldest = this.#cache.keys().next().value!;
      this.#cache.delete(oldest);
      this.#shelved.delete(oldest);
    }
    if (current.version - (this.#shelved.get(stream) ?? 0) >= SHELVE_AFTER) {
      this.#shelved.set(stream, current.version);
      const { state, ownerId, version } = current;
      // A state that is not kept costs time, never truth.
      void this.shelf
        .keep(stream, this.shape, version, JSON.stringify({ state, ownerId }))
        .catch(() => undefined);
    }
  }
}
