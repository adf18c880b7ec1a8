import { taskUpcasters } from './task.upcasters.js';

const upcast = (type: string, data: unknown): unknown => taskUpcasters[type]![0]!(data);
const fork = { taskId: 'source', from: 1, to: 4 };

describe('events that listed what was shown', () => {
  it.each(['ConversationRewound', 'ConversationRewindUndone'])('%s: go on after the last run', (type) => {
    const own = { taskId: 'task', from: 3, to: 6 };
    const open = { taskId: 'task', from: 9, to: null };
    expect(
      upcast(type, { branch: 2, previousBranch: 1, hiddenMessages: 2, segments: [fork, own, open] }),
    ).toEqual({
      branch: 2,
      previousBranch: 1,
      hiddenMessages: 2,
      after: { taskId: 'task', seq: 6 },
      keptMessages: 8,
      seq: 8,
    });
    expect(upcast(type, { branch: 1, segments: [{ taskId: 'task', from: 4, to: null }] })).toEqual({
      branch: 1,
      after: null,
      keptMessages: 0,
      seq: 3,
    });
  });

  it('a fork: shows its source up to the last run', () => {
    const after = { taskId: 'source', seq: 4 };
    expect(upcast('TaskForked', { name: 'f', segments: [fork] })).toEqual({
      name: 'f',
      after,
      keptMessages: 4,
    });
    expect(upcast('TaskForked', { segments: [] })).toEqual({ after: null, keptMessages: 0 });
  });

  it('a snapshot: holds all that leads to the last message', () => {
    expect(upcast('ConversationSnapshotTaken', { seq: 4, segments: [fork] })).toEqual({
      seq: 4,
      last: { taskId: 'source', seq: 4 },
    });
  });
});
