// Which rows an event makes, written out for this benchmark's tables: no projections, no registry, no row operations.
import { amendedTexts } from '../../../dist/libs/features/timeline/entry-texts.js';
import { signatureOf } from '../../../dist/libs/features/timeline/text-signature.js';
import { addEntries, ENDED } from './by-hand-entries.mjs';

const idOf = (stream) => stream.slice(stream.indexOf('-') + 1);
const json = (value) => JSON.stringify(value);

/** What is kept in memory from one batch to the next. */
export const emptyMemory = () => ({
  contracts: new Map(),
  tasks: new Map(),
  contractOf: new Map(),
  phaseOf: new Map(),
  lastMessage: new Map(),
  latest: new Map(),
});

/** Adds the rows of one event to the batch's tables. */
export function addRows(tables, memory, event) {
  const id = idOf(event.stream);
  if (event.stream.startsWith('contract-')) addContract(tables, memory, id, event);
  else addTask(tables, memory, id, event);
  addEntries(tables.entries, memory, id, event);
}

function addContract(tables, { contracts, phaseOf }, id, { type, data, metadata, position, version }) {
  const at = { version, updated_at: metadata.occurredAt };
  const before = contracts.get(id);
  let row;
  if (type === 'ContractCreated') {
    const { name, description, phase, repository } = data;
    row = {
      contract_id: id,
      owner_id: metadata.ownerId,
      name,
      description,
      phase,
      status: 'active',
      supervisor_task_id: null,
      repository,
      created_at: metadata.occurredAt,
      ...at,
    };
  } else if (type === 'ContractPhaseChanged') row = { ...before, phase: data.newPhase, ...at };
  else if (type === 'ContractStatusChanged') row = { ...before, status: data.newStatus, ...at };
  else if (type === 'ContractSupervisorSet') row = { ...before, supervisor_task_id: data.taskId, ...at };
  else return;
  contracts.set(id, tables.contract_states.next(before, row, position));
  if (type === 'ContractCreated' || type === 'ContractPhaseChanged') {
    phaseOf.set(id, row.phase);
    tables.contract_phases.put(id, { contract_id: id, owner_id: metadata.ownerId, phase: row.phase });
  }
}

/** The latest time of a branch so far. */
function latest(memory, id, occurredAt) {
  const before = memory.latest.get(id);
  const at = before > occurredAt ? before : occurredAt;
  memory.latest.set(id, at);
  return at;
}

function addTask(tables, memory, id, event) {
  const { type, data, metadata, position } = event;
  const { occurredAt, ownerId } = metadata;
  const before = memory.tasks.get(id);
  const at = { updated_at: occurredAt };
  const state = (row) => memory.tasks.set(id, tables.task_states.next(before, row, position));
  const controlled = () => ({ ...before, control_version: before.control_version + 1, ...at });
  switch (type) {
    case 'TaskCreated':
      state(createdTask(id, data, metadata));
      memory.contractOf.set(id, data.contractId);
      tables.task_places.put(id, { task_id: id, owner_id: ownerId, contract_id: data.contractId });
      tables.conversation_branches.add(
        branch(id, event, { branch: 0, kind: 'start', from: 1, after: null, kept: 0 }),
      );
      break;
    case 'TaskStatusChanged':
      state({
        ...controlled(),
        status: data.newStatus,
        completed_at: ENDED.has(data.newStatus) ? occurredAt : null,
      });
      break;
    case 'TaskPendingTasksChanged':
      state({ ...before, pending_task_ids: json(data.taskIds), ...at });
      break;
    case 'CheckpointRecorded':
      state({
        ...controlled(),
        last_checkpoint_id: data.checkpointId,
        last_checkpoint_sha: data.commitSha,
        checkpoint_count: data.number,
        checkpoint_message: data.message,
      });
      tables.checkpoints.add(checkpoint(id, event));
      break;
    case 'MessageRecorded':
    case 'ToolResultRecorded':
      tables.messages.add({
        ...spoken(memory, id, event),
        task_id: id,
        seq: data.seq,
        owner_id: ownerId,
        position,
        message_id: event.id,
        occurred_at: occurredAt,
        latest_at: latest(memory, id, occurredAt),
      });
      break;
    case 'MessageAmended':
      amend(tables, memory, id, event);
      break;
    case 'ConversationRewound':
    case 'ConversationRewindUndone':
      memory.latest.delete(id);
      state(controlled());
      addBranch(tables, id, event);
      break;
    case 'ConversationSnapshotTaken':
      tables.snapshots.add(snapshot(id, event));
      if (data.checkpointId !== null) {
        const row = { id: data.checkpointId, task_id: id, conversation_snapshot_id: data.snapshotId };
        tables.snapshotOfCheckpoint.put(`${id}/${data.checkpointId}`, row);
      }
      break;
  }
}

const createdTask = (id, data, { ownerId, occurredAt }) => ({
  task_id: id,
  owner_id: ownerId,
  contract_id: data.contractId,
  parent_task_id: data.parentTaskId,
  name: data.name,
  plan: data.plan,
  status: 'pending',
  is_supervisor: data.isSupervisor,
  continue_from_task_id: data.continueFromTaskId,
  checkpoint_sha: data.checkpointSha,
  copy_files: json(data.copyFiles),
  forked_from_task_id: null,
  forked_at_checkpoint_id: null,
  fork: null,
  source: data.source ? json(data.source) : null,
  pending_task_ids: '[]',
  last_checkpoint_id: null,
  last_checkpoint_sha: null,
  checkpoint_count: 0,
  checkpoint_message: null,
  control_version: 1,
  created_at: occurredAt,
  completed_at: null,
  updated_at: occurredAt,
});

const branch = (id, { position, metadata }, { branch: number, kind, from, after, kept }) => ({
  task_id: id,
  branch: number,
  owner_id: metadata.ownerId,
  position,
  previous_branch: null,
  from_seq: from,
  after_task: after?.taskId ?? null,
  after_seq: after?.seq ?? null,
  kept_messages: kept,
  kind,
  point: null,
  reason: null,
  actor: json(metadata.actor),
  hidden_messages: 0,
  undone_branch: null,
  left_position: null,
  left_seq: null,
  created_at: metadata.occurredAt,
});

function addBranch(tables, id, event) {
  const { data, position, type } = event;
  const rewound = type === 'ConversationRewound';
  tables.conversation_branches.add({
    ...branch(id, event, {
      branch: data.branch,
      kind: rewound ? 'rewind' : 'undo',
      from: data.seq + 1,
      after: data.after,
      kept: data.keptMessages,
    }),
    previous_branch: data.previousBranch,
    hidden_messages: data.hiddenMessages,
    point: rewound ? json(data.point) : null,
    reason: rewound ? data.reason : null,
    undone_branch: rewound ? null : data.undoneBranch,
  });
  tables.leftBranches.put(`${id}/${data.previousBranch}`, {
    task_id: id,
    branch: data.previousBranch,
    left_position: position,
    left_seq: data.seq,
  });
}

const present = (record) => {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? json(Object.fromEntries(entries)) : null;
};

const message = ({
  role,
  content,
  thinking,
  model,
  usage,
  attachments,
  toolCalls,
  costUsd,
  origin,
  sourceId,
}) => ({
  role,
  content,
  tool_calls: toolCalls?.length > 0 ? json(toolCalls) : null,
  tool_call_id: null,
  tool_name: null,
  call_seq: null,
  is_error: null,
  token_count: usage ? usage.input + usage.output : null,
  cost_usd: costUsd ?? null,
  origin: origin ?? null,
  source_id: sourceId ?? null,
  extra: present({ thinking, model, usage, attachments }),
  has_blobs: false,
});

const result = ({
  result: content,
  toolCallId,
  toolName,
  callSeq,
  isError,
  outcome,
  files,
  attachments,
  sourceId,
}) => ({
  role: 'tool',
  content,
  tool_calls: null,
  tool_call_id: toolCallId,
  tool_name: toolName,
  call_seq: callSeq,
  is_error: isError,
  token_count: null,
  cost_usd: null,
  origin: null,
  source_id: sourceId ?? null,
  extra: present({ outcome, files, attachments }),
  has_blobs: false,
});

/** What an event says, kept as the task's last message. */
function spoken({ lastMessage }, id, { type, data }) {
  const columns = type === 'ToolResultRecorded' ? result(data) : message(data);
  lastMessage.set(id, { seq: data.seq, columns });
  return columns;
}

/** In these logs only a task's last message is amended. */
function amend(tables, memory, id, event) {
  const { data, position, metadata } = event;
  const key = `${id}/${data.seq}`;
  const place = { task_id: id, seq: data.seq };
  const { seq, columns: former } = memory.lastMessage.get(id);
  if (seq !== data.seq) throw new Error(`message ${data.seq} is amended, and ${seq} is the last one`);
  tables.former_messages.add({
    ...former,
    ...place,
    until_position: position,
    owner_id: metadata.ownerId,
  });
  tables.amendedMessages.put(key, { ...place, ...spoken(memory, id, event) });
  const signature = signatureOf(amendedTexts(event));
  tables.amended_signatures.put(key, { ...place, owner_id: metadata.ownerId, position, signature });
}

const checkpoint = (id, { data, metadata, position }) => ({
  id: data.checkpointId,
  owner_id: metadata.ownerId,
  task_id: id,
  position,
  checkpoint_number: data.number,
  commit_sha: data.commitSha,
  branch_name: data.branchName,
  message: data.message,
  files_changed: json(data.filesChanged),
  lines_added: data.linesAdded,
  lines_removed: data.linesRemoved,
  seq: data.seq,
  branch: data.branch,
  conversation_snapshot_id: null,
  created_at: metadata.occurredAt,
});

const snapshot = (id, { data, metadata, position }) => ({
  task_id: id,
  id: data.snapshotId,
  owner_id: metadata.ownerId,
  position,
  snapshot_type: data.snapshotType,
  checkpoint_id: data.checkpointId,
  last_task: data.last?.taskId ?? null,
  last_seq: data.last?.seq ?? null,
  message_count: data.messageCount,
  branch: data.branch,
  seq: data.seq,
  note: data.note,
  actor: json(metadata.actor),
  created_at: metadata.occurredAt,
});
