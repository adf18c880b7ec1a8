import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import type { KeyRow, OwnerRow } from './access.queries.js';

export type NewKeyRow = Omit<KeyRow, 'revoked_at' | 'last_used_at'>;

/** Writes a key. False if its id stands there already. */
export async function insertKey(db: Queryable, key: NewKeyRow): Promise<boolean> {
  const rows = await db.query(sql`
    INSERT INTO access_keys (id, owner_id, kind, scopes, contract_id, name, secret_hash, created_at, expires_at)
    VALUES (${key.id}, ${key.owner_id}, ${key.kind}, ${key.scopes}, ${key.contract_id}, ${key.name}, ${key.secret_hash},
            ${key.created_at}, ${key.expires_at})
    ON CONFLICT (id) DO NOTHING RETURNING id`);
  return rows.length > 0;
}

/** Makes a key useless; a revoked one keeps its first time. */
export async function revokeKey(db: Queryable, id: string, at: Date): Promise<void> {
  await db.query(sql`UPDATE access_keys SET revoked_at = coalesce(revoked_at, ${at}) WHERE id = ${id}`);
}

/** Notes that a key was used, unless that was noted within the last minute. */
export async function touchKey(db: Queryable, id: string, at: Date): Promise<void> {
  const before = new Date(at.getTime() - 60_000);
  await db.query(sql`
    UPDATE access_keys SET last_used_at = ${at} WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= ${before})`);
}

/** Writes an owner. False if the id or the name is taken. */
export async function insertOwner(db: Queryable, owner: OwnerRow): Promise<boolean> {
  const rows = await db.query(sql`
    INSERT INTO owners (id, name, created_at) VALUES (${owner.id}, ${owner.name}, ${owner.created_at})
    ON CONFLICT DO NOTHING RETURNING id`);
  return rows.length > 0;
}
