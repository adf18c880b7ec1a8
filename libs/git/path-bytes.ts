/**
 * A path within a folder as git and the file system have it: bytes, one a character, so that names which are no UTF-8
 * survive. `/` separates folders.
 */
export type PathBytes = string;

/** For the file system. */
export const absolutePath = (folder: string, path: PathBytes): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')]);

/** The paths of an answer with `-z`. */
export function pathsIn(answer: Buffer): readonly PathBytes[] {
  const text = answer.toString('latin1');
  return text === '' ? [] : text.slice(0, -1).split('\0');
}

/** Paths for git's standard input with `-z`. */
export const pathInput = (paths: readonly PathBytes[]): Buffer =>
  Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');

/** For people and JSON: UTF-8, and what is none as `\xNN`. */
export function shownPath(path: PathBytes): string {
  const bytes = Buffer.from(path, 'latin1');
  const text = bytes.toString('utf8');
  if (!text.includes('\uFFFD')) return text;
  return Buffer.from(text).equals(bytes)
    ? text
    : path.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** What somebody may mean who asks for a path as it was shown: its characters, and then its bytes. */
export function meantPaths(shown: string): readonly PathBytes[] {
  const literal = Buffer.from(shown).toString('latin1');
  const bytes = literal.replace(/\\x([89a-f][0-9a-f])/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return bytes === literal ? [literal] : [literal, bytes];
}

/** The folders that a path is in, from the outermost. */
export function* parentsOf(path: PathBytes): Generator<PathBytes> {
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) yield path.slice(0, at);
}
