import { rawChanges, type TreeChange } from './changes.js';
import { git, type GitPlace } from './git.js';

/** A file that differs, and how much. */
export interface FileStat extends TreeChange {
  readonly additions: number;
  readonly deletions: number;
  /** Whether it is no text, so that its lines are not counted. */
  readonly binary: boolean;
}

/** Which files of two trees differ, and by how many lines. @throws GitFailed */
export async function diffStatOf(place: GitPlace, from: string, to: string): Promise<readonly FileStat[]> {
  if (from === to) return [];
  const args = [
    'diff-tree',
    '-r',
    '-M',
    '-z',
    '--raw',
    '--numstat',
    '--full-index',
    '--no-ext-diff',
    '--no-textconv',
  ];
  const answer = (await git(place, [...args, from, to])).toString('latin1');
  const parts = answer.split('\0');
  let end = 0;
  // First all changes, each after a colon and with one path or two, then the numbers in the same order.
  while (parts[end]?.startsWith(':')) end += /^R/.test(parts[end]!.split(' ').at(-1)!) ? 3 : 2;
  const numbers = numbersIn(parts.slice(end));
  return rawChanges(`${parts.slice(0, end).join('\0')}\0`).map((change, index) => ({
    ...change,
    ...numbers[index]!,
  }));
}

type Numbers = Pick<FileStat, 'additions' | 'deletions' | 'binary'>;

/** Reads what `--numstat -z` writes: of a file that was moved both paths come after the numbers. */
function numbersIn(parts: readonly string[]): readonly Numbers[] {
  const numbers: Numbers[] = [];
  for (let at = 0; at + 1 < parts.length; at += 1) {
    const [additions, deletions, path] = parts[at]!.split('\t', 3) as [string, string, string];
    const binary = additions === '-';
    numbers.push({
      additions: binary ? 0 : Number(additions),
      deletions: binary ? 0 : Number(deletions),
      binary,
    });
    if (path === '') at += 2;
  }
  return numbers;
}
