import type { Queryable } from '#libs/database/database.js';
import { nothing, sql, type Sql } from '#libs/database/sql.js';
import { GENESIS } from '../event-hash.js';
import type { SearchOptions, SearchPage, StreamTail } from '../event-store.js';
import { matches } from '../log-search.js';
import { EVENT_COLUMNS, toStoredEvent, type EventRow } from './event-row.js';

/** Positions that one call looks at: about 0.1 s where nothing matches. */
const WINDOW = 200_000n;

/**
 * Rows whose metadata names the actor. Metadata is bytes that begin with the actor (see metadataBytes), so this is a
 * search for bytes; what it finds too much, `matches` leaves out.
 */
function byActor(actor: string | undefined): Sql {
  if (actor === undefined) return nothing;
  const at = actor.indexOf(':');
  const [kind, id] = at < 0 ? [actor, actor] : [actor.slice(0, at), actor.slice(at + 1)];
  const text = JSON.stringify;
  const needles = [
    `"id":${text(actor)}`,
    `{"kind":${text(actor)},`,
    `{"kind":${text(kind)},"id":${text(id)}}`,
  ].map((needle) => Buffer.from(needle));
  return sql`AND (position(${needles[0]}::bytea IN e.metadata) > 0 OR position(${needles[1]}::bytea IN e.metadata) > 0
    OR position(${needles[2]}::bytea IN e.metadata) > 0)`;
}

/** Searches at most WINDOW positions, by the primary key in the direction that was asked for. */
export async function searchEvents(db: Queryable, options: SearchOptions): Promise<SearchPage> {
  const { after, upTo, order, limit, ownerId, types, actor } = options;
  const oldest = order === 'oldest';
  const all = upTo - after <= WINDOW;
  const from = all || oldest ? after : upTo - WINDOW;
  const to = all || !oldest ? upTo : after + WINDOW;
  const rows = await db.query<EventRow & { previous_hash: Buffer | null }>(sql`
    SELECT ${EVENT_COLUMNS}, CASE WHEN e.version = 1 THEN ${GENESIS}::bytea ELSE p.hash END AS previous_hash
    FROM events e JOIN streams s ON s.id = e.stream_id
      LEFT JOIN events p ON p.stream_id = e.stream_id AND p.version = e.version - 1
    WHERE e.position > ${from} AND e.position <= ${to} AND e.owner_id = ${ownerId}
      ${types ? sql`AND e.type = ANY (${types}::text[])` : nothing} ${byActor(actor)}
    ORDER BY e.position ${oldest ? sql`ASC` : sql`DESC`} LIMIT ${limit}`);
  const events = rows
    .map((row) => ({ ...toStoredEvent(row), previousHash: row.previous_hash }))
    .filter((event) => matches(event, options));
  const last = rows.length === limit ? rows.at(-1)!.position : null;
  const rest = oldest ? { after: last ?? to, upTo } : { after, upTo: last === null ? from : last - 1n };
  return { events, rest: rest.after < rest.upTo ? rest : null };
}

/** Streams as the table `streams` has them, which an append changes together with `events`. */
export async function tailsOf(
  db: Queryable,
  ownerId: string,
  stream?: string,
): Promise<readonly StreamTail[]> {
  const rows = await db.query<{ name: string; version: bigint; hash: Buffer }>(sql`
    SELECT name, version, hash FROM streams WHERE owner_id = ${ownerId} ${stream === undefined ? nothing : sql`AND name = ${stream}`}`);
  return rows.map(({ name, version, hash }) => ({ stream: name, version: Number(version), hash }));
}
