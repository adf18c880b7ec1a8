import { countHunks, countReplacement, countUnifiedDiff, linesOf } from './text-lines.js';

describe('linesOf', () => {
  test.each([
    ['', 0],
    ['a', 1],
    ['a\n', 1],
    ['a\n\n', 2],
    ['a\nb', 2],
  ])('%j has %i', (text, count) => {
    expect(linesOf(text)).toHaveLength(count);
  });
});

describe('counts', () => {
  test('of a unified diff leave its head out', () => {
    const diff = '--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n same\n-old\n+new\n+newer\n--- still a line\n';
    expect(countUnifiedDiff(diff)).toEqual({ linesAdded: 2, linesRemoved: 2 });
  });

  test('of hunks ignore what is no hunk', () => {
    const hunks = [{ lines: [' a', '+b', '-c', 7] }, null, { lines: 'no' }, { lines: ['+d'] }];
    expect(countHunks(hunks)).toEqual({ linesAdded: 2, linesRemoved: 1 });
  });

  test.each([
    ['a\nb\nc', 'a\nx\nc', 1, 1],
    ['a', 'a\nb', 1, 0],
    ['a\na', 'a', 0, 1],
    ['', 'a\nb\n', 2, 0],
    ['same', 'same', 0, 0],
  ])('from %j to %j: +%i −%i', (before, after, linesAdded, linesRemoved) => {
    expect(countReplacement(before, after)).toEqual({ linesAdded, linesRemoved });
  });
});
