import type { Queryable } from '#libs/database/database.js';
import { nothing, sql } from '#libs/database/sql.js';
import { unescapeText } from '#libs/database/text-escape.js';
import type { ContractStatus, Phase } from './contract.events.js';

/** A contract as the API shows it. */
export interface ContractView {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly phase: Phase;
  readonly status: ContractStatus;
  readonly supervisorTaskId: string | null;
  readonly repository: string | null;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A row of contract_states. */
export interface ContractRow {
  contract_id: string;
  name: string;
  description: string;
  phase: Phase;
  status: ContractStatus;
  supervisor_task_id: string | null;
  repository: string | null;
  version: bigint;
  created_at: Date;
  updated_at: Date;
}

const heldAt = (at: bigint | null) =>
  at === null
    ? sql`c.to_position IS NULL`
    : sql`c.from_position <= ${at} AND (c.to_position IS NULL OR c.to_position > ${at})`;

/** A contract, as it stands or stood; null if the owner has none of this id. */
export async function contractOf(
  db: Queryable,
  contractId: string,
  at: bigint | null = null,
): Promise<ContractView | null> {
  const [row] = await db.query<ContractRow>(
    sql`SELECT c.* FROM contract_states c WHERE c.contract_id = ${contractId} AND ${heldAt(at)}`,
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
): Promise<readonly ContractView[]> {
  const rows = await db.query<ContractRow>(sql`
    SELECT c.* FROM contract_states c WHERE c.to_position IS NULL
      ${status ? sql`AND c.status = ${status}` : nothing}
      ${after ? sql`AND (c.created_at, c.contract_id) < (${after[0]}, ${after[1]})` : nothing}
    ORDER BY c.created_at DESC, c.contract_id DESC LIMIT ${limit ?? null}`);
  return rows.map(contractFrom);
}

export const contractFrom = (row: ContractRow): ContractView => ({
  id: row.contract_id,
  name: unescapeText(row.name),
  description: unescapeText(row.description),
  phase: row.phase,
  status: row.status,
  supervisorTaskId: row.supervisor_task_id,
  repository: row.repository === null ? null : unescapeText(row.repository),
  version: Number(row.version),
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});
