import { fold } from '#libs/kernel/decider.js';
import { given } from '#libs/testing/decider-spec.js';
import { tipOf } from '../conversation/branches.js';
import { shownTip } from '../conversation/conversation.decider.js';
import type { Activity } from './activity.decider.js';
import { taskDecider, type TaskCommand } from './task.decider.js';
import type { OpenTask } from './task.state.js';
import type { TaskEvent } from './task.events.js';

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
const message = (seq: number, role: 'user' | 'assistant' = 'user'): TaskEvent => ({
  type: 'MessageRecorded',
  data: { seq, role, content: `message ${seq}` },
});
const say = (content: string): Activity => ({ type: 'RecordMessage', content: { role: 'user', content } });
const record = (...activities: Activity[]): TaskCommand => ({
  type: 'RecordActivity',
  activities,
});
/** The result of a call, from an agent that does not say which tool it was. */
const answering = (toolCallId: string): TaskCommand =>
  record({ type: 'RecordToolResult', content: { toolCallId, toolName: '', result: 'ok', isError: false } });
const point = { kind: 'messageCount', value: '1' } as const;
const rewind = (seq: number | null): Extract<TaskCommand, { type: 'RewindConversation' }> => ({
  type: 'RewindConversation',
  keepUpTo: seq === null ? null : { taskId, seq },
  keptMessages: seq ?? 0,
  point,
  reason: null,
});
const stateOf = (...events: TaskEvent[]): OpenTask =>
  fold(taskDecider, taskDecider.initial, events) as OpenTask;

describe('a task', () => {
  it('is created once', () => {
    given(taskDecider).when({ type: 'CreateTask', data: created.data }).then(created);
    given(taskDecider, created).when({ type: 'CreateTask', data: created.data }).refused('TASK_EXISTS');
  });

  it('does nothing before it exists', () => {
    given(taskDecider)
      .when(record(say('hello')))
      .refused('TASK_UNKNOWN');
    given(taskDecider).when(rewind(null)).refused('TASK_UNKNOWN');
  });

  it('numbers messages and results along one line', () => {
    const events = given(taskDecider, created, message(1))
      .when(
        record(say('two'), {
          type: 'RecordToolResult',
          content: { toolCallId: 'c', toolName: 'Read', result: '', isError: false },
        }),
      )
      .events();
    expect(events.map(({ data }) => (data as { seq: number }).seq)).toEqual([2, 3]);
  });

  it('links a result to the call that asked for it, by message and tool', () => {
    const call: TaskEvent = {
      type: 'MessageRecorded',
      data: { seq: 1, role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'Edit', input: {} }] },
    };
    given(taskDecider, created, call, message(2))
      .when(answering('c1'))
      .then({
        type: 'ToolResultRecorded',
        data: { seq: 3, callSeq: 1, toolCallId: 'c1', toolName: 'Edit', result: 'ok', isError: false },
      });
  });

  it('keeps a result whose call nobody knows', () => {
    given(taskDecider, created)
      .when(answering('x'))
      .then({
        type: 'ToolResultRecorded',
        data: { seq: 1, callSeq: null, toolCallId: 'x', toolName: 'unknown', result: 'ok', isError: false },
      });
  });

  it('records what was worked out from a conversation unless that has changed, whatever else happens', () => {
    const output: TaskEvent = { type: 'TaskOutputRecorded', data: { channel: 'stdout', text: 'a line' } };
    const command = { ...record(say('two')), expectedChanges: 1 } as TaskCommand;
    expect(given(taskDecider, created, message(1), output, output).when(command).events()).toHaveLength(1);
    given(taskDecider, created, message(1), message(2)).when(command).refused('PRECONDITION_FAILED');
  });

  it('records all of a batch or nothing', () => {
    given(taskDecider, created)
      .when(record(say('one'), { type: 'AmendMessage', seq: 9, content: { role: 'user', content: '' } }))
      .refused('MESSAGE_UNKNOWN');
  });
});

/** A history, and what adds to it the events of one command after the other. */
function goingOn(...events: readonly TaskEvent[]) {
  const history = [...events];
  const add = (command: TaskCommand): void =>
    void history.push(
      ...given(taskDecider, ...history)
        .when(command)
        .events(),
    );
  return { history, add };
}

describe('going back in a conversation', () => {
  const three = [created, message(1), message(2), message(3)];

  it('shows a prefix and goes on after what was recorded', () => {
    const [event] = given(taskDecider, ...three)
      .when(rewind(1))
      .events();
    expect(event).toMatchObject({
      type: 'ConversationRewound',
      data: {
        branch: 1,
        previousBranch: 0,
        hiddenMessages: 2,
        after: { taskId, seq: 1 },
        keptMessages: 1,
        seq: 3,
      },
    });
    const state = stateOf(...three, event!, message(4));
    expect(shownTip(state.conversation).count).toBe(2);
  });

  it('refuses a point that is not shown, one without anything after it, and one of another task', () => {
    const rewound = given(taskDecider, ...three)
      .when(rewind(1))
      .events();
    given(taskDecider, ...three, ...rewound)
      .when(rewind(2))
      .refused('MESSAGE_NOT_SHOWN');
    given(taskDecider, ...three)
      .when(rewind(3))
      .refused('NOTHING_TO_REWIND');
    given(taskDecider, ...three)
      .when({ ...rewind(1), keepUpTo: { taskId: 'another', seq: 1 } })
      .refused('MESSAGE_NOT_SHOWN');
  });

  it('can go back to the very beginning', () => {
    const events = given(taskDecider, ...three)
      .when(rewind(null))
      .events();
    expect(shownTip(stateOf(...three, ...events).conversation).count).toBe(0);
  });

  it('is undone, also after new messages, which become a branch', () => {
    const rewound = given(taskDecider, ...three)
      .when(rewind(1))
      .events();
    const after = [...three, ...rewound, message(4), message(5)];
    const undone = given(taskDecider, ...after)
      .when({ type: 'UndoRewind' })
      .events();
    expect(undone[0]).toMatchObject({
      type: 'ConversationRewindUndone',
      data: { branch: 2, undoneBranch: 1, hiddenMessages: 2 },
    });
    const state = stateOf(...after, ...undone);
    expect(shownTip(state.conversation)).toEqual({ last: { taskId, seq: 3 }, count: 3 });
    expect(tipOf(state.conversation, 1)).toEqual({ last: { taskId, seq: 5 }, count: 3 });
  });

  it('has its undo undone by number, which brings back what came after the rewind', () => {
    const { history, add } = goingOn(...three);
    const shown = () => shownTip(stateOf(...history).conversation);
    add(rewind(1));
    history.push(message(4), message(5));
    add({ type: 'UndoRewind' });
    add({ type: 'UndoRewind', branch: 2 });
    expect(shown()).toEqual({ last: { taskId, seq: 5 }, count: 3 });
    add({ type: 'UndoRewind', branch: 3 });
    expect(shown()).toEqual({ last: { taskId, seq: 3 }, count: 3 });
    given(taskDecider, ...history)
      .when({ type: 'UndoRewind' })
      .refused('NOTHING_TO_UNDO');
    given(taskDecider, ...history)
      .when({ type: 'UndoRewind', branch: 2 })
      .refused('NOTHING_TO_UNDO');
  });

  it('undoes the newest rewind first, then the one before, then nothing', () => {
    const { history, add } = goingOn(...three);
    add(rewind(2));
    add(rewind(1));
    add({ type: 'UndoRewind' });
    expect(shownTip(stateOf(...history).conversation).count).toBe(2);
    add({ type: 'UndoRewind' });
    expect(shownTip(stateOf(...history).conversation).count).toBe(3);
    given(taskDecider, ...history)
      .when({ type: 'UndoRewind' })
      .refused('NOTHING_TO_UNDO');
    given(taskDecider, ...history)
      .when({ type: 'UndoRewind', branch: 99 })
      .refused('BRANCH_UNKNOWN');
  });

  it('is tied to the control version, which messages do not move', () => {
    const { controlVersion } = stateOf(created);
    expect(stateOf(...three).controlVersion).toBe(controlVersion);
    given(taskDecider, ...three)
      .when({ ...rewind(1), expectedControlVersion: controlVersion + 1 })
      .refused('PRECONDITION_FAILED');
    expect(
      given(taskDecider, ...three)
        .when({ ...rewind(1), expectedControlVersion: controlVersion })
        .events(),
    ).toHaveLength(1);
  });

  it('remembers open calls that it hides, so that undo brings them back whole', () => {
    const call: TaskEvent = {
      type: 'MessageRecorded',
      data: { seq: 4, role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'Edit', input: {} }] },
    };
    const rewound = given(taskDecider, ...three, call)
      .when(rewind(3))
      .events();
    const undone = given(taskDecider, ...three, call, ...rewound)
      .when({ type: 'UndoRewind' })
      .events();
    given(taskDecider, ...three, call, ...rewound, ...undone)
      .when(answering('c1'))
      .then({
        type: 'ToolResultRecorded',
        data: { seq: 5, callSeq: 4, toolCallId: 'c1', toolName: 'Edit', result: 'ok', isError: false },
      });
  });

  it('takes no name of every object for a call', () => {
    const result = { toolCallId: 'constructor', toolName: '', result: 'ok', isError: false };
    given(taskDecider, ...three)
      .when(record({ type: 'RecordToolResult', content: result }))
      .then({ type: 'ToolResultRecorded', data: { ...result, seq: 4, callSeq: null, toolName: 'unknown' } });
  });
});

describe('a fork', () => {
  const forked: TaskEvent = {
    type: 'TaskForked',
    data: {
      taskId,
      contractId: null,
      parentTaskId: null,
      name: 'fork',
      plan: '',
      sourceTaskId: 'source',
      sourceVersion: 9,
      point: {
        type: 'message_id',
        value: 'm',
        inclusive: true,
        checkpointId: null,
        timestamp: '2026-01-01T00:00:00.000Z',
      },
      after: { taskId: 'source', seq: 6 },
      keptMessages: 5,
      conversationIncluded: true,
      checkpointSha: null,
      checkpointNumber: 3,
      branchName: null,
      source: null,
    },
  };

  it("shows its source's messages and can go back into them", () => {
    expect(shownTip(stateOf(forked).conversation).count).toBe(5);
    const events = given(taskDecider, forked, message(1))
      .when({ ...rewind(2), keepUpTo: { taskId: 'source', seq: 2 } })
      .events();
    expect(shownTip(stateOf(forked, message(1), ...events).conversation).count).toBe(2);
  });

  it('knows which calls its source had open, in messages that are not its own', () => {
    const openCalls = [{ id: 'c1', name: 'Edit', taskId: 'source', seq: 6 }];
    const withCall = { ...forked, data: { ...forked.data, openCalls } } as TaskEvent;
    const result = { toolCallId: 'c1', result: 'ok', isError: false };
    const [answered] = given(taskDecider, withCall).when(answering('c1')).events();
    const place = { seq: 1, callSeq: 6, callTaskId: 'source' };
    expect(answered!.data).toEqual({ ...result, ...place, toolName: 'Edit' });
    expect(stateOf(withCall, answered!).conversation.openCalls).toEqual({});
    given(taskDecider, forked)
      .when(answering('c1'))
      .then({ type: 'ToolResultRecorded', data: { ...result, seq: 1, callSeq: null, toolName: 'unknown' } });
  });

  it("goes on with its source's checkpoint numbers", () => {
    const checkpoint = {
      checkpointId: 'c',
      commitSha: 'a'.repeat(40),
      branchName: null,
      message: '',
      filesChanged: [],
      linesAdded: 0,
      linesRemoved: 0,
    };
    const events = given(taskDecider, forked)
      .when(record({ type: 'RecordCheckpoint', data: checkpoint }))
      .events();
    expect(events[0]).toMatchObject({ data: { number: 4 } });
  });
});
