import { fold } from '#libs/kernel/decider.js';
import { given } from '#libs/testing/decider-spec.js';
import type { Activity } from '../task/activity.decider.js';
import { taskDecider, type TaskCommand } from '../task/task.decider.js';
import type { OpenTask } from '../task/task.state.js';
import type { TaskEvent } from '../task/task.events.js';
import { isDue, MOST_AT_ONCE, newestOf, type SnapshotPolicy } from './snapshot.decider.js';

const taskId = 'task-1';
const created: TaskEvent = {
  type: 'TaskCreated',
  data: {
    taskId,
    contractId: null,
    parentTaskId: null,
    name: 'a task',
    plan: '',
    isSupervisor: false,
    continueFromTaskId: null,
    checkpointSha: null,
    copyFiles: [],
    source: null,
  },
};
const message = (seq: number): TaskEvent => ({
  type: 'MessageRecorded',
  data: { seq, role: 'user', content: '' },
});
const say: Activity = { type: 'RecordMessage', content: { role: 'user', content: '' } };
const line: Activity = { type: 'RecordOutput', data: { channel: 'stdout', text: '' } };
const checkpoint = (checkpointId: string): Activity => ({
  type: 'RecordCheckpoint',
  data: {
    checkpointId,
    commitSha: 'a'.repeat(40),
    branchName: null,
    message: '',
    filesChanged: [],
    linesAdded: 0,
    linesRemoved: 0,
  },
});
const never: SnapshotPolicy = { everyMessages: 0, everyMinutes: 0 };
const minute = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString();

/** Activities one minute apart, the first at minute `from`; snapshots get the ids s0, s1, … of their places. */
const record = (policy: SnapshotPolicy, activities: readonly Activity[], from = 0): TaskCommand => ({
  type: 'RecordActivity',
  activities,
  snapshots: { policy, places: activities.map((_, n) => ({ snapshotId: `s${n}`, at: minute(from + n) })) },
});
type Taken = Extract<TaskEvent, { type: 'ConversationSnapshotTaken' }>;
const snapshotsIn = (events: readonly TaskEvent[]): Taken['data'][] =>
  events
    .filter((event): event is Taken => event.type === 'ConversationSnapshotTaken')
    .map(({ data }) => data);
const messages = (n: number): Activity[] => Array.from({ length: n }, () => say);
const stateOf = (...events: TaskEvent[]): OpenTask =>
  fold(taskDecider, taskDecider.initial, events) as OpenTask;

const byHand = {
  type: 'TakeSnapshot',
  snapshotId: 'by hand',
  snapshotType: 'manual',
  checkpointId: null,
  note: 'before',
  heldAt: minute(0),
} as const;

describe('a snapshot taken by hand', () => {
  it('holds what is shown, by reference', () => {
    const { type: _, ...wanted } = byHand;
    given(taskDecider, created, message(1), message(2))
      .when(byHand)
      .then({
        type: 'ConversationSnapshotTaken',
        data: { ...wanted, last: { taskId, seq: 2 }, messageCount: 2, branch: 0, seq: 2 },
      });
  });

  it('holds nothing of an empty conversation', () => {
    const events = given(taskDecider, created).when(byHand).events();
    expect(events[0]).toMatchObject({ data: { last: null, messageCount: 0, seq: 0 } });
  });
});

describe('a snapshot with a checkpoint', () => {
  it('is taken whatever the policy, as things stood at the checkpoint', () => {
    const events = given(taskDecider, created, message(1))
      .when(record(never, [say, checkpoint('c1'), say, checkpoint('c2')]))
      .events();
    expect(events.map(({ type }) => type)).toEqual([
      'MessageRecorded',
      'CheckpointRecorded',
      'MessageRecorded',
      'CheckpointRecorded',
      'ConversationSnapshotTaken',
      'ConversationSnapshotTaken',
    ]);
    expect(snapshotsIn(events)).toMatchObject([
      {
        snapshotId: 's1',
        snapshotType: 'checkpoint',
        checkpointId: 'c1',
        messageCount: 2,
        seq: 2,
        heldAt: minute(1),
      },
      { snapshotId: 's3', snapshotType: 'checkpoint', checkpointId: 'c2', messageCount: 3, seq: 3 },
    ]);
  });

  it('is not taken where nobody says what it would be called', () => {
    const events = given(taskDecider, created)
      .when({ type: 'RecordActivity', activities: [checkpoint('c1')] })
      .events();
    expect(snapshotsIn(events)).toEqual([]);
  });
});

describe('snapshots by number of messages', () => {
  const every = (everyMessages: number): SnapshotPolicy => ({ everyMessages, everyMinutes: 0 });

  it('are taken after every so many, and none with 0', () => {
    const by = (n: number): number[] =>
      snapshotsIn(
        given(taskDecider, created)
          .when(record(every(n), messages(10)))
          .events(),
      ).map(({ seq }) => seq);
    expect(by(3)).toEqual([3, 6, 9]);
    expect(by(10)).toEqual([10]);
    expect(by(11)).toEqual([]);
    expect(by(0)).toEqual([]);
  });

  it('are the same however the messages come in batches', () => {
    for (const size of [1, 2, 3, 4, 7, 12]) {
      let history: TaskEvent[] = [created];
      for (let at = 0; at < 12; at += size) {
        const command = record(every(5), messages(Math.min(size, 12 - at)));
        history = [
          ...history,
          ...given(taskDecider, ...history)
            .when(command)
            .events(),
        ];
      }
      expect([size, snapshotsIn(history).map(({ seq }) => seq)]).toEqual([size, [5, 10]]);
    }
  });

  it('count from the newest snapshot, whoever took it', () => {
    const history = [created, message(1), message(2)];
    const taken = given(taskDecider, ...history)
      .when(byHand)
      .events();
    const events = given(taskDecider, ...history, ...taken)
      .when(record(every(3), messages(4)))
      .events();
    expect(snapshotsIn(events).map(({ seq }) => seq)).toEqual([5]);
    const withCheckpoint = given(taskDecider, created)
      .when(record(every(3), [say, say, checkpoint('c'), say, say, say]))
      .events();
    expect(snapshotsIn(withCheckpoint).map(({ snapshotType, seq }) => [snapshotType, seq])).toEqual([
      ['checkpoint', 2],
      ['auto', 5],
    ]);
  });

  it('do not count output and other lines', () => {
    const events = given(taskDecider, created)
      .when(record(every(2), [say, line, line, line]))
      .events();
    expect(snapshotsIn(events)).toEqual([]);
  });

  it('are so many in one batch at most', () => {
    const events = given(taskDecider, created)
      .when(record(every(1), messages(100)))
      .events();
    expect(snapshotsIn(events)).toHaveLength(MOST_AT_ONCE);
  });

  it('never limit those of checkpoints', () => {
    const checkpoints = Array.from({ length: 50 }, (_, n) => checkpoint(`c${n}`));
    const events = given(taskDecider, created)
      .when(record(every(1), checkpoints))
      .events();
    expect(snapshotsIn(events)).toHaveLength(50);
  });
});

describe('snapshots by time', () => {
  const every = (everyMinutes: number): SnapshotPolicy => ({ everyMessages: 0, everyMinutes });

  it("begin with the first message and follow the messages' own times", () => {
    const events = given(taskDecider, created)
      .when(record(every(10), messages(25)))
      .events();
    expect(snapshotsIn(events).map(({ heldAt }) => heldAt)).toEqual([minute(0), minute(10), minute(20)]);
  });

  it('wait for a message: time alone takes none', () => {
    const first = given(taskDecider, created)
      .when(record(every(10), [say]))
      .events();
    const later = given(taskDecider, created, ...first)
      .when(record(every(10), [line, line], 500))
      .events();
    expect(snapshotsIn(later)).toEqual([]);
    const woken = given(taskDecider, created, ...first)
      .when(record(every(10), [line, say], 500))
      .events();
    expect(snapshotsIn(woken)).toMatchObject([{ snapshotId: 's1', seq: 2, heldAt: minute(501) }]);
  });

  it('are not taken for a message that is older than the newest one', () => {
    expect(isDue(every(10), { seq: 1, heldAt: minute(100) }, 2, minute(0))).toBe(false);
    expect(isDue(every(10), { seq: 1, heldAt: minute(100) }, 2, minute(110))).toBe(true);
    expect(isDue(every(10), { seq: 1, heldAt: minute(100) }, 1, minute(999))).toBe(false);
  });
});

it('a snapshot that holds less than a newer one does not turn the count back', () => {
  const known = { seq: 9, heldAt: minute(9) };
  const older = snapshotsIn(
    given(taskDecider, created)
      .when(record(never, [say, checkpoint('c')]))
      .events(),
  )[0]!;
  expect(newestOf(known, older)).toBe(known);
});

describe('restoring', () => {
  const three = [created, message(1), message(2), message(3)];
  const restore = (to: number): Extract<TaskCommand, { type: 'RestoreConversation' }> => ({
    type: 'RestoreConversation',
    keepUpTo: to === 0 ? null : { taskId, seq: to },
    keptMessages: to,
    point: { kind: 'snapshot', value: 's' },
    reason: null,
  });

  it('shows what the snapshot held, hides the rest, and is undone', () => {
    const restored = given(taskDecider, ...three)
      .when(restore(1))
      .events();
    expect(restored).toMatchObject([
      { type: 'ConversationRewound', data: { branch: 1, hiddenMessages: 2, point: { kind: 'snapshot' } } },
    ]);
    given(taskDecider, ...three, ...restored)
      .when({ type: 'UndoRewind' })
      .events();
  });

  it('brings back what a rewind has hidden since', () => {
    const rewound = given(taskDecider, ...three)
      .when({ ...restore(1), type: 'RewindConversation', keepUpTo: null })
      .events();
    const [event] = given(taskDecider, ...three, ...rewound, message(4))
      .when(restore(3))
      .events();
    expect(event).toMatchObject({
      data: {
        hiddenMessages: 1,
        after: { taskId, seq: 3 },
        keptMessages: 3,
        seq: 4,
      },
    });
  });

  it('of what is shown already is refused', () => {
    given(taskDecider, ...three)
      .when(restore(3))
      .refused('NOTHING_TO_RESTORE');
    const restored = given(taskDecider, ...three)
      .when(restore(2))
      .events();
    given(taskDecider, ...three, ...restored)
      .when(restore(2))
      .refused('NOTHING_TO_RESTORE');
    given(taskDecider, created).when(restore(0)).refused('NOTHING_TO_RESTORE');
  });

  it('is tied to the control version', () => {
    const { controlVersion } = stateOf(...three);
    given(taskDecider, ...three)
      .when({ ...restore(1), expectedControlVersion: controlVersion + 1 })
      .refused('PRECONDITION_FAILED');
    expect(
      given(taskDecider, ...three)
        .when({ ...restore(1), expectedControlVersion: controlVersion })
        .events(),
    ).toHaveLength(1);
  });
});
