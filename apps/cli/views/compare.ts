import type { ComparedCheckpoint, ComparedSide, Comparison, ToolUse } from '#libs/client/types-compare.js';
import { line, span, type Line } from '../terminal/styled.js';
import { tableLines, type Cell } from '../terminal/table.js';
import { count, counted, dollars, oneLine } from './format.js';
import { fileParts } from './history.js';
import { duration } from './overview.js';

/** Two tasks beside each other, and below how their code differs. */
export function comparisonLines(
  comparison: Comparison,
  width: number,
  idOf: (id: string) => string,
): readonly Line[] {
  const { task, with: other } = comparison;
  const rows = [
    ['task', ...both(comparison, ({ taskId }) => span(idOf(taskId), 'bold'))],
    ['at', ...both(comparison, pointText)],
    ['shows', ...both(comparison, ({ messageCount }) => counted(messageCount, 'message'))],
    ...sinceRows(comparison),
    ...toolRows(task.since.tools, other.since.tools),
  ];
  const columns = [
    { head: '' },
    { head: oneLine(task.name, 60), narrow: 'wrap' as const },
    { head: oneLine(other.name, 60), narrow: 'wrap' as const },
  ];
  return [
    ancestorLine(comparison, idOf),
    [],
    ...tableLines(columns, rows, width),
    [],
    ...codeLines(comparison),
  ];
}

const both = (
  { task, with: other }: Comparison,
  cell: (side: ComparedSide) => Cell,
): readonly [Cell, Cell] => [cell(task), cell(other)];

function ancestorLine({ ancestor }: Comparison, idOf: (id: string) => string): Line {
  if (!ancestor) return line('they have nothing in common');
  const { taskId, messageId, messageCount } = ancestor;
  if (messageId === null) return line(`both come from task ${idOf(taskId)}, without its messages`);
  return line(
    `they have ${counted(messageCount, 'message')} in common, `,
    span(`up to message ${idOf(messageId)} of task ${idOf(taskId)}`, 'dim'),
  );
}

const pointText = ({ point, checkpoint }: ComparedSide): string =>
  point === 'checkpoint' && checkpoint
    ? `checkpoint ${checkpoint.checkpointNumber}`
    : point === 'now'
      ? 'now'
      : `a ${point}`;

function sinceRows(comparison: Comparison): readonly (readonly Cell[])[] {
  const row = (name: string, cell: (since: ComparedSide['since']) => Cell): readonly Cell[] => [
    name,
    ...both(comparison, ({ since }) => cell(since)),
  ];
  return [
    row('since then', ({ messages }) => counted(messages, 'message')),
    row('time', ({ firstAt, lastAt }) =>
      firstAt === null || lastAt === null ? '' : duration((Date.parse(lastAt) - Date.parse(firstAt)) / 1_000),
    ),
    row('tokens in', ({ tokens }) => count(tokens.input)),
    row('tokens out', ({ tokens }) => count(tokens.output)),
    row('cache read', ({ tokens }) => count(tokens.cacheRead)),
    row('cache written', ({ tokens }) => count(tokens.cacheWrite)),
    row('cost', ({ costUsd }) => (costUsd === null ? '' : dollars(costUsd))),
    row('checkpoints', ({ checkpoints }) => count(checkpoints)),
    row('tool calls', ({ toolCalls, failedCalls }) => callsCell(toolCalls, failedCalls)),
  ];
}

const callsCell = (calls: number, failed: number): Line =>
  line(count(calls), failed > 0 ? span(`, ${count(failed)} failed`, 'red') : undefined);

const MOST_TOOLS = 20;

/** The tools of both, the most used first. */
function toolRows(mine: readonly ToolUse[], theirs: readonly ToolUse[]): readonly (readonly Cell[])[] {
  const [one, other] = [mine, theirs].map((tools) => new Map(tools.map((tool) => [tool.name, tool])));
  const callsOf = (name: string): number => (one?.get(name)?.calls ?? 0) + (other?.get(name)?.calls ?? 0);
  const names = [...new Set([...mine, ...theirs].map(({ name }) => name))];
  const cell = (use: ToolUse | undefined): Cell => (use ? callsCell(use.calls, use.failed) : '');
  return names
    .sort((a, b) => callsOf(b) - callsOf(a))
    .slice(0, MOST_TOOLS)
    .map((name) => [span(`  ${oneLine(name, 24)}`, 'dim'), cell(one?.get(name)), cell(other?.get(name))]);
}

function codeLines({ code, task, with: other }: Comparison): readonly Line[] {
  if (!code) {
    const without = [task, other].find(({ checkpoint }) => checkpoint?.isSafe !== true) ?? task;
    return [
      line(span(`no code to compare: ${oneLine(without.name, 40)} has no checkpoint in the hub`, 'dim')),
    ];
  }
  const { from, to, filesChanged, insertions, deletions, files } = code;
  const stale = [[task, from] as const, [other, to] as const].filter(
    ([{ checkpoint }, used]) => checkpoint?.id !== used.id,
  );
  return [
    line(
      span('code', 'bold'),
      ` ${nameOf(from)} against ${nameOf(to)}: ${filesChanged === 0 ? 'the same' : counted(filesChanged, 'file')}`,
      insertions > 0 ? span(` +${count(insertions)}`, 'green') : undefined,
      deletions > 0 ? span(` −${count(deletions)}`, 'red') : undefined,
    ),
    ...stale.map(([{ checkpoint }]) =>
      line(span(`${nameOf(checkpoint!)} is newer; its code has not come yet`, 'yellow')),
    ),
    ...files.map(({ path, action, renamedFrom, additions, deletions: gone, binary }) =>
      line(
        ...fileParts({ path, action }),
        renamedFrom === undefined ? undefined : span(` (was ${renamedFrom})`, 'dim'),
        additions > 0 ? span(` +${count(additions)}`, 'green') : undefined,
        gone > 0 ? span(` −${count(gone)}`, 'red') : undefined,
        binary ? span(' binary', 'dim') : undefined,
      ),
    ),
    ...(files.length < filesChanged
      ? [line(span(`… and ${count(filesChanged - files.length)} more`, 'dim'))]
      : []),
  ];
}

const nameOf = ({ checkpointNumber }: ComparedCheckpoint): string => `checkpoint ${checkpointNumber}`;
