import type { Database, Queryable } from '#libs/database/database.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { invalidField, Problem } from '#libs/http/problem.js';
import type { ProjectionRunner } from './runner.js';

/** What a query needs to know of the request: whose data, how fresh, and as of when. */
export type ReadContext = Pick<RequestContext, 'caller' | 'minPosition' | 'asOf'>;

const WAIT_MS = 5_000;

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
    return this.database.asOwner(context.caller.ownerId, (connection) => query(connection, at));
  }

  /** A position that the log has not reached is no answer's: waiting for it would never end. */
  async #reach(position: bigint): Promise<void> {
    if ((await this.runner.lowest()) >= position) return;
    if (position > (await this.store.head()))
      throw invalidField('minPosition', 'must be a position that an answer gave');
    await this.catchUp(position);
  }

  /** Waits until everything people read reflects a position. */
  async catchUp(position: bigint): Promise<void> {
    if (await this.runner.caughtUp(position, WAIT_MS)) return;
    throw new Problem(
      'READ_MODEL_BEHIND',
      `The read models have not reached position ${position} yet. Try again shortly.`,
      {
        headers: { 'Retry-After': '1' },
      },
    );
  }

  /** Waits until everything that the log holds now can be read. */
  async catchUpWithLog(): Promise<void> {
    await this.catchUp(await this.store.head());
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
