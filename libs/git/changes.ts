import { git, type GitPlace } from './git.js';
import type { PathBytes } from './path-bytes.js';

/** The tree without entries. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
/** The mode of an entry that stands for another repository's commit. */
export const GITLINK = '160000';

export interface TreeChange {
  readonly path: PathBytes;
  /** Where it was before, if it was moved. */
  readonly from: PathBytes | null;
  readonly action: 'added' | 'modified' | 'deleted' | 'renamed';
  /** Modes as git writes them, in octal; 000000: there is nothing. */
  readonly oldMode: string;
  readonly newMode: string;
  /** Ids of the blobs. */
  readonly oldId: string;
  readonly newId: string;
}

const ACTIONS: Readonly<Record<string, TreeChange['action']>> = {
  A: 'added',
  D: 'deleted',
  R: 'renamed',
};

/** What differs between two trees, by path. @throws GitFailed */
export async function changesBetween(
  place: GitPlace,
  from: string,
  to: string,
): Promise<readonly TreeChange[]> {
  if (from === to) return [];
  const answer = await git(place, [
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--full-index',
    '--no-renames',
    from,
    to,
  ]);
  return rawChanges(answer.toString('latin1'));
}

/** Reads what `--raw -z` writes, one character a byte. */
export function rawChanges(raw: string): readonly TreeChange[] {
  const parts = raw.split('\0');
  const changes: TreeChange[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [oldMode, newMode, oldId, newId, status] = parts[at]!.slice(1).split(' ') as [
      string,
      string,
      string,
      string,
      string,
    ];
    const moved = status.startsWith('R');
    changes.push({
      path: parts[at + (moved ? 2 : 1)]!,
      from: moved ? parts[at + 1]! : null,
      action: ACTIONS[status[0]!] ?? 'modified',
      oldMode,
      newMode,
      oldId,
      newId,
    });
    if (moved) at += 1;
  }
  return changes;
}
