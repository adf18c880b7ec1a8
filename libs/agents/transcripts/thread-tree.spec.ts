import { ThreadTree } from './thread-tree.js';
import type { Place } from './thread-tree.js';

const entry = (sourceId: string, line: number, isAside = false): Place => ({ sourceId, line, isAside });

/** A prompt, its answer, and lines that are no messages in between. */
function answered(): ThreadTree {
  const tree = new ThreadTree();
  tree.promptUnder(null, 1, false);
  tree.add('prompt', null, entry('prompt', 1));
  tree.add('tick', 'prompt');
  tree.add('answer', 'tick', entry('answer', 3));
  tree.add('duration', 'answer');
  return tree;
}

describe('ThreadTree', () => {
  test('the next prompt is no way back', () => {
    expect(answered().promptUnder('duration', 5, false)).toBeUndefined();
  });

  test('a second prompt in the same place is, also through lines that are no messages', () => {
    const tree = answered();
    tree.promptUnder('duration', 5, false);
    tree.add('second', 'duration', entry('second', 5));
    tree.add('reply', 'second', entry('reply', 6));
    expect(tree.promptUnder('answer', 7, false)).toBe('answer');
    expect(tree.promptUnder('duration', 8, false)).toBe('answer');
  });

  test('a first prompt under what is no longer shown goes over to it, and under what is shown does not', () => {
    const tree = answered();
    tree.promptUnder('answer', 5, false);
    tree.add('second', 'answer', entry('second', 5));
    tree.add('reply', 'second', entry('reply', 6));
    expect(tree.promptUnder('answer', 7, false)).toBe('answer');
    tree.add('other', 'answer', entry('other', 7));
    expect(tree.promptUnder('reply', 8, false)).toBe('reply');
    tree.add('third', 'reply', entry('third', 8));
    expect(tree.promptUnder('third', 9, false)).toBeUndefined();
    expect(tree.promptUnder('other', 10, false)).toBe('other');
  });

  test('commands between do not hide it; what was said after the first prompt does not hold', () => {
    const tree = answered();
    tree.promptUnder('answer', 5, false);
    tree.add('second', 'answer', entry('second', 5));
    tree.add('command', 'answer', entry('command', 6, true));
    expect(tree.promptUnder('command', 7, false)).toBe('answer');
  });

  test('commands before both prompts hold', () => {
    const tree = answered();
    tree.add('command', 'answer', entry('command', 5, true));
    tree.promptUnder('command', 6, false);
    expect(tree.promptUnder('command', 7, false)).toBe('command');
  });

  test('a second prompt at the beginning goes back to nothing, unless it opens a context of its own', () => {
    expect(answered().promptUnder(null, 5, false)).toBeNull();
    expect(answered().promptUnder(null, 5, true)).toBeUndefined();
  });

  test('two beginnings, each under a line of its own, are two contexts', () => {
    const tree = new ThreadTree();
    tree.add('start', null);
    tree.promptUnder('start', 2, false);
    tree.add('prompt', 'start', entry('prompt', 2));
    tree.add('restart', null);
    expect(tree.promptUnder('restart', 4, false)).toBeUndefined();
    expect(tree.promptUnder('start', 5, false)).toBeNull();
  });

  test('an orphan hangs under the line before it, is counted, and is no way back', () => {
    const tree = answered();
    expect(tree.promptUnder('missing', 5, false)).toBeUndefined();
    tree.add('orphan', 'missing', entry('orphan', 5));
    expect(tree.orphans).toBe(1);
    expect(tree.promptUnder('duration', 6, false)).toBeUndefined();
  });

  test('a line cannot be above itself or above an earlier one', () => {
    const tree = new ThreadTree();
    tree.add('a', 'b', entry('a', 1));
    tree.add('b', 'a', entry('b', 2));
    tree.add('c', 'c', entry('c', 3));
    expect(tree.orphans).toBe(2);
    expect(tree.promptUnder('c', 4, false)).toBeUndefined();
  });
});
