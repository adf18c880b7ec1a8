import type { Recorded } from '#libs/kernel/event.js';
import { columnJson, columnText } from '#libs/projections/column-text.js';
import { projection } from '#libs/projections/projection.js';
import { insert, update, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { LeaseEvent } from '../lease/lease.events.js';
import type { SnapshotEvent } from '../snapshot/snapshot.events.js';
import type { CheckpointEvent } from './checkpoint.events.js';

const checkpoints: Table = {
  name: 'checkpoints',
  columns: {
    id: 'uuid',
    owner_id: 'uuid',
    task_id: 'uuid',
    position: 'int8',
    checkpoint_number: 'int4',
    commit_sha: 'text',
    branch_name: 'text?',
    message: 'text',
    files_changed: 'text',
    lines_added: 'int4',
    lines_removed: 'int4',
    seq: 'int4',
    branch: 'int4',
    conversation_snapshot_id: 'uuid?',
    head_sha: 'text?',
    left_out: 'text?',
    previous_sha: 'text?',
    trigger: 'text?',
    is_aside: 'bool',
    tests_passed: 'bool?',
    secured_position: 'int8?',
    created_at: 'timestamptz',
  },
  key: ['id', 'task_id'],
  indexes: ['(task_id, checkpoint_number)', '(commit_sha)'],
};

export const checkpointProjection = projection({
  name: 'checkpoint',
  version: 4,
  tables: [checkpoints],
  views: {
    checkpoints: 'SELECT * FROM {schema}.checkpoints',
    task_checkpoints: `SELECT id, owner_id, task_id, checkpoint_number, commit_sha, branch_name, message,
      files_changed::jsonb AS files_changed, lines_added, lines_removed, created_at, conversation_snapshot_id,
      head_sha, left_out::jsonb AS left_out, secured_position IS NOT NULL AS is_safe FROM {schema}.checkpoints`,
  },
  handles: [
    'CheckpointRecorded',
    'CheckpointSecured',
    'CheckpointTested',
    'CheckpointRequestAnswered',
    'ConversationSnapshotTaken',
  ],
  project: (batch) => (batch as readonly Recorded<Shown>[]).flatMap(operationsOf),
});

/** A branch is made of a checkpoint, and changes nothing of it. */
type Shown =
  | Exclude<CheckpointEvent, { readonly type: 'BranchCreated' }>
  | SnapshotEvent
  | Extract<LeaseEvent, { type: 'CheckpointRequestAnswered' }>;

function operationsOf(recorded: Recorded<Shown>): readonly RowOperation[] {
  const { event, stream, metadata, position } = recorded;
  const task_id = stream.slice('task-'.length);
  if (event.type === 'ConversationSnapshotTaken') {
    const { checkpointId, snapshotId } = event.data;
    if (checkpointId === null) return [];
    return [update(checkpoints, { id: checkpointId, task_id }, { conversation_snapshot_id: snapshotId })];
  }
  if (event.type === 'CheckpointSecured') {
    const key = { id: event.data.checkpointId, task_id };
    return [update(checkpoints, key, { secured_position: position })];
  }
  if (event.type === 'CheckpointTested' || event.type === 'CheckpointRequestAnswered') {
    const passed = event.type === 'CheckpointTested' ? event.data.passed : event.data.testsPassed;
    const key = { id: event.data.checkpointId, task_id };
    return passed === undefined ? [] : [update(checkpoints, key, { tests_passed: passed })];
  }
  const { data } = event;
  return [
    insert(checkpoints, {
      id: data.checkpointId,
      owner_id: metadata.ownerId,
      task_id,
      position,
      checkpoint_number: data.number,
      commit_sha: data.commitSha,
      branch_name: data.branchName === null ? null : columnText(data.branchName),
      message: columnText(data.message),
      files_changed: columnJson(data.filesChanged),
      lines_added: data.linesAdded,
      lines_removed: data.linesRemoved,
      seq: data.seq,
      branch: data.branch,
      conversation_snapshot_id: null,
      head_sha: data.headSha ?? null,
      left_out: data.leftOut ? columnJson(data.leftOut) : null,
      previous_sha: data.previousSha ?? null,
      trigger: data.trigger ?? null,
      is_aside: data.isAside ?? false,
      tests_passed: null,
      secured_position: null,
      created_at: metadata.occurredAt,
    }),
  ];
}
