import { sql } from '#libs/database/sql.js';
import { SpecWorld } from '#libs/testing/projection-spec.js';
import type { SnapshotEvent } from '../snapshot/snapshot.events.js';
import type { TaskEvent } from '../task/task.events.js';
import { checkpointProjection } from './checkpoint.projection.js';

const taskId = '00000000-0000-7000-8000-000000000001';
const fork = '00000000-0000-7000-8000-000000000002';
const snapshotId = '00000000-0000-7000-8000-0000000000a1';
const checkpointId = '00000000-0000-7000-8000-0000000000c1';

const world = new SpecWorld();

const add = (id: string, event: TaskEvent): void => void world.log.add(`task-${id}`, event);
const taken = (more: Partial<SnapshotEvent['data']> = {}): SnapshotEvent => ({
  type: 'ConversationSnapshotTaken',
  data: {
    snapshotId,
    snapshotType: 'manual',
    checkpointId: null,
    last: { taskId, seq: 9 },
    messageCount: 7,
    branch: 3,
    seq: 9,
    heldAt: '2026-01-01T00:00:00.000Z',
    note: 'a\0 note',
    ...more,
  },
});
const checkpointed: TaskEvent = {
  type: 'CheckpointRecorded',
  data: {
    checkpointId,
    number: 1,
    commitSha: 'a'.repeat(40),
    branchName: null,
    message: '',
    filesChanged: [],
    linesAdded: 0,
    linesRemoved: 0,
    seq: 9,
    branch: 3,
  },
};

describe('task_checkpoints.conversation_snapshot_id (SPEC §5.3)', () => {
  const linked = async (): Promise<unknown> =>
    (await world.database.query(sql`SELECT conversation_snapshot_id FROM task_checkpoints`))[0]![
      'conversation_snapshot_id'
    ];

  it('is the snapshot that was taken with the checkpoint', async () => {
    add(taskId, checkpointed);
    add(taskId, taken({ snapshotType: 'checkpoint', checkpointId }));
    await world.projected(checkpointProjection);
    expect(await linked()).toBe(snapshotId);
  });

  it('is null without one, and whatever other tasks take', async () => {
    add(taskId, checkpointed);
    add(taskId, taken());
    add(fork, taken({ snapshotType: 'checkpoint', checkpointId }));
    await world.projected(checkpointProjection);
    expect(await linked()).toBeNull();
  });
});
