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
