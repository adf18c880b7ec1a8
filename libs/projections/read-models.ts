import { sqlState, type Database, type Queryable, type Row } from '#libs/database/database.js';
import type { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { Caller } from '#libs/kernel/caller.js';
import type { AsOf } from '#libs/kernel/position.js';
import { invalidField, Problem } from '#libs/kernel/problem.js';
import type { Projection } from './projection.js';
import type { ProjectionRunner } from './runner.js';
import { readStanding, standsStill } from './standing-reads.js';
import { rowOfStream } from './stream-row.js';

/** Whose data a query is about, how fresh its answer must be, and as of when. */
export interface ReadContext {
  readonly caller: Caller;
  /** The answer must know the log up to here (inclusive). */
  readonly minPosition?: bigint;
  /** Absent: now. */
  readonly asOf?: AsOf;
}

const DEADLOCK = '40P01';
const WAIT_MS = 5_000;
const SETTLE_MS = 2_000;

/** Reads of read models: one owner's rows only, fresh enough, now or as things stood. */
export class ReadModels {
  constructor(
    /** Works under a role that row-level security applies to. */
    private readonly database: Database,
    private readonly runner: ProjectionRunner,
    private readonly store: EventStore,
    private readonly codec: EventCodec,
  ) {}

  /**
   * Runs a query with a connection that sees the caller's owner's rows only. `at` is the position that `asOf` stands
   * for (inclusive), null for now.
   * @throws Problem READ_MODEL_BEHIND when `minPosition` is not reached within 5 s, VALIDATION_FAILED when it or `asOf` lies beyond the log;
   * PROJECTION_STOPPED or PROJECTION_BUILDING where the answer lies beyond what a read model shows that stands still.
   */
  async read<T>(
    context: ReadContext,
    query: (connection: Queryable, at: bigint | null) => Promise<T>,
  ): Promise<T> {
    if (context.minPosition !== undefined) await this.#reach(context.minPosition);
    const at = await this.#positionOf(context);
    const asked = (connection: Queryable): Promise<T> => query(connection, at);
    const { standing } = this.runner;
    const needed = {
      minPosition: context.minPosition ?? at ?? 0n,
      isPast: at !== null,
      head: () => this.store.head(),
    };
    const read = (): Promise<T> =>
      this.database.asOwner(context.caller.ownerId, (connection) =>
        standing.length === 0 ? asked(connection) : readStanding(connection, standing, needed, asked),
      );
    // While a rebuilt projection takes its place, a reader may be the one that a deadlock is resolved against.
    return read().catch((error: unknown) =>
      sqlState(error) === DEADLOCK ? read() : Promise.reject(error as Error),
    );
  }

  /** A position that the log has not reached is no answer's: waiting for it would never end. */
  async #reach(position: bigint): Promise<void> {
    if ((await this.runner.lowest()) >= position) return;
    if (position > (await this.store.head()))
      throw invalidField('minPosition', 'must be a position that an answer gave');
    await this.catchUp(position);
  }

  /**
   * Waits until what people read reflects a position: everything that goes on, or the projections named.
   * @throws Problem READ_MODEL_BEHIND; PROJECTION_STOPPED or PROJECTION_BUILDING when one that is named stands still.
   */
  async catchUp(position: bigint, names?: readonly string[]): Promise<void> {
    if (await this.runner.caughtUp(position, WAIT_MS, names)) return;
    const standing = this.runner.standing.find(({ projection }) => names?.includes(projection.name));
    if (standing) throw standsStill(standing);
    throw new Problem(
      'READ_MODEL_BEHIND',
      `The read models have not reached position ${position} yet. Try again shortly.`,
      { retryAfter: 1 },
    );
  }

  /**
   * Waits until what was just written can be read.
   * @param names the projections that show it
   * @param written ids of what was written, for an answer that cannot show it
   * @throws Problem as catchUp does; it says that it is written.
   */
  async catchUpWritten(
    position: bigint,
    names: readonly string[],
    written: Readonly<Record<string, string>>,
  ): Promise<void> {
    if (position === 0n) return;
    try {
      await this.catchUp(position);
      await this.catchUp(position, names);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { code, detail, options } = error;
      const context = { ...options.context, written: { ...written, position: position.toString() } };
      throw new Problem(code, `It is recorded: do not send it again. ${detail}`, { ...options, context });
    }
  }

  /** Waits until everything that the log holds now can be read, of these projections or of all that go on. */
  async catchUpWithLog(names?: readonly string[]): Promise<void> {
    await this.catchUp(await this.store.head(), names);
  }

  /** Gives read models a moment to reflect what was just written. It is written, so this never fails. */
  async settle(position: bigint): Promise<void> {
    await this.runner.caughtUp(position, SETTLE_MS);
  }

  /**
   * What was just written, as a read model shows it; as the log says when that stands still or takes long. It is written,
   * so an answer about it must not depend on read models.
   */
  async afterwards<T>(
    position: bigint,
    { name }: Projection,
    read: { readonly shown: () => Promise<T>; readonly logged: () => Promise<T> },
  ): Promise<T> {
    await this.settle(position);
    const stands = this.runner.standing.some(({ projection }) => projection.name === name);
    const shows = !stands && (await this.runner.lowest([name])) >= position;
    return shows ? read.shown() : read.logged();
  }

  /** A thing's row, as its projection makes it from the thing's stream alone. It costs the reading of that stream. */
  rowInLog<R extends object = Row>(projection: Projection, stream: string): Promise<R | null> {
    return rowOfStream<R>(this.store, this.codec, projection, stream);
  }

  /** The position that everything which goes on reflects, and what is named even if it stands still. */
  position(names: readonly string[]): Promise<bigint> {
    return this.runner.reflected(names);
  }

  /** The same now and whenever it moves, until the signal aborts. */
  positions(signal: AbortSignal, names: readonly string[]): AsyncIterable<bigint> {
    return this.runner.positions(signal, names);
  }

  async #positionOf({ asOf }: ReadContext): Promise<bigint | null> {
    if (!asOf) return null;
    if (!('position' in asOf)) return this.store.positionAt(asOf.time);
    if (asOf.position > (await this.runner.lowest()) && asOf.position > (await this.store.head()))
      throw invalidField('asOf', 'must be a position that an answer gave, or a time');
    return asOf.position;
  }
}
