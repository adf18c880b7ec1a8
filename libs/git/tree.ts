import { git, isObjectId, type GitPlace } from './git.js';
import type { PathBytes } from './path-bytes.js';

export interface TreeEntry {
  readonly path: PathBytes;
  readonly kind: 'file' | 'executable' | 'symlink' | 'folder' | 'repository';
  readonly id: string;
  /** Bytes; null for folders and repositories. */
  readonly size: number | null;
}

const KINDS: Readonly<Record<string, TreeEntry['kind']>> = {
  '100755': 'executable',
  '120000': 'symlink',
  '040000': 'folder',
  '160000': 'repository',
};

/**
 * What a commit has at a path: a folder's entries, or the one that a file is; nothing if there is no such path.
 * @param path '' for the whole
 * @throws GitFailed
 */
export async function entriesAt(
  place: GitPlace,
  commit: string,
  path: PathBytes,
): Promise<readonly TreeEntry[]> {
  // Git would look outside of the commit, and complain.
  if (path !== '' && path.split('/').some((name) => /^\.{0,2}$|\0/.test(name))) return [];
  const found = await entriesIn(place, commit, path);
  const [only] = found;
  return path !== '' && only?.kind === 'folder' && found.length === 1
    ? entriesIn(place, commit, `${path}/`)
    : found;
}

async function entriesIn(place: GitPlace, commit: string, path: PathBytes): Promise<readonly TreeEntry[]> {
  if (!isObjectId(commit)) throw new TypeError(`not an object id: ${commit}`);
  const paths = path === '' ? [] : [Buffer.from(path, 'latin1').toString('utf8')];
  const answer = await git(place, ['ls-tree', '-z', '-l', commit, '--', ...paths]);
  return answer
    .toString('latin1')
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const tab = line.indexOf('\t');
      const [mode, , id, size] = line.slice(0, tab).split(/ +/) as [string, string, string, string];
      return {
        path: line.slice(tab + 1),
        kind: KINDS[mode] ?? 'file',
        id,
        size: size === '-' ? null : Number(size),
      };
    });
}

/** The bytes of a blob. @throws GitFailed, if it is larger than `maxBytes`. */
export const blobOf = (place: GitPlace, id: string, maxBytes: number): Promise<Buffer> =>
  git(place, ['cat-file', 'blob', id], { maxBytes });
