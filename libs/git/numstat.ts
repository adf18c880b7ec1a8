import { git, type GitPlace } from './git.js';
import type { PathBytes } from './path-bytes.js';

export interface LineCount {
  readonly added: number;
  readonly removed: number;
}

/** Lines that differ between two trees, by path; of what is no text there are none. @throws GitFailed */
export async function lineCounts(
  place: GitPlace,
  from: string,
  to: string,
): Promise<ReadonlyMap<PathBytes, LineCount>> {
  const counts = new Map<PathBytes, LineCount>();
  if (from === to) return counts;
  const args = [
    'diff-tree',
    '-r',
    '-z',
    '--numstat',
    '--no-renames',
    '--no-ext-diff',
    '--no-textconv',
    from,
    to,
  ];
  for (const line of (await git(place, args)).toString('latin1').split('\0')) {
    const [, added, removed, path] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(line) ?? [];
    if (path !== undefined) counts.set(path, { added: Number(added) || 0, removed: Number(removed) || 0 });
  }
  return counts;
}
