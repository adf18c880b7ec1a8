import type { Row } from '#libs/database/database.js';
import type { Recorded } from '#libs/kernel/event.js';
import { columnJson, columnText } from '#libs/projections/column-text.js';
import { currentStates } from '#libs/projections/current-states.js';
import { projection } from '#libs/projections/projection.js';
import { supersede, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { TaskEvent } from './task.events.js';

/** A task as it stood from one position to another. */
const taskStates: Table = {
  name: 'task_states',
  columns: {
    task_id: 'uuid',
    from_position: 'int8',
    to_position: 'int8?',
    owner_id: 'uuid',
    contract_id: 'uuid?',
    parent_task_id: 'uuid?',
    name: 'text',
    plan: 'text',
    status: 'text',
    is_supervisor: 'bool',
    continue_from_task_id: 'uuid?',
    checkpoint_sha: 'text?',
    copy_files: 'text',
    forked_from_task_id: 'uuid?',
    forked_at_checkpoint_id: 'uuid?',
    fork: 'text?',
    source: 'text?',
    pending_task_ids: 'text',
    last_checkpoint_id: 'uuid?',
    last_checkpoint_sha: 'text?',
    checkpoint_count: 'int4',
    checkpoint_message: 'text?',
    control_version: 'int8',
    runs_on: 'uuid?',
    folder_at: 'uuid?',
    is_wanted: 'bool',
    target_daemon_id: 'uuid?',
    rewind_id: 'uuid?',
    checkpoint_requests: 'int4',
    created_at: 'timestamptz',
    completed_at: 'timestamptz?',
    updated_at: 'timestamptz',
  },
  key: ['task_id', 'from_position'],
  indexes: [
    '(task_id) WHERE to_position IS NULL',
    '(contract_id, created_at) WHERE to_position IS NULL',
    '(parent_task_id) WHERE to_position IS NULL',
    '(owner_id, created_at) WHERE to_position IS NULL',
    '(owner_id, updated_at) WHERE to_position IS NULL AND is_wanted',
    '(runs_on) WHERE to_position IS NULL AND runs_on IS NOT NULL',
    '(folder_at) WHERE to_position IS NULL AND (rewind_id IS NOT NULL OR checkpoint_requests > 0)',
    '(forked_from_task_id) WHERE to_position IS NULL AND forked_from_task_id IS NOT NULL',
  ],
};

export const taskProjection = projection<Map<string, Row>>({
  name: 'task',
  version: 2,
  tables: [taskStates],
  views: {
    task_states: 'SELECT * FROM {schema}.task_states',
    tasks: `SELECT task_id AS id, owner_id, contract_id, parent_task_id, name, plan, status, is_supervisor,
      continue_from_task_id, checkpoint_sha, copy_files::jsonb AS copy_files, forked_from_task_id,
      forked_at_checkpoint_id, source::jsonb AS source, pending_task_ids::jsonb AS pending_task_ids,
      last_checkpoint_sha, checkpoint_count, checkpoint_message, control_version, runs_on,
      created_at, completed_at, updated_at
      FROM {schema}.task_states WHERE to_position IS NULL`,
  },
  handles: [
    'TaskCreated',
    'TaskForked',
    'TaskStatusChanged',
    'TaskPendingTasksChanged',
    'CheckpointRecorded',
    'ConversationRewound',
    'ConversationRewindUndone',
    'TaskContinueRequested',
    'TaskReassigned',
    'TaskStartRequested',
    'TaskLeased',
    'TaskLeaseEnded',
    'CheckpointRequested',
    'CheckpointRequestAnswered',
    'RewindRequested',
    'RewindPrepared',
    'RewindCommitted',
    'RewindDeferred',
    'RewindCompleted',
    'RewindAborted',
    'RewindFailed',
    'TranscriptImported',
  ],
  load: (connection, schema, batch) => currentStates(connection, schema, taskStates, batch.map(taskIdOf)),
  project(batch, states) {
    return (batch as readonly Recorded<TaskEvent>[]).flatMap((recorded): RowOperation[] => {
      const id = taskIdOf(recorded);
      const row = next(states.get(id), recorded);
      if (!row) return [];
      states.set(id, row);
      return [supersede(taskStates, { task_id: id }, row, recorded.position)];
    });
  },
});

export const taskIdOf = ({ stream }: Recorded): string => stream.slice('task-'.length);

const ENDED = new Set(['completed', 'failed', 'cancelled']);

function next(row: Row | undefined, { event, metadata }: Recorded<TaskEvent>): Row | null {
  const at = { updated_at: metadata.occurredAt };
  if (event.type === 'TaskCreated' || event.type === 'TaskForked') return opened(event, metadata);
  if (!row) return null;
  const controlled = { ...row, control_version: BigInt(row['control_version'] as bigint) + 1n, ...at };
  switch (event.type) {
    case 'TaskStatusChanged': {
      const { newStatus } = event.data;
      return {
        ...controlled,
        status: newStatus,
        completed_at: ENDED.has(newStatus) ? metadata.occurredAt : null,
      };
    }
    case 'TaskPendingTasksChanged':
      return { ...row, pending_task_ids: JSON.stringify(event.data.taskIds), ...at };
    case 'CheckpointRecorded': {
      const { checkpointId, commitSha, number, message } = event.data;
      return {
        ...controlled,
        last_checkpoint_id: checkpointId,
        last_checkpoint_sha: commitSha,
        checkpoint_count: number,
        checkpoint_message: columnText(message),
      };
    }
    case 'TranscriptImported': {
      const { name, status, endedAt } = event.data;
      const ended = status && { status, completed_at: status === 'completed' ? endedAt : null };
      return { ...row, name: columnText(name), ...ended, ...at };
    }
    case 'TaskStartRequested':
    case 'TaskContinueRequested':
    case 'TaskReassigned':
      return { ...controlled, is_wanted: true, target_daemon_id: event.data.targetDaemonId };
    case 'TaskLeased': {
      const { daemonId } = event.data;
      return { ...controlled, runs_on: daemonId, folder_at: daemonId, is_wanted: false };
    }
    case 'TaskLeaseEnded':
      return { ...controlled, runs_on: null };
    case 'CheckpointRequested':
      return { ...row, checkpoint_requests: Number(row['checkpoint_requests']) + 1 };
    case 'CheckpointRequestAnswered':
      return { ...row, checkpoint_requests: Number(row['checkpoint_requests']) - 1 };
    case 'RewindRequested':
      return { ...controlled, rewind_id: event.data.rewindId };
    case 'RewindCommitted': {
      const { target, isDeferred } = event.data;
      return target === null || isDeferred ? { ...controlled, rewind_id: null } : controlled;
    }
    case 'RewindDeferred':
    case 'RewindCompleted':
    case 'RewindAborted':
    case 'RewindFailed':
      return row['rewind_id'] === event.data.rewindId ? { ...controlled, rewind_id: null } : controlled;
    default:
      return controlled;
  }
}

function opened(
  event: Extract<TaskEvent, { type: 'TaskCreated' | 'TaskForked' }>,
  { ownerId, occurredAt }: Recorded['metadata'],
): Row {
  const { contractId, parentTaskId, name, plan, source, checkpointSha } = event.data;
  return {
    owner_id: ownerId,
    contract_id: contractId,
    parent_task_id: parentTaskId,
    name: columnText(name),
    plan: columnText(plan),
    status: 'pending',
    checkpoint_sha: checkpointSha,
    source: source ? columnJson(source) : null,
    pending_task_ids: '[]',
    last_checkpoint_id: null,
    last_checkpoint_sha: null,
    checkpoint_message: null,
    control_version: 1n,
    runs_on: null,
    folder_at: null,
    is_wanted: false,
    target_daemon_id: null,
    rewind_id: null,
    checkpoint_requests: 0,
    created_at: occurredAt,
    completed_at: null,
    updated_at: occurredAt,
    ...(event.type === 'TaskCreated' ? created(event.data) : forked(event.data)),
  };
}

type Opening<Type extends TaskEvent['type']> = Extract<TaskEvent, { type: Type }>['data'];

const created = ({ isSupervisor, continueFromTaskId, copyFiles }: Opening<'TaskCreated'>): Row => ({
  is_supervisor: isSupervisor,
  continue_from_task_id: continueFromTaskId,
  copy_files: columnJson(copyFiles),
  forked_from_task_id: null,
  forked_at_checkpoint_id: null,
  fork: null,
  checkpoint_count: 0,
});

const forked = ({
  sourceTaskId,
  sourceVersion,
  point,
  branchName,
  checkpointNumber,
}: Opening<'TaskForked'>): Row => ({
  is_supervisor: false,
  continue_from_task_id: null,
  copy_files: '[]',
  forked_from_task_id: sourceTaskId,
  forked_at_checkpoint_id: point.checkpointId,
  fork: columnJson({ point, sourceVersion, branchName }),
  checkpoint_count: checkpointNumber,
});
