import { fold } from '#libs/kernel/decider.js';
import { given } from '#libs/testing/decider-spec.js';
import { taskDecider, type TaskCommand } from '../task/task.decider.js';
import type { TaskEvent } from '../task/task.events.js';
import type { OpenTask } from '../task/task.state.js';

const [ONE, OTHER] = ['daemon-1', 'daemon-2'];
const created: TaskEvent = {
  type: 'TaskCreated',
  data: {
    taskId: 'task-1',
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
type Data<Type extends TaskEvent['type']> = Extract<TaskEvent, { type: Type }>['data'];
const startFor = (targetDaemonId: string | null, more: Partial<Data<'TaskStartRequested'>> = {}) => ({
  runner: null,
  prompt: null,
  targetDaemonId,
  ...more,
});
const requested = (targetDaemonId: string | null = null): TaskEvent => ({
  type: 'TaskStartRequested',
  data: startFor(targetDaemonId),
});
const leased = (epoch: number, daemonId = ONE): TaskEvent => ({
  type: 'TaskLeased',
  data: { daemonId, epoch },
});
const ended = (
  epoch: number,
  end: Data<'TaskLeaseEnded'>['end'] = 'released',
  reason: string | null = null,
): TaskEvent => ({ type: 'TaskLeaseEnded', data: { daemonId: ONE, epoch, end, reason } });
const became = (
  newStatus: Data<'TaskStatusChanged'>['newStatus'],
  reason: string | null = null,
): TaskEvent => ({
  type: 'TaskStatusChanged',
  data: { previousStatus: 'pending', newStatus, reason },
});
const asked = (requestId: string, message: string | null = null): TaskEvent => ({
  type: 'CheckpointRequested',
  data: { requestId, message },
});
const rewinding: TaskEvent = {
  type: 'RewindRequested',
  data: {
    rewindId: 'rewind-1',
    scope: 'code',
    target: { taskId: 'task-1', checkpointId: 'c-1', commitSha: 'a', headSha: null, branchName: null },
    revert: null,
    head: null,
    preserve: { mode: 'stash', branchName: null },
    undoes: null,
    reason: null,
  },
};
const lease = (daemonId = ONE): TaskCommand => ({ type: 'LeaseTask', daemonId });
const end = (
  how: Data<'TaskLeaseEnded'>['end'],
  epoch: number | null,
  { status = 'paused', daemonId = ONE }: { status?: 'paused' | 'interrupted'; daemonId?: string } = {},
): TaskCommand => ({
  type: 'EndLease',
  end: how,
  held: epoch === null ? null : { daemonId, epoch },
  status,
  reason: null,
});
const answer = (requestId: string, daemonId = ONE): TaskCommand => ({
  type: 'AnswerCheckpointRequest',
  daemonId,
  requestId,
  checkpointId: 'c-1',
});
const stateOf = (...events: TaskEvent[]): OpenTask =>
  fold(taskDecider, taskDecider.initial, [created, ...events]) as OpenTask;

const HELD = [created, requested(), leased(1)] as const;

describe('a lease', () => {
  it('is for tasks that wait to be run, by the daemon that they wait for', () => {
    given(taskDecider, created).when(lease()).refused('NOTHING_TO_RUN');
    given(taskDecider, created, requested()).when(lease(OTHER)).then(leased(1, OTHER), became('starting'));
    given(taskDecider, created, requested(ONE)).when(lease(OTHER)).refused('NOTHING_TO_RUN');
    given(taskDecider, created, requested(ONE)).when(lease()).then(leased(1), became('starting'));
  });

  it('is asked for by continuing a task and by giving it to a daemon, too', () => {
    const on: TaskEvent = {
      type: 'TaskContinueRequested',
      data: { resumeMode: 'with_context', targetDaemonId: OTHER, checkpointSha: null, contextOptions: {} },
    };
    const handedOver: TaskEvent = { type: 'TaskReassigned', data: { targetDaemonId: OTHER } };
    for (const event of [on, handedOver]) {
      given(taskDecider, created, event).when(lease()).refused('NOTHING_TO_RUN');
      given(taskDecider, created, event).when(lease(OTHER)).then(leased(1, OTHER), became('starting'));
    }
  });

  it('is held by one daemon at a time, and not while the task is rewound', () => {
    given(taskDecider, ...HELD)
      .when(lease(OTHER))
      .refused('LEASE_TAKEN');
    given(taskDecider, ...HELD)
      .when(lease())
      .refused('LEASE_TAKEN');
    given(taskDecider, created, rewinding, requested()).when(lease()).refused('TASK_BUSY');
  });

  it('is taken once for each time that somebody asks', () => {
    given(taskDecider, ...HELD, ended(1))
      .when(lease())
      .refused('NOTHING_TO_RUN');
  });

  it('has an epoch that grows, whoever takes it and however the last one ended', () => {
    for (const how of ['released', 'lost', 'revoked'] as const)
      given(taskDecider, ...HELD, ended(1, how), requested())
        .when(lease(OTHER))
        .then(leased(2, OTHER), became('starting'));
  });

  it('keeps the agent that was chosen before, unless another is', () => {
    const runner = { name: 'command', command: ['make'] } as const;
    const other = { name: 'claude' } as const;
    const chosen: TaskEvent = { type: 'TaskStartRequested', data: startFor(null, { runner }) };
    expect(stateOf(chosen, requested()).lease.runner).toEqual(runner);
    const again: TaskEvent = { type: 'TaskStartRequested', data: startFor(null, { runner: other }) };
    expect(stateOf(chosen, again).lease.runner).toEqual(other);
  });

  it('leaves the folder where it is when it ends', () => {
    expect(stateOf(requested(), leased(1), ended(1)).lease).toMatchObject({ holder: null, folderAt: ONE });
  });
});

describe('the end of a lease', () => {
  it('is for the daemon that holds it, under its epoch', () => {
    given(taskDecider, ...HELD)
      .when(end('released', 1))
      .then(became('paused'), ended(1));
    given(taskDecider, ...HELD)
      .when(end('released', 2))
      .refused('LEASE_STALE');
    given(taskDecider, ...HELD)
      .when(end('released', 1, { daemonId: OTHER }))
      .refused('LEASE_STALE');
    given(taskDecider, ...HELD, ended(1))
      .when(end('released', 1))
      .refused('LEASE_STALE');
  });

  it('comes to whatever lease there is when somebody stops the task', () => {
    given(taskDecider, ...HELD)
      .when(end('revoked', null))
      .then(became('paused'), ended(1, 'revoked'));
    given(taskDecider, created).when(end('revoked', null)).refused('TASK_NOT_RUNNING');
  });

  it('comes to a lost daemon once: who looks second finds another lease, or none', () => {
    const lost = end('lost', 1, { status: 'interrupted' });
    given(taskDecider, ...HELD)
      .when(lost)
      .then(became('interrupted'), ended(1, 'lost'));
    given(taskDecider, ...HELD, ended(1, 'lost'))
      .when(lost)
      .refused('LEASE_STALE');
    given(taskDecider, ...HELD, ended(1, 'lost'), requested(), leased(2, ONE))
      .when(lost)
      .refused('LEASE_STALE');
  });

  it('closes what the agent left open, with an outcome that nobody knows', () => {
    const calls: TaskEvent = {
      type: 'MessageRecorded',
      data: {
        seq: 1,
        role: 'assistant',
        content: '',
        toolCalls: [
          { id: 'answered', name: 'Read', input: {} },
          { id: 'open', name: 'Bash', input: {} },
        ],
      },
    };
    const result: TaskEvent = {
      type: 'ToolResultRecorded',
      data: { seq: 2, callSeq: 1, toolCallId: 'answered', toolName: 'Read', result: '', isError: false },
    };
    const events = given(taskDecider, ...HELD, calls, result)
      .when(end('lost', 1))
      .events();
    expect(events.map(({ type }) => type)).toEqual([
      'ToolResultRecorded',
      'TaskStatusChanged',
      'TaskLeaseEnded',
    ]);
    expect(events[0]!.data).toMatchObject({
      toolCallId: 'open',
      callSeq: 1,
      isError: true,
      outcome: 'unknown',
    });
  });

  it('comes with a task that is given to another daemon', () => {
    const why = 'The task was given to another daemon.';
    given(taskDecider, ...HELD)
      .when({ type: 'Reassign', targetDaemonId: OTHER })
      .then(became('interrupted', why), ended(1, 'revoked', why), {
        type: 'TaskReassigned',
        data: { targetDaemonId: OTHER },
      });
  });
});

describe('what is said under a lease', () => {
  const say = (held: { daemonId: string; epoch: number } | null | undefined): TaskCommand => ({
    type: 'RecordActivity',
    activities: [{ type: 'RecordOutput', data: { channel: 'stdout', text: 'x' } }],
    ...(held === undefined ? {} : { lease: held }),
  });
  const output: TaskEvent = { type: 'TaskOutputRecorded', data: { channel: 'stdout', text: 'x' } };

  it('counts from the daemon that holds it', () => {
    given(taskDecider, ...HELD)
      .when(say({ daemonId: ONE, epoch: 1 }))
      .then(output);
  });

  it.each([
    ['another daemon', { daemonId: OTHER, epoch: 1 }],
    ['an older epoch', { daemonId: ONE, epoch: 1 }],
    ['an epoch that never was', { daemonId: ONE, epoch: 3 }],
  ])('does not count from %s', (_, held) => {
    given(taskDecider, ...HELD, ended(1), requested(), leased(2))
      .when(say(held))
      .refused('LEASE_STALE');
  });

  it('does not count after its end', () => {
    given(taskDecider, ...HELD, ended(1))
      .when(say({ daemonId: ONE, epoch: 1 }))
      .refused('LEASE_STALE');
  });

  it('is not needed by a daemon where none works, nor ever by anybody else', () => {
    given(taskDecider, created).when(say(null)).then(output);
    given(taskDecider, ...HELD)
      .when(say(null))
      .refused('LEASE_STALE');
    given(taskDecider, ...HELD, ended(1))
      .when(say(null))
      .then(output);
    given(taskDecider, ...HELD)
      .when(say(undefined))
      .then(output);
  });
});

describe('starting a task', () => {
  it('waits for no daemon that works in it', () => {
    const start = { type: 'RequestStart', data: startFor(null) } as const;
    given(taskDecider, created).when(start).then(requested());
    given(taskDecider, ...HELD)
      .when(start)
      .refused('TASK_RUNNING');
    given(taskDecider, ...HELD, ended(1))
      .when(start)
      .then(requested());
  });
});

describe('a checkpoint that is asked for', () => {
  const ask: TaskCommand = { type: 'RequestCheckpoint', requestId: 'r', message: 'look' };

  it('needs a folder, and goes to the daemon that has the newest, leased or not', () => {
    given(taskDecider, created, requested()).when(ask).refused('NO_FOLDER');
    given(taskDecider, ...HELD)
      .when(ask)
      .then(asked('r', 'look'));
    given(taskDecider, ...HELD, ended(1))
      .when(ask)
      .then(asked('r', 'look'));
    const answered: TaskEvent = {
      type: 'CheckpointRequestAnswered',
      data: { requestId: 'r', checkpointId: 'c-1' },
    };
    given(taskDecider, ...HELD, ended(1), asked('r'))
      .when(answer('r'))
      .then(answered);
    given(taskDecider, ...HELD, asked('r'))
      .when(answer('r', OTHER))
      .refused('LEASE_STALE');
    given(taskDecider, ...HELD, ended(1), asked('r'), requested(), leased(2, OTHER))
      .when(answer('r'))
      .refused('LEASE_STALE');
  });

  it('is answered once', () => {
    const answered: TaskEvent = {
      type: 'CheckpointRequestAnswered',
      data: { requestId: 'r', checkpointId: 'c-1' },
    };
    given(taskDecider, ...HELD)
      .when(answer('r'))
      .refused('CHECKPOINT_REQUEST_UNKNOWN');
    given(taskDecider, ...HELD, asked('r'), answered)
      .when(answer('r'))
      .refused('CHECKPOINT_REQUEST_UNKNOWN');
    expect(stateOf(requested(), leased(1), asked('q'), asked('r'), answered).lease).toMatchObject({
      checkpointRequests: [{ requestId: 'q' }],
      lastAnswer: { requestId: 'r', checkpointId: 'c-1' },
    });
  });

  it('does not wait in numbers without bound', () => {
    const many = Array.from({ length: 20 }, (_, n) => asked(`${n}`));
    given(taskDecider, ...HELD, ...many.slice(1))
      .when(ask)
      .then(asked('r', 'look'));
    given(taskDecider, ...HELD, ...many)
      .when(ask)
      .refused('TOO_MANY_CHECKPOINT_REQUESTS');
  });
});
