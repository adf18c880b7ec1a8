import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable, Row } from '#libs/database/database.js';
import { identifier, sql } from '#libs/database/sql.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import type { Recorded } from '#libs/kernel/event.js';
import { columnJson } from '#libs/projections/column-text.js';
import { projection } from '#libs/projections/projection.js';
import { insert, upsert, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import { entriesOf, type TimelineEvent } from './entries.js';
import { amendedTexts, textsOf } from './entry-texts.js';
import { signatureOf } from './text-signature.js';

/** What people see in a timeline, one row an entry. A message's text stays where it is; `seq` points to it. */
const entries: Table = {
  name: 'entries',
  columns: {
    position: 'int8',
    ordinal: 'int2',
    id: 'uuid',
    owner_id: 'uuid',
    contract_id: 'uuid?',
    task_id: 'uuid?',
    chat_id: 'uuid?',
    kind: 'text',
    subtype: 'text',
    phase: 'text',
    failed: 'bool',
    seq: 'int4?',
    data: 'text?',
    signature: 'bytea',
    occurred_at: 'timestamptz',
  },
  key: ['position', 'ordinal'],
  indexes: [
    // With all that a contract's history is filtered by and row-level security asks for, so that counting reads no rows.
    '(contract_id, occurred_at, position, ordinal) INCLUDE (owner_id, kind, subtype, phase, failed) WHERE contract_id IS NOT NULL',
    '(task_id, occurred_at, position, ordinal) WHERE task_id IS NOT NULL',
    '(owner_id, occurred_at, position, ordinal)',
  ],
};

/** The signatures of messages that were amended since their entries were written. */
const amendments: Table = {
  name: 'amended_signatures',
  columns: { task_id: 'uuid', seq: 'int4', owner_id: 'uuid', signature: 'bytea' },
  key: ['task_id', 'seq'],
};

/** Which contract a task belongs to, and where its messages' entries are found again. */
const places: Table = {
  name: 'task_places',
  columns: { task_id: 'uuid', owner_id: 'uuid', contract_id: 'uuid?' },
  key: ['task_id'],
};

const phases: Table = {
  name: 'contract_phases',
  columns: { contract_id: 'uuid', owner_id: 'uuid', phase: 'text' },
  key: ['contract_id'],
};

interface Lookup {
  readonly contractOf: Map<string, string | null>;
  readonly phaseOf: Map<string, string>;
}

export const timelineProjection = projection<Lookup>({
  name: 'timeline',
  version: 2,
  tables: [entries, amendments, places, phases],
  views: {
    timeline_entries: 'SELECT * FROM {schema}.entries',
    amended_signatures: 'SELECT * FROM {schema}.amended_signatures',
    history_events: `SELECT id, owner_id, contract_id, task_id,
      CASE kind WHEN 'task_event' THEN 'task' WHEN 'chat_message' THEN 'chat' WHEN 'phase_change' THEN 'phase'
        WHEN 'file_change' THEN 'file' ELSE kind END AS event_type,
      subtype AS event_subtype, phase,
      coalesce(data::jsonb, jsonb_build_object('taskId', task_id, 'seq', seq)) AS event_data,
      occurred_at AS created_at FROM {schema}.entries`,
    task_events: `SELECT id, owner_id, task_id, subtype AS event_type, data::jsonb ->> 'previousStatus' AS previous_status,
      data::jsonb ->> 'newStatus' AS new_status, data::jsonb AS event_data, occurred_at AS created_at
      FROM {schema}.entries WHERE kind = 'task_event' AND task_id IS NOT NULL`,
  },
  handles: [
    'ContractCreated',
    'ContractPhaseChanged',
    'ContractStatusChanged',
    'ContractSupervisorSet',
    'TaskCreated',
    'TaskForked',
    'TaskStatusChanged',
    'TaskOutputRecorded',
    'TaskPendingTasksChanged',
    'TaskFilesChanged',
    'AgentLineKept',
    'TaskContinueRequested',
    'TaskReassigned',
    'MessageRecorded',
    'ToolResultRecorded',
    'MessageAmended',
    'ConversationRewound',
    'ConversationRewindUndone',
    'CheckpointRecorded',
    'ConversationSnapshotTaken',
    'ChatOpened',
    'ChatMessageRecorded',
  ],
  load: loadPlaces,
  project: (batch, lookup) =>
    (batch as readonly Recorded<TimelineEvent>[]).flatMap((recorded) => operationsOf(recorded, lookup)),
});

const idOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1);

async function loadPlaces(
  connection: Queryable,
  schema: string,
  batch: readonly Recorded[],
): Promise<Lookup> {
  const taskIds = new Set(batch.filter((e) => !e.stream.startsWith('contract-')).map((e) => idOf(e.stream)));
  const rows = await connection.query<{ task_id: string; contract_id: string | null }>(
    sql`SELECT task_id, contract_id FROM ${identifier(schema, places.name)}
      WHERE task_id = ANY (${binaryArray('uuid', [...taskIds])}::uuid[])`,
  );
  const contractOf = new Map(rows.map((row) => [row.task_id, row.contract_id]));
  const contractIds = new Set<string>(rows.flatMap((row) => row.contract_id ?? []));
  for (const { event, stream } of batch) {
    if (stream.startsWith('contract-')) contractIds.add(idOf(stream));
    const { contractId } = event.data as { contractId?: string | null };
    if (contractId) contractIds.add(contractId);
  }
  const phaseRows = await connection.query<{ contract_id: string; phase: string }>(
    sql`SELECT contract_id, phase FROM ${identifier(schema, phases.name)}
      WHERE contract_id = ANY (${binaryArray('uuid', [...contractIds])}::uuid[])`,
  );
  return { contractOf, phaseOf: new Map(phaseRows.map((row) => [row.contract_id, row.phase])) };
}

function operationsOf(recorded: Recorded<TimelineEvent>, lookup: Lookup): readonly RowOperation[] {
  const { event, metadata } = recorded;
  const id = idOf(recorded.stream);
  const owner_id = metadata.ownerId;
  const operations: RowOperation[] = [];
  const ofContract = recorded.stream.startsWith('contract-');
  if (event.type === 'ContractCreated' || event.type === 'ContractPhaseChanged') {
    const phase = event.type === 'ContractCreated' ? event.data.phase : event.data.newPhase;
    lookup.phaseOf.set(id, phase);
    operations.push(upsert(phases, { contract_id: id, owner_id, phase }));
  }
  if (event.type === 'TaskCreated' || event.type === 'TaskForked' || event.type === 'ChatOpened') {
    lookup.contractOf.set(id, event.data.contractId);
    operations.push(upsert(places, { task_id: id, owner_id, contract_id: event.data.contractId }));
  }
  if (event.type === 'MessageAmended') {
    const signature = signatureOf(amendedTexts(event));
    operations.push(upsert(amendments, { task_id: id, seq: event.data.seq, owner_id, signature }));
  }
  const contractId = ofContract ? id : (lookup.contractOf.get(id) ?? null);
  const place: Row = {
    position: recorded.position,
    owner_id,
    contract_id: contractId,
    task_id: recorded.stream.startsWith('task-') ? id : null,
    chat_id: recorded.stream.startsWith('chat-') ? id : null,
    phase: (contractId && lookup.phaseOf.get(contractId)) ?? '',
    occurred_at: metadata.occurredAt,
  };
  entriesOf(event).forEach((entry, ordinal) => {
    operations.push(
      insert(entries, {
        ...place,
        ordinal,
        id: ordinal === 0 ? recorded.id : deriveId('entry', recorded.id, String(ordinal)),
        kind: entry.kind,
        subtype: entry.subtype,
        failed: entry.failed ?? false,
        // A chat's messages stand under their events' versions.
        seq: entry.seq ?? (place['chat_id'] === null ? null : recorded.version),
        task_id: entry.taskId ?? place['task_id'],
        data: entry.data === undefined ? null : columnJson(entry.data),
        signature: signatureOf(textsOf(event, entry)),
      }),
    );
  });
  return operations;
}
