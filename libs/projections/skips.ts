import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import type { Projection } from './projection.js';

/** An event that an admin has told a version of a projection to pass over. Another version tries it again. */
export interface Skip {
  readonly projection: string;
  readonly eventId: string;
  readonly position: bigint;
}

/** What these versions of projections pass over, in order. */
export function skipsOf(connection: Queryable, projections: readonly Projection[]): Promise<readonly Skip[]> {
  return connection.query<Skip>(sql`
    SELECT s.projection, s.event_id AS "eventId", s.position FROM skipped_events s
    JOIN unnest(${projections.map(({ name }) => name)}::text[], ${projections.map(({ version }) => version)}::int[]) AS p(name, version)
      ON p.name = s.projection AND p.version = s.version
    ORDER BY s.position, s.projection`);
}

/** The ids of those that one projection passes over. */
export const skippedBy = ({ name }: Projection, skips: readonly Skip[]): ReadonlySet<string> =>
  new Set(skips.filter(({ projection }) => projection === name).map(({ eventId }) => eventId));
