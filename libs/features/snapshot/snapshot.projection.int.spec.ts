import { sql } from '#libs/database/sql.js';
import { SPEC_OWNER, SpecWorld } from '#libs/testing/projection-spec.js';
import type { TaskEvent } from '../task/task.events.js';
import type { SnapshotEvent } from './snapshot.events.js';
import { snapshotProjection } from './snapshot.projection.js';

const taskId = '00000000-0000-7000-8000-000000000001';
const fork = '00000000-0000-7000-8000-000000000002';
const snapshotId = '00000000-0000-7000-8000-0000000000a1';

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
describe('conversation_snapshots', () => {
  it("has the SPEC's columns, and holds a reference instead of messages", async () => {
    add(taskId, taken());
    await world.projected(snapshotProjection);
    const [row] = await world.database.query(sql`SELECT * FROM conversation_snapshots`);
    expect(row).toEqual({
      id: snapshotId,
      owner_id: SPEC_OWNER,
      task_id: taskId,
      checkpoint_id: null,
      snapshot_type: 'manual',
      message_count: 7,
      conversation_state: { lastTaskId: taskId, lastSeq: 9 },
      metadata: { note: 'a\ue0000000 note', branch: 3, seq: 9 },
      created_at: world.log.events[0]!.recordedAt,
    });
  });

  it('takes the same id in two tasks', async () => {
    add(taskId, taken());
    add(fork, taken({ note: null }));
    const { snapshots } = await world.projected(snapshotProjection);
    expect(snapshots!.map((row) => row['task_id'])).toEqual([taskId, fork]);
  });
});
