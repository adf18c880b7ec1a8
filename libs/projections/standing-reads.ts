import { sqlState, type Queryable } from '#libs/database/database.js';
import type { Sql } from '#libs/database/sql.js';
import { Problem, saysAbsent } from '#libs/kernel/problem.js';
import type { Standstill } from './instances.js';

/** What an answer must know. */
export interface Needed {
  /** The log up to here (inclusive). */
  readonly minPosition: bigint;
  /** Whether it is about how things stood at that position, and nothing later. */
  readonly isPast: boolean;
  /** The log's end. */
  readonly head: () => Promise<bigint>;
}

const UNDEFINED_COLUMN = '42703';
const UNDEFINED_TABLE = '42P01';

/**
 * Runs a query while some read models stand still. Which of them it reads shows in its statements; what it cannot know
 * for that reason is said instead of an old answer, or of "there is no such thing".
 * @throws Problem PROJECTION_STOPPED, PROJECTION_BUILDING
 */
export async function readStanding<T>(
  connection: Queryable,
  standing: readonly Standstill[],
  needed: Needed,
  query: (connection: Queryable) => Promise<T>,
): Promise<T> {
  const read = new Set<Standstill>();
  const watched: Queryable = {
    async query<R extends object>(statement: Sql): Promise<readonly R[]> {
      const those = standing.filter((one) => viewsOf(one).test(statement.text));
      for (const one of those) {
        if (needed.minPosition > one.position) throw standsStill(one);
        read.add(one);
      }
      // The tables of a former version may lack what this version asks for.
      return connection.query<R>(statement).catch((error: unknown) => {
        const former = those.find(({ failure }) => !failure);
        const lacks = [UNDEFINED_COLUMN, UNDEFINED_TABLE].includes(sqlState(error) ?? '');
        throw former && lacks ? standsStill(former) : error;
      });
    },
  };
  try {
    return await query(watched);
  } catch (error) {
    if (!(error instanceof Problem) || !saysAbsent(error.code) || needed.isPast) throw error;
    const head = await needed.head();
    const [unsure] = [...read].filter(({ position }) => position < head);
    throw unsure ? standsStill(unsure) : error;
  }
}

const viewsOf = ({ projection }: Standstill): RegExp =>
  new RegExp(`\\b(?:FROM|JOIN)\\s+(?:${Object.keys(projection.views).join('|')})\\b`);

/** Says which read model stands still, where, why, and who can do something about it. */
export function standsStill({ projection: { name }, position, failure }: Standstill): Problem {
  const context = { projection: name, position: position.toString() };
  if (!failure) {
    return new Problem(
      'PROJECTION_BUILDING',
      `The read model ${name} is being built anew for this version of makima. Until then it shows the log up to position ${position}, which is not enough for an answer. Try again later.`,
      { context, retryAfter: 5 },
    );
  }
  return new Problem(
    'PROJECTION_STOPPED',
    `The read model ${name} has stopped at an event. It shows the log up to position ${position}, which is not enough for an answer. An admin sees why with "makima admin projections" and lets it go on with "makima admin retry ${name}" or "makima admin skip ${name}".`,
    { context },
  );
}
