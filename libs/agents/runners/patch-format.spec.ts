import { withCell } from './notebook-cells.js';
import { parsePatch, patched } from './patch-format.js';
import { EditFailed } from './task-folder.js';

const patchOf = (...lines: readonly string[]): string =>
  ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');

/** A text after an update of one file. */
function updated(text: string, ...lines: readonly string[]): string {
  const [file] = parsePatch(patchOf('*** Update File: a', ...lines));
  if (file?.does !== 'update') throw new Error('no update');
  return patched(text, 'a', file.chunks);
}

describe('a patch', () => {
  test('names what it does to which file', () => {
    const text = patchOf(
      '*** Add File: a b.txt',
      '+one',
      '+',
      '*** Delete File: c',
      '*** Update File: d',
      '*** Move to: e',
      '@@',
      '-x',
      '+y',
    );
    expect(parsePatch(`apply_patch <<'EOF'\r\n${text}\nEOF\n*** Delete File: not of it`)).toEqual([
      { does: 'add', path: 'a b.txt', lines: ['one', ''] },
      { does: 'delete', path: 'c' },
      { does: 'update', path: 'd', movedTo: 'e', chunks: [{ before: ['x'], after: ['y'], isAtEnd: false }] },
    ]);
  });

  test.each([
    ['without a file', patchOf()],
    ['with a line before its first file', patchOf('+x')],
    ['with a line that is none of a new file', patchOf('*** Add File: a', 'x')],
    ['with a line that is none of a change', patchOf('*** Update File: a', '@@', '*** Rename File: b')],
  ])('%s is refused', (_what, text) => {
    expect(() => parsePatch(text)).toThrow(EditFailed);
  });

  test.each([
    ['a line where it stands', 'a\nb\nc\n', ['@@', ' a', '-b', '+B', ' c'], 'a\nB\nc\n'],
    ['without a head', 'a\nb\n', ['-a', '+A'], 'A\nb\n'],
    ['two places in order', 'a\nb\na\nb\n', ['@@', '-a', '+1', '@@', '-a', '+2'], '1\nb\n2\nb\n'],
    ['the place after its context', 'f\na\ng\na\n', ['@@ g', '-a', '+A'], 'f\na\ng\nA\n'],
    ['the end of the file', 'a\nb\na\n', ['@@', '-a', '+A', '*** End of File'], 'a\nb\nA\n'],
    ['lines that differ in white space', '  a \nb', ['@@', '-a', '+A', ' b'], 'A\nb\n'],
    ['lines that go', 'a\nb\n', ['@@', '-a'], 'b\n'],
    ['the only line', 'a\n', ['@@', '-a'], ''],
    ['lines that are added at the end', 'a\nb\n', ['@@', '+c', '@@', '-a', '+1', '+2'], '1\n2\nb\nc\n'],
    ['an empty line that the patch has too many', 'a\n', ['@@', '-a', '+A', ' '], 'A\n'],
  ])('changes %s', (_what, text, lines, after) => {
    expect(updated(text, ...lines)).toBe(after);
  });

  test('whose lines are not there, or stand before those of the chunk before, fails', () => {
    expect(() => updated('a\nb\n', '@@', '-c', '+d')).toThrow('Failed to find expected lines in a:\nc');
    expect(() => updated('a\nb\n', '@@', '-b', '+B', '@@', '-a', '+A')).toThrow(/expected lines/);
    expect(() => updated('a\n', '@@ nowhere', '-a', '+A')).toThrow("Failed to find context 'nowhere' in a");
    expect(() => updated('a\n', '@@', '-a', '-b', '-c', '+A', '*** End of File')).toThrow(/expected lines/);
  });
});

describe('a notebook', () => {
  const cells = [
    { id: 'c1', cell_type: 'code', source: 'x', outputs: [1], execution_count: 3 },
    { cell_type: 'markdown', source: '# y' },
  ];
  const text = `${JSON.stringify({ cells, nbformat: 4 }, null, 1)}\n`;
  const cellsAfter = (edit: Parameters<typeof withCell>[1]): unknown[] =>
    (JSON.parse(withCell(text, edit)) as { cells: unknown[] }).cells;

  test('has one cell replaced, put in or taken out, and the others as they were', () => {
    expect(cellsAfter({ mode: 'replace', cellId: 'c1', source: 'z' })).toEqual([
      { id: 'c1', cell_type: 'code', source: 'z', outputs: [], execution_count: null },
      cells[1],
    ]);
    expect(cellsAfter({ mode: 'delete', cellId: 'cell-1', source: '' })).toEqual([cells[0]]);
    expect(cellsAfter({ mode: 'insert', source: 'n' })).toMatchObject([
      { cell_type: 'code', source: 'n' },
      ...cells,
    ]);
    expect(
      cellsAfter({ mode: 'insert', cellId: 'cell-1', source: '# n', type: 'markdown' })[2],
    ).toMatchObject({ source: '# n' });
    expect(withCell(text, { mode: 'delete', cellId: 'c1', source: '' })).toMatch(
      /^\{\n "cells": \[\n {2}\{[^]*\n\}\n$/,
    );
  });

  test('without that cell, or that is none, cannot be edited', () => {
    for (const cellId of ['c9', 'cell-2', 'cell--1']) {
      expect(() => withCell(text, { mode: 'replace', cellId, source: '' })).toThrow(/not found in notebook/);
    }
    expect(() => withCell(text, { mode: 'delete', source: '' })).toThrow(EditFailed);
    for (const none of ['', '[]', '{"cells":1}']) {
      expect(() => withCell(none, { mode: 'insert', source: '' })).toThrow('Notebook is not valid JSON.');
    }
  });
});
