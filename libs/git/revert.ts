import { treeOf, writeCommit } from './commits.js';
import { git, type GitPlace } from './git.js';
import { pathsIn, type PathBytes } from './path-bytes.js';

export interface ChangeToRevert {
  /** What is there now: a tree, or a commit of it; so are the others. */
  readonly ours: string;
  /** What the change led to. */
  readonly change: string;
  /** What was there before it; EMPTY_TREE: nothing. */
  readonly before: string;
}

export type Reverted =
  | { readonly tree: string }
  /** Later changes touch the same places: nothing is decided. */
  | { readonly conflicts: readonly PathBytes[] };

const SETTINGS = [
  // A file that is new in a folder which moved stays where it is.
  ...['-c', 'merge.directoryRenames=false', '-c', 'merge.renames=true', '-c', 'core.bare=true'],
  ...['-c', 'merge.conflictStyle=merge'],
];
/** The same revert writes the same objects. */
const AT = '1970-01-01T00:00:00Z';

/**
 * Takes back one change while those that came later stay: a merge of what is there with what was before the change,
 * seen from the change. No folder is read, no configuration, and no program is run for any file.
 * @throws GitFailed
 */
export async function revertTree(
  { gitDir, memoryBytes }: GitPlace,
  { ours, change, before }: ChangeToRevert,
): Promise<Reverted> {
  const place = { gitDir, ...(memoryBytes === undefined ? {} : { memoryBytes }) };
  const now = await treeOf(place, ours);
  const base = await treeOf(place, change);
  const then = await treeOf(place, before);
  if (now === base) return { tree: then };
  // This git finds the base of a merge only among commits.
  const commit = (tree: string, parents: readonly string[]): Promise<string> =>
    writeCommit(place, { tree, parents, message: 'revert', at: AT });
  const root = await commit(base, []);
  const [left, right] = [await commit(now, [root]), await commit(then, [root])];
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', left, right];
  const answer = await git(place, [...SETTINGS, ...args], {
    exits: [0, 1],
    // Attributes would be read from the index otherwise.
    environment: { GIT_INDEX_FILE: '/dev/null' },
  });
  const [tree, ...conflicts] = pathsIn(answer);
  return conflicts.length > 0 ? { conflicts: [...new Set(conflicts)].sort() } : { tree: tree! };
}
