import fc from 'fast-check';
import type { Segment } from './conversation.events.js';
import { closed, continued, countOf, cutAfter, shows } from './segments.js';

const task = 'a';
const other = 'b';

describe('segments', () => {
  const list: readonly Segment[] = [
    { taskId: other, from: 1, to: 4 },
    { taskId: task, from: 1, to: 3 },
    { taskId: task, from: 6, to: null },
  ];

  it('closes the open end at the last message and drops empty runs', () => {
    expect(closed(list, 8).at(-1)).toEqual({ taskId: task, from: 6, to: 8 });
    expect(closed(list, 5)).toHaveLength(2);
  });

  it('counts what is shown', () => {
    expect(countOf(list, 8)).toBe(4 + 3 + 3);
    expect(countOf([], 8)).toBe(0);
  });

  it('knows which messages are shown', () => {
    expect(shows(list, { taskId: task, seq: 3 }, 8)).toBe(true);
    expect(shows(list, { taskId: task, seq: 4 }, 8)).toBe(false);
    expect(shows(list, { taskId: other, seq: 4 }, 8)).toBe(true);
    expect(shows(list, { taskId: other, seq: 5 }, 8)).toBe(false);
  });

  it('cuts after a message, also in a part that came from another task', () => {
    expect(cutAfter(list, { taskId: other, seq: 2 }, 8)).toEqual([{ taskId: other, from: 1, to: 2 }]);
    expect(cutAfter(list, { taskId: task, seq: 6 }, 8)).toEqual([
      list[0],
      list[1],
      { taskId: task, from: 6, to: 6 },
    ]);
    expect(cutAfter(list, null, 8)).toEqual([]);
  });

  it('goes on with what is recorded next', () => {
    expect(countOf(continued([], task, 7), 7)).toBe(0);
    expect(countOf(continued([], task, 7), 9)).toBe(2);
  });

  /** The same operations on plain lists of messages: the model that segments must agree with. */
  it('agrees with plain lists under any run of messages, rewinds and undos', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('record' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant('rewind' as const), keep: fc.nat({ max: 30 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let segments: readonly Segment[] = continued([], task, 0);
        let model: number[] = [];
        let last = 0;
        for (const one of steps) {
          if (one.kind === 'record') {
            for (let n = 0; n < one.count; n += 1) model.push((last += 1));
          } else {
            const keep = Math.min(one.keep, model.length);
            const seq = model[keep - 1];
            segments = continued(
              cutAfter(segments, seq === undefined ? null : { taskId: task, seq }, last),
              task,
              last,
            );
            model = model.slice(0, keep);
          }
          const shown = closed(segments, last).flatMap(({ from, to }) =>
            Array.from({ length: (to ?? 0) - from + 1 }, (_, n) => from + n),
          );
          expect(shown).toEqual(model);
          expect(countOf(segments, last)).toBe(model.length);
        }
      }),
    );
  });
});
