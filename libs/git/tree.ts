import { git, isObjectId, type GitPlace } from './git.js';
import { pathsIn, type PathBytes } from './path-bytes.js';

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
  if (!isObjectId(commit)) throw new TypeError(`not an object id: ${commit}`);
  // Git would look outside of the commit, and complain.
  if (path !== '' && path.split('/').some((name) => /^\.{0,2}$|\0/.test(name))) return [];
  if (path === '') return entriesIn(place, commit, '');
  const above = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const folder = await folderAt(place, commit, above);
  const found = folder === null ? [] : await entriesIn(place, folder, above);
  const entry = found.find((one) => one.path === path);
  if (entry?.kind === 'folder') return entriesIn(place, entry.id, path);
  return entry ? [entry] : [];
}

/** The tree of a folder. Its name goes to git as bytes, on its standard input. */
async function folderAt(place: GitPlace, commit: string, path: PathBytes): Promise<string | null> {
  const answer = await git(place, ['cat-file', '-z', '--batch-check=%(objectname) %(objecttype)'], {
    input: Buffer.from(`${commit}:${path}\0`, 'latin1'),
  });
  // What is missing is named as it was asked for, which may be anything.
  return /^([0-9a-f]+) tree\n$/.exec(answer.toString('latin1'))?.[1] ?? null;
}

/** What is in a tree, which is at a path. */
async function entriesIn(place: GitPlace, tree: string, at: PathBytes): Promise<readonly TreeEntry[]> {
  const answer = await git(place, ['ls-tree', '-z', '-l', tree]);
  return pathsIn(answer).map((line) => {
    const tab = line.indexOf('\t');
    const [mode, , id, size] = line.slice(0, tab).split(/ +/) as [string, string, string, string];
    return {
      path: `${at === '' ? '' : `${at}/`}${line.slice(tab + 1)}`,
      kind: KINDS[mode] ?? 'file',
      id,
      size: size === '-' ? null : Number(size),
    };
  });
}

/** The bytes of a blob. @throws GitFailed, if it is larger than `maxBytes`. */
export const blobOf = (place: GitPlace, id: string, maxBytes: number): Promise<Buffer> =>
  git(place, ['cat-file', 'blob', id], { maxBytes });
