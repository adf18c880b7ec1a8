import type { Queryable } from '#libs/database/database.js';
import { nothing, sql } from '#libs/database/sql.js';
import { heldAt } from '#libs/projections/held-at.js';
import type { ContractResponse } from './contract.dto.js';
import { contractFrom, type ContractRow } from './contract.view.js';

/** A contract, as it stands or stood; null if the owner has none of this id. */
export async function contractOf(
  db: Queryable,
  contractId: string,
  at: bigint | null = null,
): Promise<ContractResponse | null> {
  const [row] = await db.query<ContractRow>(
    sql`SELECT c.* FROM contract_states c WHERE c.contract_id = ${contractId} AND ${heldAt('c', at)}`,
  );
  return row ? contractFrom(row) : null;
}

export interface ContractFilters {
  readonly status?: string | undefined;
  readonly limit?: number | undefined;
  readonly after?: readonly [createdAt: string, id: string] | undefined;
}

/** The owner's contracts, newest first. */
export async function contractsBy(
  db: Queryable,
  { status, limit, after }: ContractFilters,
): Promise<readonly ContractResponse[]> {
  const rows = await db.query<ContractRow>(sql`
    SELECT c.* FROM contract_states c WHERE c.to_position IS NULL
      ${status ? sql`AND c.status = ${status}` : nothing}
      ${after ? sql`AND (c.created_at, c.contract_id) < (${after[0]}, ${after[1]})` : nothing}
    ORDER BY c.created_at DESC, c.contract_id DESC LIMIT ${limit ?? null}`);
  return rows.map(contractFrom);
}
