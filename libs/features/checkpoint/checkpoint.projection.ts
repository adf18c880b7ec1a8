import { escapeJson, escapeText } from '#libs/database/text-escape.js';
import type { Recorded } from '#libs/kernel/event.js';
import { projection } from '#libs/projections/projection.js';
import { insert } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
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
    created_at: 'timestamptz',
  },
  key: ['id', 'task_id'],
  indexes: ['(task_id, checkpoint_number)', '(commit_sha)'],
};

export const checkpointProjection = projection({
  name: 'checkpoint',
  version: 1,
  tables: [checkpoints],
  views: {
    checkpoints: 'SELECT * FROM {schema}.checkpoints',
    task_checkpoints: `SELECT id, owner_id, task_id, checkpoint_number, commit_sha, branch_name, message,
      files_changed::jsonb AS files_changed, lines_added, lines_removed, created_at FROM {schema}.checkpoints`,
  },
  handles: ['CheckpointRecorded'],
  project: (batch) =>
    (batch as readonly Recorded<CheckpointEvent>[]).map(({ event: { data }, stream, metadata, position }) =>
      insert(checkpoints, {
        id: data.checkpointId,
        owner_id: metadata.ownerId,
        task_id: stream.slice('task-'.length),
        position,
        checkpoint_number: data.number,
        commit_sha: data.commitSha,
        branch_name: data.branchName === null ? null : escapeText(data.branchName),
        message: escapeText(data.message),
        files_changed: escapeJson(data.filesChanged),
        lines_added: data.linesAdded,
        lines_removed: data.linesRemoved,
        seq: data.seq,
        branch: data.branch,
        created_at: metadata.occurredAt,
      }),
    ),
});
