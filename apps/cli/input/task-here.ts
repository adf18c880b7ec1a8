import { sep } from 'node:path';
import { isUuid } from '#libs/kernel/ids.js';

/**
 * The task in whose folder a path is, by the folder's name: a daemon works in `<home>/daemon/tasks/<task>/folder`.
 * Undefined elsewhere.
 */
export function taskHere(path = workingFolder()): string | undefined {
  const parts = path.split(sep);
  for (let at = parts.length - 1; at >= 3; at -= 1) {
    const id = parts[at - 1];
    const isFolder = parts[at] === 'folder' && parts[at - 2] === 'tasks' && parts[at - 3] === 'daemon';
    if (isFolder && isUuid(id)) return id;
  }
  return undefined;
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return ''; // it was removed
  }
}
