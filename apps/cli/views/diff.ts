import type { Checkpoint } from '#libs/client/types.js';
import type { CheckpointDiff, DiffHunk, FileDiff } from '#libs/client/types-diff.js';
import { line, span, type Line, type Style } from '../terminal/styled.js';
import { tableLines } from '../terminal/table.js';
import { count } from './format.js';
import { fileParts } from './history.js';

/** What a checkpoint changed, line by line. */
export const diffLines = (diff: CheckpointDiff): readonly Line[] => [
  headLine(diff),
  ...diff.diff.files.flatMap((file) => [[], ...fileLines(file)]),
  ...(diff.diff.files.length > 0 ? [[], statsLine(diff)] : []),
];

/** How much it changed in each file. */
export function statLines(diff: CheckpointDiff, width: number): readonly Line[] {
  const { files } = diff.diff;
  const most = Math.max(1, ...files.map(({ additions, deletions }) => additions + deletions));
  const rows = files.map((file) => [
    line(...nameParts(file)),
    file.binary ? span('binary', 'dim') : count(file.additions + file.deletions),
    line(bar('+', file.additions, most, 'green'), bar('−', file.deletions, most, 'red')),
  ]);
  const columns = [
    { head: 'file', narrow: 'wrap' as const },
    { head: 'lines', align: 'right' as const },
    { head: 'added and deleted' },
  ];
  return [headLine(diff), ...(files.length > 0 ? tableLines(columns, rows, width) : []), statsLine(diff)];
}

/** Which files it changed, one a line. */
export const nameLines = ({ diff }: CheckpointDiff): readonly Line[] =>
  diff.files.map((file) => line(...nameParts(file)));

const nameOf = ({ checkpointNumber, message }: Checkpoint): string =>
  `checkpoint ${checkpointNumber} (${message.split('\n', 1)[0]!.slice(0, 60)})`;

const baseName = (sha: string | undefined): string =>
  sha === undefined ? 'an empty folder' : `commit ${sha.slice(0, 10)}`;

const headLine = ({ checkpoint, previousCheckpoint, baseSha }: CheckpointDiff): Line =>
  line(
    span(nameOf(checkpoint), 'bold'),
    span(` against ${previousCheckpoint ? nameOf(previousCheckpoint) : baseName(baseSha)}`, 'dim'),
  );

function statsLine({ diff: { stats } }: CheckpointDiff): Line {
  if (stats.filesChanged === 0) return line('nothing changed');
  return line(
    `${count(stats.filesChanged)} ${stats.filesChanged === 1 ? 'file' : 'files'}`,
    span(` +${count(stats.insertions)}`, 'green'),
    span(` −${count(stats.deletions)}`, 'red'),
  );
}

const nameParts = ({ path, action, renamedFrom }: FileDiff) => [
  ...fileParts({ path, action }),
  ...(renamedFrom === undefined ? [] : [span(` (was ${renamedFrom})`, 'dim')]),
];

function fileLines(file: FileDiff): readonly Line[] {
  const { additions, deletions, binary, cut, oldMode, newMode, hunks } = file;
  const mode = oldMode !== undefined && newMode !== undefined && oldMode !== newMode;
  return [
    line(
      ...nameParts(file),
      additions > 0 ? span(` +${count(additions)}`, 'green') : undefined,
      deletions > 0 ? span(` −${count(deletions)}`, 'red') : undefined,
      mode ? span(` mode ${oldMode} → ${newMode}`, 'dim') : undefined,
      binary ? span(' binary', 'dim') : undefined,
    ),
    ...hunks.flatMap(hunkLines),
    ...(cut ? [line(span('… more lines, which are not shown', 'dim'))] : []),
  ];
}

const MARKS = {
  context: [' ', undefined],
  added: ['+', 'green'],
  deleted: ['-', 'red'],
} as const satisfies Record<string, readonly [string, Style | undefined]>;

const hunkLines = (hunk: DiffHunk): readonly Line[] => [
  line(
    span(`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`, 'cyan'),
    span(hunk.heading === '' ? '' : ` ${hunk.heading}`, 'dim'),
  ),
  ...hunk.lines.flatMap(({ kind, text, noNewline }) => {
    const [mark, style] = MARKS[kind];
    const shown = `${mark}${text}`;
    return [
      line(style ? span(shown, style) : span(shown)),
      ...(noNewline ? [line(span('\\ no newline at the end', 'dim'))] : []),
    ];
  }),
];

const BAR = 30;

const bar = (mark: string, lines: number, most: number, style: Style) =>
  span(mark.repeat(lines === 0 ? 0 : Math.max(1, Math.round((lines / Math.max(most, BAR)) * BAR))), style);
