import type { BlamedFile, BlameOrigin } from '#libs/client/types-blame.js';
import { line, span, type Line } from '../terminal/styled.js';
import { tableLines } from '../terminal/table.js';
import { localTime, oneLine } from './format.js';

/** The lines of a file with where they come from, and below who made what. */
export function blameLines(
  { lines, origins }: BlamedFile,
  taskId: string,
  width: number,
  idOf: (id: string) => string,
): readonly Line[] {
  const rows = lines.map(({ line: number, text, origin }, index) => {
    const isSame = index > 0 && lines[index - 1]!.origin === origin;
    return [
      String(number),
      isSame ? '' : span(nameOf(origins[origin]!, taskId, idOf), 'yellow'),
      text.replaceAll('\t', '    '),
    ];
  });
  const columns = [
    { head: 'line', align: 'right' as const },
    { head: 'from' },
    { head: 'text', narrow: 'cut' as const },
  ];
  return [
    ...tableLines(columns, rows, width),
    [],
    ...origins.flatMap((origin) => originLines(origin, taskId, idOf)),
  ];
}

/** Such as `#3`, and `#3 of 0190c3d4` where another task took it. */
function nameOf(
  { checkpoint, commitSha }: BlameOrigin,
  taskId: string,
  idOf: (id: string) => string,
): string {
  if (!checkpoint) return commitSha.slice(0, 10);
  const whose = checkpoint.taskId === taskId ? '' : ` of ${idOf(checkpoint.taskId)}`;
  return `#${checkpoint.checkpointNumber}${whose}`;
}

function originLines(origin: BlameOrigin, taskId: string, idOf: (id: string) => string): readonly Line[] {
  const { checkpoint, path, madeBy, messages } = origin;
  const name = span(nameOf(origin, taskId, idOf), 'yellow');
  if (!checkpoint || !messages) return [line(name, span('  was there before the first checkpoint', 'dim'))];
  return [
    line(
      name,
      `  ${localTime(checkpoint.createdAt)}  ${oneLine(checkpoint.message, 60)}`,
      span(`  ${path}`, 'dim'),
    ),
    madeBy
      ? line(
          `    made by ${oneLine(madeBy.toolName, 40)}, message ${idOf(madeBy.messageId)}`,
          madeBy.isShown ? undefined : span(` on branch ${madeBy.branch}, which was left`, 'yellow'),
        )
      : line(span(`    no tool result names the file; ${amongText(messages)}`, 'dim')),
  ];
}

const amongText = ({ from, to }: NonNullable<BlameOrigin['messages']>): string =>
  to < from
    ? 'no message was recorded since the checkpoint before'
    : `it was made among messages ${from} to ${to}`;
