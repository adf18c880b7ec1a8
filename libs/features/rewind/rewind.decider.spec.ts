import { fold } from '#libs/kernel/decider.js';
import { given } from '#libs/testing/decider-spec.js';
import { shownTip } from '../conversation/conversation.decider.js';
import { taskDecider, type TaskCommand } from '../task/task.decider.js';
import type { TaskEvent } from '../task/task.events.js';
import type { OpenTask } from '../task/task.state.js';
import type { CodePoint, HeadMove, RewindWanted } from './rewind.events.js';

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
const at = (name: string): CodePoint => ({
  taskId,
  checkpointId: name,
  commitSha: name,
  headSha: null,
  branchName: null,
});
const taken = (name: string, number: number, isAside?: true): TaskEvent => ({
  type: 'CheckpointRecorded',
  data: {
    checkpointId: name,
    number,
    commitSha: name,
    branchName: null,
    message: '',
    filesChanged: [],
    linesAdded: 0,
    linesRemoved: 0,
    seq: 0,
    branch: 0,
    ...(isAside ? { isAside } : {}),
  },
});
const leasedBy = (daemonId: string): readonly TaskEvent[] => [
  { type: 'TaskStartRequested', data: { runner: null, prompt: null, targetDaemonId: null } },
  { type: 'TaskLeased', data: { daemonId, epoch: 1 } },
];
const toMessage = (seq: number): HeadMove => ({
  kind: 'rewind',
  keepUpTo: { taskId, seq },
  keptMessages: seq,
  point: { kind: 'messageCount', value: '1' },
  openCalls: [],
});
const wanted = (more: Partial<RewindWanted> = {}): RewindWanted => ({
  rewindId: 'r-1',
  scope: 'both',
  target: at('old'),
  revert: null,
  head: toMessage(1),
  preserve: { mode: 'stash', branchName: null },
  undoes: null,
  reason: 'wrong way',
  ...more,
});
const request = (more: Partial<RewindWanted> = {}, expectedControlVersion?: number): TaskCommand => ({
  type: 'RequestRewind',
  data: wanted(more),
  ...(expectedControlVersion === undefined ? {} : { expectedControlVersion }),
});
const asked = (more: Partial<RewindWanted> = {}): TaskEvent => ({
  type: 'RewindRequested',
  data: wanted(more),
});
const commit = (more: Partial<Extract<TaskCommand, { type: 'CommitRewind' }>> = {}): TaskCommand => ({
  type: 'CommitRewind',
  rewindId: 'r-1',
  daemonId: 'd',
  before: at('before'),
  result: null,
  ...more,
});
const complete: TaskCommand = { type: 'CompleteRewind', rewindId: 'r-1', daemonId: 'd', tree: 't' };
const completed: TaskEvent = { type: 'RewindCompleted', data: { rewindId: 'r-1', daemonId: 'd', tree: 't' } };
const failed: TaskCommand = { type: 'FailRewind', rewindId: 'r-1', reason: 'no room' };

/** Two messages, and the code at `new` after `old`. */
const BEFORE = [created, message(1), message(2), taken('old', 1), taken('new', 2)] as const;

/** What happened, with what a command then does. */
const after = (history: readonly TaskEvent[], ...commands: readonly TaskCommand[]): readonly TaskEvent[] =>
  commands.reduce<readonly TaskEvent[]>(
    (all, command) => [
      ...all,
      ...given(taskDecider, ...all)
        .when(command)
        .events(),
    ],
    history,
  );
const stateOf = (events: readonly TaskEvent[]): OpenTask =>
  fold(taskDecider, taskDecider.initial, events) as OpenTask;
const shown = (events: readonly TaskEvent[]): number => shownTip(stateOf(events).conversation).count;
const codeIn = (events: readonly TaskEvent[]) => stateOf(events).rewind.code?.checkpointId;
const typesOf = (events: readonly TaskEvent[]) => events.map(({ type }) => type);

describe('asking for a rewind', () => {
  it('changes nothing yet, and locks the task', () => {
    given(taskDecider, ...BEFORE)
      .when(request())
      .then(asked());
    const locked = [...BEFORE, asked()];
    expect([codeIn(locked), shown(locked)]).toEqual(['new', 2]);
    given(taskDecider, ...locked)
      .when(request({ rewindId: 'r-2' }))
      .refused('TASK_BUSY');
    given(taskDecider, ...locked)
      .when({ type: 'UndoRewind' })
      .refused('TASK_BUSY');
    given(taskDecider, ...locked, ...leasedBy('d').slice(0, 1))
      .when({ type: 'LeaseTask', daemonId: 'd' })
      .refused('TASK_BUSY');
  });

  it('may be tied to what the caller has seen', () => {
    const { controlVersion } = stateOf(BEFORE);
    given(taskDecider, ...BEFORE)
      .when(request({}, controlVersion))
      .then(asked());
    given(taskDecider, ...BEFORE)
      .when(request({}, controlVersion - 1))
      .refused('PRECONDITION_FAILED');
  });

  it('needs somewhere to go, unless the code has', () => {
    const end = toMessage(2);
    given(taskDecider, ...BEFORE)
      .when(request({ head: end, scope: 'conversation' }))
      .refused('NOTHING_TO_REWIND');
    given(taskDecider, ...BEFORE)
      .when(request({ head: end }))
      .then(asked({ head: end }));
  });
});

describe('the commit point of a rewind', () => {
  it('takes code and conversation in one decision', () => {
    const events = given(taskDecider, ...BEFORE, asked())
      .when(commit())
      .events();
    expect(typesOf(events)).toEqual(['RewindPrepared', 'RewindCommitted', 'ConversationRewound']);
    expect(events[1]!.data).toEqual({
      rewindId: 'r-1',
      target: at('old'),
      preservedAs: { type: 'stash', reference: 'refs/makima/stash/r-1' },
      branch: 1,
      isDeferred: false,
    });
    const all = [...BEFORE, asked(), ...events];
    expect([codeIn(all), shown(all), stateOf(all).rewind.current?.phase]).toEqual(['old', 1, 'committed']);
  });

  it('waits until the agent is stopped', () => {
    given(taskDecider, ...BEFORE, ...leasedBy('d'), asked())
      .when(commit())
      .refused('TASK_RUNNING');
  });

  it('comes once, however often the daemon says that it is prepared', () => {
    given(taskDecider, ...after([...BEFORE, asked()], commit()))
      .when(commit())
      .then();
  });

  it('is all there is to do without a daemon: the next lease brings the folder there', () => {
    const all = after([...BEFORE, asked()], commit({ daemonId: null, before: null }));
    expect(stateOf(all).rewind).toMatchObject({
      current: null,
      deferred: { rewindId: 'r-1', target: at('old') },
      code: at('old'),
    });
    given(taskDecider, ...all)
      .when(complete)
      .then(completed);
    expect(stateOf([...all, completed]).rewind.deferred).toBeNull();
  });

  it('is the end of a rewind of the conversation alone', () => {
    const talk = { target: null, scope: 'conversation' } as const;
    const all = after([...BEFORE, asked(talk)], commit({ daemonId: null, before: null }));
    expect([codeIn(all), shown(all), stateOf(all).rewind.current]).toEqual(['new', 1, null]);
  });

  it('promises no name for code that stays where it is', () => {
    const talk = {
      target: null,
      scope: 'conversation',
      preserve: { mode: 'stash', branchName: null },
    } as const;
    const events = given(taskDecider, ...BEFORE, asked(talk))
      .when(commit({ before: at('before') }))
      .events();
    expect(events[1]).toMatchObject({ type: 'RewindCommitted', data: { preservedAs: null } });
  });

  it('says what becomes of the code that was there', () => {
    const preservedAs = (preserve: RewindWanted['preserve'], before: CodePoint | null = at('before')) => {
      const events = given(taskDecider, ...BEFORE, asked({ preserve }))
        .when(commit({ before }))
        .events();
      return (events[1] as Extract<TaskEvent, { type: 'RewindCommitted' }>).data.preservedAs;
    };
    expect(preservedAs({ mode: 'discard', branchName: null })).toBeNull();
    expect(preservedAs({ mode: 'create_branch', branchName: 'kept' })).toEqual({
      type: 'branch',
      reference: 'kept',
    });
    expect(preservedAs({ mode: 'create_branch', branchName: null })).toMatchObject({
      type: 'branch',
      reference: 'makima/before-r-1',
    });
    expect(preservedAs({ mode: 'stash', branchName: null }, null)).toBeNull();
  });

  it('of a revert goes to the result that the daemon made', () => {
    const revert = { checkpoint: at('old'), previousSha: null };
    const all = after(
      [...BEFORE, asked({ revert, target: null, head: null })],
      commit({ result: at('made') }),
    );
    expect(codeIn(all)).toBe('made');
  });
});

describe('after the commit point', () => {
  const committed = after([...BEFORE, asked()], commit());

  it('a rewind is complete when the folder shows it, and the task is free again', () => {
    given(taskDecider, ...BEFORE, asked())
      .when(complete)
      .refused('TASK_BUSY');
    given(taskDecider, ...committed)
      .when(complete)
      .then(completed);
    given(taskDecider, ...committed, completed)
      .when(complete)
      .refused('REWIND_OVER');
    given(taskDecider, ...committed, completed)
      .when(request({ rewindId: 'r-2', head: null }))
      .events();
  });

  it('a failure puts the conversation back to where the code was put back to', () => {
    const events = given(taskDecider, ...committed)
      .when(failed)
      .events();
    expect(typesOf(events)).toEqual(['RewindFailed', 'ConversationRewindUndone']);
    const all = [...committed, ...events];
    expect([codeIn(all), shown(all), stateOf(all).rewind.current]).toEqual(['before', 2, null]);
    expect(stateOf(all).rewind.done).toEqual([]);
  });

  it('before it, a failure has changed nothing', () => {
    const all = after([...BEFORE, asked()], failed);
    expect(all.at(-1)).toEqual({ type: 'RewindAborted', data: { rewindId: 'r-1', reason: 'no room' } });
    expect([codeIn(all), shown(all), stateOf(all).rewind.current]).toEqual(['new', 2, null]);
  });

  it('is called off before it is committed, and never after: its daemon is on its way then', () => {
    const cancel: TaskCommand = { type: 'CancelRewind', rewindId: 'r-1', reason: 'enough' };
    const all = after([...BEFORE, asked()], cancel);
    expect(all.at(-1)).toEqual({ type: 'RewindAborted', data: { rewindId: 'r-1', reason: 'enough' } });
    given(taskDecider, ...after([...BEFORE, asked()], commit()))
      .when(cancel)
      .refused('REWIND_COMMITTED');
  });

  it('nobody is heard of a rewind that there is not', () => {
    for (const command of [commit(), complete, failed])
      given(taskDecider, ...BEFORE)
        .when(command)
        .refused('REWIND_UNKNOWN');
  });
});

describe('taking a rewind back', () => {
  const done = [...after([...BEFORE, asked()], commit()), completed];
  const back: Partial<RewindWanted> = {
    rewindId: 'r-2',
    target: at('before'),
    head: { kind: 'undo', branch: 1 },
    undoes: 'r-1',
  };

  it('brings back what was there, also after new work', () => {
    const worked = [...done, message(3), taken('newer', 3)];
    const all = after([...worked, asked(back)], commit({ rewindId: 'r-2', before: at('newer') }));
    expect([codeIn(all), shown(all)]).toEqual(['before', 2]);
  });

  it('happens once', () => {
    const all = after([...done, asked(back)], commit({ rewindId: 'r-2' }), {
      ...complete,
      rewindId: 'r-2',
    });
    given(taskDecider, ...all)
      .when(request({ ...back, rewindId: 'r-3' }))
      .refused('REWIND_UNDONE');
  });

  it('may name each of the newest fifty', () => {
    const code = (n: number): Partial<RewindWanted> => ({
      rewindId: `r-${n}`,
      head: null,
      target: at(`c-${n}`),
    });
    const all = Array.from({ length: 51 }, (_, n) => n).reduce<readonly TaskEvent[]>(
      (events, n) =>
        after([...events, asked(code(n))], commit({ rewindId: `r-${n}`, daemonId: null, before: null })),
      BEFORE,
    );
    const { done: kept } = stateOf(all).rewind;
    expect([kept.length, kept[0]!.rewindId, kept.at(-1)!.rewindId]).toEqual([50, 'r-1', 'r-50']);
  });
});

it('takes a checkpoint aside for no place where the code is', () => {
  expect(codeIn([...BEFORE, taken('aside', 3, true)])).toBe('new');
});

describe('where the code is', () => {
  const lease = (daemonId: string, epoch: number): TaskEvent => ({
    type: 'TaskLeased',
    data: { daemonId, epoch },
  });
  const ended = (daemonId: string, epoch: number): TaskEvent => ({
    type: 'TaskLeaseEnded',
    data: { daemonId, epoch, end: 'released', reason: null },
  });
  const running: TaskEvent = {
    type: 'TaskStatusChanged',
    data: { previousStatus: 'starting', newStatus: 'running', reason: null },
  };
  const ranOnOne: readonly TaskEvent[] = [
    created,
    lease('one', 1),
    running,
    taken('done', 1),
    ended('one', 1),
    lease('two', 2),
  ];
  const codeAfter = (...events: readonly TaskEvent[]): string | undefined =>
    (fold(taskDecider, taskDecider.initial, events) as OpenTask).rewind.code?.checkpointId;

  it('is no folder whose daemon had not brought it there when its lease ended', () => {
    expect(codeAfter(...ranOnOne, ended('two', 2), taken('stale', 2))).toBe('done');
  });

  it('is the folder in which the agent ran last, whatever was done there since', () => {
    expect(codeAfter(...ranOnOne, running, ended('two', 2), taken('by hand', 2))).toBe('by hand');
  });
});
