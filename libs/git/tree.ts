import { Readable } from 'node:stream';
import { git, gitLine, isObjectId, readableOf, startGit, type GitPlace } from './git.js';
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
  if (!isObjectId(commit)) throw new TypeError(`not an object id: ${commit}`);
  if (path === '') return entriesIn(place, commit, '');
  const entry = await entryAt(place, commit, path);
  if (!entry) return [];
  return entry.kind === 'folder' ? entriesIn(place, entry.id, `${path}/`) : [entry];
}

/** The entry that stands at a path of a commit; null: there is none. @throws GitFailed */
export async function entryAt(place: GitPlace, commit: string, path: PathBytes): Promise<TreeEntry | null> {
  if (!isObjectId(commit)) throw new TypeError(`not an object id: ${commit}`);
  // Git would look outside of the commit, and complain.
  if (path.split('/').some((name) => /^\.{0,2}$|\0/.test(name))) return null;
  // On its standard input, because a process' arguments are UTF-8 here.
  const cut = path.lastIndexOf('/') + 1;
  const input = Buffer.from(`${commit}:${path.slice(0, Math.max(0, cut - 1))}\0`, 'latin1');
  const check = ['cat-file', '-z', '--batch-check=%(objecttype) %(objectname)'];
  const [kind, folder] = (await gitLine(place, check, { input })).split(' ');
  if (kind !== 'tree') return null;
  const name = path.slice(cut);
  const listed = await git(place, ['ls-tree', '-z', folder!]);
  const found = linesOf(listed).find((line) => line.slice(line.indexOf('\t') + 1) === name);
  if (found === undefined) return null;
  const [mode, type, id] = found.slice(0, found.indexOf('\t')).split(' ') as [string, string, string];
  const size = type === 'blob' ? Number(await gitLine(place, ['cat-file', '-s', id])) : null;
  return { path, kind: KINDS[mode] ?? 'file', id, size };
}

const linesOf = (answer: Buffer): readonly string[] =>
  answer
    .toString('latin1')
    .split('\0')
    .filter((line) => line !== '');

async function entriesIn(place: GitPlace, tree: string, folder: PathBytes): Promise<readonly TreeEntry[]> {
  return linesOf(await git(place, ['ls-tree', '-z', '-l', tree])).map((line) => {
    const tab = line.indexOf('\t');
    const [mode, , id, size] = line.slice(0, tab).split(/ +/) as [string, string, string, string];
    return {
      path: `${folder}${line.slice(tab + 1)}`,
      kind: KINDS[mode] ?? 'file',
      id,
      size: size === '-' ? null : Number(size),
    };
  });
}

/** The bytes of a blob. @throws GitFailed, if it is larger than `maxBytes`. */
export const blobOf = (place: GitPlace, id: string, maxBytes: number): Promise<Buffer> =>
  git(place, ['cat-file', 'blob', id], { maxBytes });

/** The bytes of a blob from one (inclusive) to another (exclusive), while git reads it. */
export function blobPart(place: GitPlace, id: string, from: number, to: number): Readable {
  if (!isObjectId(id)) throw new TypeError(`not an object id: ${id}`);
  const running = startGit(place, ['cat-file', 'blob', id]);
  running.stdin.end();
  return Readable.from(partOf(readableOf(running), from, to), { objectMode: false });
}

async function* partOf(bytes: Readable, from: number, to: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    const part = chunk.subarray(Math.max(0, from - at), Math.max(0, to - at));
    at += chunk.length;
    if (part.length > 0) yield part;
    if (at >= to) return;
  }
}
