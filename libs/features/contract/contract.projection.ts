import type { Row } from '#libs/database/database.js';
import type { Recorded } from '#libs/kernel/event.js';
import { columnText } from '#libs/projections/column-text.js';
import { currentStates } from '#libs/projections/current-states.js';
import { projection } from '#libs/projections/projection.js';
import { supersede, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { ContractEvent } from './contract.events.js';

/** A contract as it stood from one position to another. */
const contractStates: Table = {
  name: 'contract_states',
  columns: {
    contract_id: 'uuid',
    from_position: 'int8',
    to_position: 'int8?',
    owner_id: 'uuid',
    name: 'text',
    description: 'text',
    phase: 'text',
    status: 'text',
    supervisor_task_id: 'uuid?',
    repository: 'text?',
    version: 'int8',
    created_at: 'timestamptz',
    updated_at: 'timestamptz',
  },
  key: ['contract_id', 'from_position'],
  indexes: ['(contract_id) WHERE to_position IS NULL', '(owner_id, created_at) WHERE to_position IS NULL'],
};

export const contractProjection = projection<Map<string, Row>>({
  name: 'contract',
  version: 1,
  tables: [contractStates],
  views: {
    contract_states: 'SELECT * FROM {schema}.contract_states',
    contracts: `SELECT contract_id AS id, owner_id, name, description, phase, status, supervisor_task_id, repository,
      version, created_at, updated_at FROM {schema}.contract_states WHERE to_position IS NULL`,
  },
  handles: ['ContractCreated', 'ContractPhaseChanged', 'ContractStatusChanged', 'ContractSupervisorSet'],
  load: (connection, schema, batch) =>
    currentStates(connection, schema, contractStates, batch.map(contractIdOf)),
  project(batch, states) {
    return (batch as readonly Recorded<ContractEvent>[]).flatMap((recorded): RowOperation[] => {
      const id = contractIdOf(recorded);
      const row = next(states.get(id), recorded);
      if (!row) return [];
      states.set(id, row);
      return [supersede(contractStates, { contract_id: id }, row, recorded.position)];
    });
  },
});

const contractIdOf = ({ stream }: Recorded): string => stream.slice('contract-'.length);

function next(row: Row | undefined, { event, metadata, version }: Recorded<ContractEvent>): Row | null {
  const at = { version, updated_at: metadata.occurredAt };
  if (event.type === 'ContractCreated') {
    const { name, description, phase, repository } = event.data;
    return {
      owner_id: metadata.ownerId,
      name: columnText(name),
      description: columnText(description),
      phase,
      status: 'active',
      supervisor_task_id: null,
      repository: repository === null ? null : columnText(repository),
      created_at: metadata.occurredAt,
      ...at,
    };
  }
  if (!row) return null;
  switch (event.type) {
    case 'ContractPhaseChanged':
      return { ...row, phase: event.data.newPhase, ...at };
    case 'ContractStatusChanged':
      return { ...row, status: event.data.newStatus, ...at };
    case 'ContractSupervisorSet':
      return { ...row, supervisor_task_id: event.data.taskId, ...at };
  }
}
