import { sqlState, type Database, type Queryable } from '#libs/database/database.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { invalidField, Problem } from '#libs/http/problem.js';
import type { ProjectionRunner } from './runner.js';

/** What a query needs to know of the request: whose data, how fresh, and as of when. */
export type ReadContext = Pick<RequestContext, 'caller' | 'minPosition' | 'asOf'>;

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
  ) {}

  /**
   * Runs a query with a connection that sees the caller's owner's rows only. `at` is the position that `asOf` stands
   * for (inclusive), null for now.
   * @throws Problem READ_MODEL_BEHIND when `minPosition` is not reached within 5 s, VALIDATION_FAILED when it cannot be.
   */
  async read<T>(
    context: ReadContext,
    query: (connection: Queryable, at: bigint | null) => Promise<T>,
  ): Promise<T> {
    if (context.minPosition !== undefined) await this.#reach(context.minPosition);
    const at = await this.#positionOf(context);
    const read = (): Promise<T> =>
      this.database.asOwner(context.caller.ownerId, (connection) => query(connection, at));
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
   * Waits until what people read reflects a position: everything that serves, or the projections named, of which none
   * may have stopped.
   * @throws Problem READ_MODEL_BEHIND, PROJECTION_STOPPED
   */
  async catchUp(position: bigint, names?: readonly string[]): Promise<void> {
    if (await this.runner.caughtUp(position, WAIT_MS, names)) return;
    const stopped = names?.find((name) => this.runner.hasStopped(name));
    if (stopped) {
      throw new Problem(
        'PROJECTION_STOPPED',
        `The read model ${stopped} has stopped at an event, so what you refer to cannot be looked up. An admin must see to it.`,
      );
    }
    throw new Problem(
      'READ_MODEL_BEHIND',
      `The read models have not reached position ${position} yet. Try again shortly.`,
      { headers: { 'Retry-After': '1' } },
    );
  }

  /** Waits until everything that the log holds now can be read, of these projections or of all. */
  async catchUpWithLog(names?: readonly string[]): Promise<void> {
    await this.catchUp(await this.store.head(), names);
  }

  /** Gives read models a moment to reflect what was just written. It is written, so this never fails. */
  async settle(position: bigint): Promise<void> {
    await this.runner.caughtUp(position, SETTLE_MS);
  }

  /** The position that everything people read reflects. */
  position(): Promise<bigint> {
    return this.runner.lowest();
  }

  /** The position that everything people read reflects, now and whenever it moves, until the signal aborts. */
  positions(signal: AbortSignal): AsyncIterable<bigint> {
    return this.runner.positions(signal);
  }

  async #positionOf({ asOf }: ReadContext): Promise<bigint | null> {
    if (!asOf) return null;
    return 'position' in asOf ? asOf.position : this.store.positionAt(asOf.time);
  }
}
