import { escapeJson } from '#libs/database/text-escape.js';
import type { Recorded } from '#libs/kernel/event.js';
import { columnText } from '#libs/projections/column-text.js';
import { projection } from '#libs/projections/projection.js';
import { insert } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { SnapshotEvent } from './snapshot.events.js';

/** What conversations showed, by reference: no message is copied. */
const snapshots: Table = {
  name: 'snapshots',
  columns: {
    task_id: 'uuid',
    id: 'uuid',
    owner_id: 'uuid',
    position: 'int8',
    snapshot_type: 'text',
    checkpoint_id: 'uuid?',
    last_task: 'uuid?',
    last_seq: 'int4?',
    message_count: 'int4',
    branch: 'int4',
    seq: 'int4',
    note: 'text?',
    actor: 'text',
    created_at: 'timestamptz',
  },
  key: ['task_id', 'id'],
  indexes: ['(task_id, position)', '(checkpoint_id) WHERE checkpoint_id IS NOT NULL'],
};

export const snapshotProjection = projection({
  name: 'snapshot',
  version: 2,
  tables: [snapshots],
  views: {
    snapshots: 'SELECT * FROM {schema}.snapshots',
    // SPEC §5.3. The state is the last message that was shown, which stands for all up to it: see `messages`.
    conversation_snapshots: `SELECT id, owner_id, task_id, checkpoint_id, snapshot_type, message_count,
      jsonb_build_object('lastTaskId', last_task, 'lastSeq', last_seq) AS conversation_state, jsonb_build_object('note', note, 'branch', branch, 'seq', seq) AS metadata,
      created_at FROM {schema}.snapshots`,
  },
  handles: ['ConversationSnapshotTaken'],
  project: (batch) =>
    (batch as readonly Recorded<SnapshotEvent>[]).map(({ event: { data }, stream, metadata, position }) =>
      insert(snapshots, {
        task_id: stream.slice('task-'.length),
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
        note: data.note === null ? null : columnText(data.note),
        actor: escapeJson(metadata.actor),
        created_at: metadata.occurredAt,
      }),
    ),
});
