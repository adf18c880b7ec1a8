import type { Segment } from '../conversation/segments.js';
import { partingOf } from './ancestor.js';

const run = (taskId: string, from: number, to: number): Segment => ({ taskId, from, to });

it('finds where a fork left its source', () => {
  const source = [run('a', 1, 10)];
  const fork = [run('a', 1, 4), run('b', 1, 3)];
  expect(partingOf(source, fork)).toEqual({
    last: { taskId: 'a', seq: 4 },
    commonMessages: 4,
    since: [[run('a', 5, 10)], [run('b', 1, 3)]],
  });
});

it('finds where two forks left the source of both, and where two branches part', () => {
  const [early, late] = [
    [run('a', 1, 4), run('b', 1, 3)],
    [run('a', 1, 4), run('a', 9, 12), run('c', 1, 2)],
  ];
  expect(partingOf(early, late)).toEqual({
    last: { taskId: 'a', seq: 4 },
    commonMessages: 4,
    since: [[run('b', 1, 3)], [run('a', 9, 12), run('c', 1, 2)]],
  });
  expect(partingOf([run('a', 1, 4), run('a', 9, 11)], late).last).toEqual({ taskId: 'a', seq: 11 });
});

it('finds nothing new on the side that the other one goes on from', () => {
  expect(partingOf([run('a', 1, 4)], [run('a', 1, 4), run('b', 1, 3)]).since).toEqual([[], [run('b', 1, 3)]]);
  expect(partingOf([run('a', 1, 4)], [run('a', 1, 4)]).since).toEqual([[], []]);
});

it('finds nothing in common of strangers, and of nothing', () => {
  const [one, other] = [[run('a', 1, 4)], [run('b', 1, 4)]];
  expect(partingOf(one, other)).toEqual({ last: null, commonMessages: 0, since: [one, other] });
  expect(partingOf([], other)).toEqual({ last: null, commonMessages: 0, since: [[], other] });
});
