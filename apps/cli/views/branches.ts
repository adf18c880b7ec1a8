import type { Branch, BranchTree } from '#libs/client/types-conversation.js';
import { tableLines } from '../terminal/table.js';
import { line, span, type Line } from '../terminal/styled.js';
import { count, localTime, oneLine } from './format.js';

/** The tree of a conversation's branches, and the tasks that were forked from it. */
export function branchLines(
  { branches, forks }: BranchTree,
  width: number,
  idOf: (id: string) => string,
): readonly Line[] {
  const rows = inTreeOrder(branches).map(({ branch, prefix }) => [
    line(
      span(prefix, 'dim'),
      branch.current ? span('●', 'green') : span('○', 'dim'),
      span(` ${branch.branch}`, 'bold'),
      branch.current ? span(' current', 'green') : undefined,
    ),
    howItBegan(branch, idOf),
    count(branch.messageCount),
    branch.hiddenMessages > 0 ? count(branch.hiddenMessages) : '',
    localTime(branch.createdAt),
    branch.actor.kind,
    oneLine(branch.reason ?? '', 200),
  ]);
  const tree = tableLines(
    [
      { head: 'branch' },
      { head: 'began as' },
      { head: 'messages', align: 'right' },
      { head: 'hides', align: 'right' },
      { head: 'when' },
      { head: 'by' },
      { head: 'why', narrow: 'wrap' },
    ],
    rows,
    width,
  );
  return forks.length === 0 ? tree : [...tree, [], ...forkLines(forks, width, idOf)];
}

function howItBegan({ kind, point, undoneBranch }: Branch, idOf: (id: string) => string): string {
  if (kind === 'undo') return `undo of ${undoneBranch ?? '?'}`;
  if (!point) return kind;
  switch (point.kind) {
    case 'message':
      return `${kind} to message ${idOf(point.value)}`;
    case 'timestamp':
      return `${kind} to ${localTime(point.value)}`;
    case 'messageCount':
      return `${kind} by ${point.value}`;
    case 'snapshot':
      return `restore of ${idOf(point.value)}`;
    default:
      return `${kind} (${point.kind})`;
  }
}

const forkLines = (
  forks: BranchTree['forks'],
  width: number,
  idOf: (id: string) => string,
): readonly Line[] =>
  tableLines(
    [{ head: 'forked task' }, { head: 'name', narrow: 'cut' }, { head: 'from' }, { head: 'when' }],
    forks.map(({ taskId, name, point, createdAt }) => [
      idOf(taskId),
      oneLine(name, 120),
      point
        ? `${point.type.replace('_id', '')} ${idOf(point.value ?? '')}${point.inclusive === false ? ' (exclusive)' : ''}`
        : '',
      localTime(createdAt),
    ]),
    width,
  );

interface Placed {
  readonly branch: Branch;
  readonly prefix: string;
}

/** Each branch under the one that was shown before it. */
function inTreeOrder(branches: readonly Branch[]): readonly Placed[] {
  const known = new Set(branches.map(({ branch }) => branch));
  const children = new Map<number | null, Branch[]>();
  for (const branch of branches) {
    const parent =
      branch.previousBranch !== null && known.has(branch.previousBranch) ? branch.previousBranch : null;
    children.set(parent, [...(children.get(parent) ?? []), branch]);
  }
  const placed: Placed[] = [];
  const pending: {
    readonly branch: Branch;
    readonly before: string;
    readonly last: boolean;
    readonly root: boolean;
  }[] = [];
  const push = (list: readonly Branch[], before: string, root: boolean): void => {
    for (const [index, branch] of [...list].reverse().entries())
      pending.push({ branch, before, last: index === 0, root });
  };
  push(children.get(null) ?? [], '', true);
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { branch, before, last, root } = next;
    placed.push({ branch, prefix: root ? '' : `${before}${last ? '└─' : '├─'}` });
    const below = children.get(branch.branch) ?? [];
    push(below, root ? '' : `${before}${last ? '  ' : '│ '}`, false);
  }
  return placed;
}
