import type { Queryable } from '#libs/database/database.js';
import { nothing, sql } from '#libs/database/sql.js';
import type { CallerKind } from '#libs/kernel/caller.js';

/** A row of `access_keys`. */
export interface KeyRow {
  readonly id: string;
  readonly owner_id: string;
  readonly kind: CallerKind;
  readonly scopes: readonly string[];
  readonly contract_id: string | null;
  readonly name: string;
  readonly secret_hash: Buffer;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
}

/** A row of `owners`. */
export interface OwnerRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: Date;
}

const COLUMNS = sql`id, owner_id, kind, scopes, contract_id, name, secret_hash, created_at, expires_at, revoked_at, last_used_at`;

/** A key, whosever it is; null if there is none. Needs a connection that sees all owners. */
export async function keyOf(db: Queryable, id: string): Promise<KeyRow | null> {
  const [row] = await db.query<KeyRow>(sql`SELECT ${COLUMNS} FROM access_keys WHERE id = ${id}`);
  return row ?? null;
}

/** Where a page of keys ended. */
export type KeyPlace = readonly [createdAt: string, id: string];

/** An owner's keys, newest first, revoked ones too. `before` (exclusive): the place where the former page ended. */
export const keysBy = (
  db: Queryable,
  ownerId: string,
  { limit, before }: { readonly limit: number; readonly before?: KeyPlace | undefined },
): Promise<readonly KeyRow[]> =>
  db.query<KeyRow>(sql`
    SELECT ${COLUMNS} FROM access_keys WHERE owner_id = ${ownerId}
      ${before ? sql`AND (created_at, id) < (${before[0]}::timestamptz, ${before[1]})` : nothing}
    ORDER BY created_at DESC, id DESC LIMIT ${limit}`);

/** How many usable keys of admins with `all-owners` there are besides one. */
export async function otherAdminKeys(db: Queryable, id: string, now: Date): Promise<number> {
  const [row] = await db.query<{ count: bigint }>(sql`
    SELECT count(*) FROM access_keys
    WHERE kind = 'admin' AND 'all-owners' = ANY (scopes) AND id <> ${id} AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > ${now})`);
  return Number(row!.count);
}

export async function ownerOf(db: Queryable, id: string): Promise<OwnerRow | null> {
  const [row] = await db.query<OwnerRow>(sql`SELECT id, name, created_at FROM owners WHERE id = ${id}`);
  return row ?? null;
}

export async function ownerNamed(db: Queryable, name: string): Promise<OwnerRow | null> {
  const [row] = await db.query<OwnerRow>(sql`SELECT id, name, created_at FROM owners WHERE name = ${name}`);
  return row ?? null;
}

/** Owners by name. `after` (exclusive): the name where the former page ended. */
export const ownersBy = (
  db: Queryable,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Promise<readonly OwnerRow[]> =>
  db.query<OwnerRow>(sql`
    SELECT id, name, created_at FROM owners ${after === undefined ? nothing : sql`WHERE name > ${after}`}
    ORDER BY name LIMIT ${limit}`);
