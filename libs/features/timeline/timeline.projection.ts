import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable, Row } from '#libs/database/database.js';
import { identifier, sql } from '#libs/database/sql.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import type { Recorded } from '#libs/kernel/event.js';
import { columnJson } from '#libs/projections/column-text.js';
import { projection } from '#libs/projections/projection.js';
import { insert, update, upsert, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import { placeRows } from '../conversation/former-messages.queries.js';
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
  // Also by which the entry of a result that is amended is found.
  ownIndexes: ['(task_id, occurred_at, position, ordinal) WHERE task_id IS NOT NULL'],
  indexes: [
    // With all that a contract's history is filtered by and row-level security asks for, so that counting reads no rows.
    '(contract_id, occurred_at, position, ordinal) INCLUDE (owner_id, kind, subtype, phase, failed) WHERE contract_id IS NOT NULL',
    '(owner_id, occurred_at, position, ordinal)',
  ],
};

/** The signatures of messages that were amended since their entries were written, the last time at `position`. */
const amendments: Table = {
  name: 'amended_signatures',
  columns: { task_id: 'uuid', seq: 'int4', owner_id: 'uuid', position: 'int8', signature: 'bytea' },
  key: ['task_id', 'seq'],
};

/** Which contract a task or a chat belongs to. */
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
  /** The entries of tool results that the batch amends, by `<task>/<seq>`. */
  readonly resultAt: Map<string, EntryKey>;
}

interface EntryKey {
  readonly position: bigint;
  readonly ordinal: number;
}

export const timelineProjection = projection<Lookup>({
  name: 'timeline',
  version: 3,
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
    'TaskStartRequested',
    'TaskLeased',
    'TaskLeaseEnded',
    'CheckpointRequested',
    'CheckpointTested',
    'RewindRequested',
    'RewindCommitted',
    'RewindDeferred',
    'RewindCompleted',
    'RewindAborted',
    'RewindFailed',
    'MessageRecorded',
    'ToolResultRecorded',
    'MessageAmended',
    'ConversationRewound',
    'ConversationRewindUndone',
    'CheckpointRecorded',
    'BranchCreated',
    'ConversationSnapshotTaken',
    'ChatOpened',
    'ChatMessageRecorded',
  ],
  load: async (connection, schema, batch) => {
    const [known, resultAt] = await Promise.all([
      loadPlaces(connection, schema, batch),
      loadResults(connection, schema, batch as readonly Recorded<TimelineEvent>[]),
    ]);
    return { ...known, resultAt };
  },
  project: (batch, lookup) =>
    (batch as readonly Recorded<TimelineEvent>[]).flatMap((recorded) => operationsOf(recorded, lookup)),
});

const idOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1);

async function loadPlaces(
  connection: Queryable,
  schema: string,
  batch: readonly Recorded[],
): Promise<Omit<Lookup, 'resultAt'>> {
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

/** A result may turn out to have failed after it was recorded. */
async function loadResults(
  connection: Queryable,
  schema: string,
  batch: readonly Recorded<TimelineEvent>[],
): Promise<Map<string, EntryKey>> {
  const amended = batch.flatMap(({ event, stream }) =>
    event.type === 'MessageAmended' && event.data.kind === 'tool_result'
      ? [{ taskId: idOf(stream), seq: event.data.seq }]
      : [],
  );
  if (amended.length === 0) return new Map();
  const rows = await connection.query<EntryKey & { task_id: string; seq: number }>(
    sql`SELECT e.task_id, e.seq, e.position, e.ordinal FROM ${placeRows(amended)}
      JOIN ${identifier(schema, entries.name)} e USING (task_id, seq) WHERE e.subtype = 'tool'`,
  );
  return new Map(
    rows.map(({ task_id, seq, position, ordinal }) => [`${task_id}/${seq}`, { position, ordinal }]),
  );
}

function operationsOf(recorded: Recorded<TimelineEvent>, lookup: Lookup): readonly RowOperation[] {
  return [...noted(recorded, lookup), ...amended(recorded, lookup), ...shown(recorded, lookup)];
}

/** What later entries need to know. */
function noted(
  { event, stream, position, metadata: { ownerId: owner_id } }: Recorded<TimelineEvent>,
  { contractOf, phaseOf, resultAt }: Lookup,
): readonly RowOperation[] {
  const id = idOf(stream);
  switch (event.type) {
    case 'ContractCreated':
    case 'ContractPhaseChanged': {
      const phase = event.type === 'ContractCreated' ? event.data.phase : event.data.newPhase;
      phaseOf.set(id, phase);
      return [upsert(phases, { contract_id: id, owner_id, phase })];
    }
    case 'TaskCreated':
    case 'TaskForked':
    case 'ChatOpened':
      contractOf.set(id, event.data.contractId);
      return [upsert(places, { task_id: id, owner_id, contract_id: event.data.contractId })];
    case 'ToolResultRecorded':
      resultAt.set(`${id}/${event.data.seq}`, { position, ordinal: 0 });
      return [];
    default:
      return [];
  }
}

function amended(
  { event, stream, position, metadata }: Recorded<TimelineEvent>,
  { resultAt }: Lookup,
): readonly RowOperation[] {
  if (event.type !== 'MessageAmended') return [];
  const { data } = event;
  const task_id = idOf(stream);
  const signature = signatureOf(amendedTexts(event));
  const result = resultAt.get(`${task_id}/${data.seq}`);
  return [
    upsert(amendments, { task_id, seq: data.seq, owner_id: metadata.ownerId, position, signature }),
    ...(data.kind === 'tool_result' && result
      ? [update(entries, { ...result }, { failed: data.isError })]
      : []),
  ];
}

function shown(recorded: Recorded<TimelineEvent>, lookup: Lookup): readonly RowOperation[] {
  const { event, metadata } = recorded;
  const id = idOf(recorded.stream);
  const contractId = recorded.stream.startsWith('contract-') ? id : (lookup.contractOf.get(id) ?? null);
  const place: Row = {
    position: recorded.position,
    owner_id: metadata.ownerId,
    contract_id: contractId,
    task_id: recorded.stream.startsWith('task-') ? id : null,
    chat_id: recorded.stream.startsWith('chat-') ? id : null,
    phase: (contractId && lookup.phaseOf.get(contractId)) ?? '',
    occurred_at: metadata.occurredAt,
  };
  return entriesOf(event).map((entry, ordinal) =>
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
}
