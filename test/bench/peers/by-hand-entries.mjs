// The timeline's entries of an event, written out for the hand-written program.
import { deriveId } from '../../../dist/libs/event-store/event-hash.js';
import { textsOf } from '../../../dist/libs/features/timeline/entry-texts.js';
import { signatureOf } from '../../../dist/libs/features/timeline/text-signature.js';

/** Statuses with which a task has ended. */
export const ENDED = new Set(['completed', 'failed', 'cancelled']);

/** Adds the entries of one event, which belong where its stream belongs. */
export function addEntries(entries, memory, id, event) {
  const contractId = event.stream.startsWith('contract-') ? id : (memory.contractOf.get(id) ?? null);
  const place = {
    position: event.position,
    owner_id: event.metadata.ownerId,
    contract_id: contractId,
    task_id: event.stream.startsWith('task-') ? id : null,
    chat_id: null,
    phase: (contractId && memory.phaseOf.get(contractId)) ?? '',
    occurred_at: event.metadata.occurredAt,
  };
  entriesOf(event).forEach(([kind, subtype, { data, failed = false, seq = null, taskId }], ordinal) => {
    entries.add({
      ...place,
      ordinal,
      kind,
      subtype,
      failed,
      seq,
      id: ordinal === 0 ? event.id : deriveId('entry', event.id, String(ordinal)),
      task_id: taskId ?? place.task_id,
      data: data === undefined ? null : JSON.stringify(data),
      signature: signatureOf(textsOf(event, { data })),
    });
  });
}

const SUBTYPES = {
  TaskCreated: 'task_created',
  TaskOutputRecorded: 'output',
  TaskPendingTasksChanged: 'pending_tasks',
  AgentLineKept: 'agent_line',
  ConversationRewound: 'conversation_rewound',
  ConversationRewindUndone: 'rewind_undone',
  ConversationSnapshotTaken: 'snapshot',
};

const files = (filesChanged, origin) => ['file_change', 'file_change', { data: { ...origin, filesChanged } }];

/** An event's entries: kind, subtype, and what else is known. */
function entriesOf({ type, data }) {
  switch (type) {
    case 'ContractCreated':
      return [['phase_change', 'contract_created', { data: { newPhase: data.phase, name: data.name } }]];
    case 'ContractPhaseChanged':
      return [['phase_change', 'phase_change', { data }]];
    case 'ContractStatusChanged':
      return [['phase_change', 'contract_status', { data }]];
    case 'ContractSupervisorSet':
      return [['task_event', 'supervisor_set', { data, taskId: data.taskId }]];
    case 'MessageRecorded':
      return [['chat_message', data.role, { seq: data.seq, failed: data.origin === 'error' }]];
    case 'ToolResultRecorded': {
      const entry = ['chat_message', 'tool', { seq: data.seq, failed: data.isError }];
      return data.files?.length > 0
        ? [entry, files(data.files, { toolName: data.toolName, seq: data.seq })]
        : [entry];
    }
    case 'MessageAmended':
      return [];
    case 'TaskFilesChanged':
      return [files(data.files, {})];
    case 'CheckpointRecorded': {
      const { filesChanged, ...rest } = data;
      const entry = ['checkpoint', 'checkpoint', { data: { ...rest, filesChanged } }];
      const origin = { checkpointId: data.checkpointId, checkpointNumber: data.number };
      return filesChanged.length > 0 ? [entry, files(filesChanged, origin)] : [entry];
    }
    case 'TaskStatusChanged': {
      const subtype = ENDED.has(data.newStatus) ? `task_${data.newStatus}` : 'status_change';
      return [['task_event', subtype, { data, failed: data.newStatus === 'failed' }]];
    }
    default:
      // Other events (of owners, keys, admins) are in the log, but in no read model.
      return type in SUBTYPES ? [['task_event', SUBTYPES[type], { data }]] : [];
  }
}
