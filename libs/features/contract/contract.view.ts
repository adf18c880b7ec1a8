import { unescapeText } from '#libs/database/text-escape.js';
import type { ContractResponse } from './contract.dto.js';
import type { ContractStatus, Phase } from './contract.events.js';

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

/** A contract as its row says. */
export const contractFrom = (row: ContractRow): ContractResponse => ({
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
