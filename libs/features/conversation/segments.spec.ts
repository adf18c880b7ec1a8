import { countOf, cutAfter, indexIn, shows, slice, type Segment } from './segments.js';

const task = 'a';
const other = 'b';

describe('segments', () => {
  const list: readonly Segment[] = [
    { taskId: other, from: 1, to: 4 },
    { taskId: task, from: 1, to: 3 },
    { taskId: task, from: 6, to: 8 },
  ];

  it('count what is shown', () => {
    expect(countOf(list)).toBe(4 + 3 + 3);
    expect(countOf([])).toBe(0);
  });

  it('know which messages are shown, and how many come before', () => {
    expect(shows(list, { taskId: task, seq: 3 })).toBe(true);
    expect(shows(list, { taskId: task, seq: 4 })).toBe(false);
    expect(shows(list, { taskId: other, seq: 5 })).toBe(false);
    expect(indexIn(list, { taskId: other, seq: 1 })).toBe(0);
    expect(indexIn(list, { taskId: task, seq: 7 })).toBe(8);
    expect(indexIn(list, { taskId: task, seq: 5 })).toBeNull();
  });

  it('are cut after a message, also in a part that came from another task', () => {
    expect(cutAfter(list, { taskId: other, seq: 2 })).toEqual([{ taskId: other, from: 1, to: 2 }]);
    expect(cutAfter(list, { taskId: task, seq: 6 })).toEqual([
      list[0],
      list[1],
      { taskId: task, from: 6, to: 6 },
    ]);
    expect(cutAfter(list, null)).toEqual([]);
  });

  it('are sliced by number', () => {
    expect(slice(list, 3, 8)).toEqual([
      { taskId: other, from: 4, to: 4 },
      { taskId: task, from: 1, to: 3 },
      { taskId: task, from: 6, to: 6 },
    ]);
    expect(slice(list, 10, 12)).toEqual([]);
    expect(slice(list, -1, 0)).toEqual([]);
  });
});
