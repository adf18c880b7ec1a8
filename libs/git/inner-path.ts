/**
 * Whether a path names something inside of a folder that is not git's own: relative, no `..`, no `.git` (in any case of
 * letters: some file systems do not tell them apart), nothing that a file name cannot hold.
 */
export function isInnerPath(path: string): boolean {
  const parts = path.split('/');
  return !path.includes('\0') && !path.includes('\\') && parts.every(isName);
}

const isName = (part: string): boolean =>
  part !== '' && part !== '.' && part !== '..' && part.trim().toLowerCase().replace(/\.+$/, '') !== '.git';
