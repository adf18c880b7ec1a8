import { isUtf8 } from 'node:buffer';
import { countReplacement, linesOf } from '../transcripts/text-lines.js';
import type { FileChangeEntry } from '../transcripts/transcript.js';
import { withCell } from './notebook-cells.js';
import { patched } from './patch-format.js';
import type { FileEdit, RecordedEdits, Swap } from './recorded-edits.js';
import { EditFailed, type TaskFolder } from './task-folder.js';

/** A file as it was found and as it will be; undefined where there is none. */
interface Draft {
  readonly found: string | undefined;
  text: string | undefined;
}

/**
 * Makes the edits of one call, all or none, as far as the file system lets it: what each file becomes is worked out first.
 * Returns what changed, by paths within the folder.
 * @throws EditFailed when one of them cannot be made.
 */
export async function applyEdits(
  folder: TaskFolder,
  { edits, from }: RecordedEdits,
): Promise<readonly FileChangeEntry[]> {
  const drafts = new Map<string, Draft>();
  const draftOf = async (path: string): Promise<Draft> => {
    const known = drafts.get(path);
    if (known) return known;
    const found = textOf(path, await folder.read(path));
    const draft = { found, text: found };
    drafts.set(path, draft);
    return draft;
  };
  for (const edit of edits) {
    const draft = await draftOf(folder.locate(edit.path, from));
    const text = edited(edit, draft.text);
    const movedTo = edit.does === 'patch' ? edit.movedTo : undefined;
    draft.text = movedTo === undefined ? text : undefined;
    if (movedTo !== undefined) (await draftOf(folder.locate(movedTo, from))).text = text;
  }
  const changes: FileChangeEntry[] = [];
  for (const [path, { found, text }] of drafts) {
    if (text === undefined) {
      if (found !== undefined) await folder.remove(path);
    } else await folder.write(path, Buffer.from(text));
    changes.push(...changeOf(path, found, text));
  }
  return changes;
}

/** Text stays byte for byte what it was where it is not edited; what is none cannot be edited by text. */
function textOf(path: string, bytes: Buffer | undefined): string | undefined {
  if (bytes && !isUtf8(bytes)) throw new EditFailed(`${path} is no text.`);
  return bytes?.toString('utf8');
}

function edited(edit: FileEdit, text: string | undefined): string | undefined {
  if (edit.does === 'write') return edit.text;
  if (edit.does === 'swap') return edit.swaps.reduce((now, swap) => swapped(edit.path, now, swap), text);
  if (text === undefined) throw new EditFailed(`File does not exist: ${edit.path}`);
  if (edit.does === 'delete') return undefined;
  return edit.does === 'cell' ? withCell(text, edit.cell) : patched(text, edit.path, edit.chunks);
}

function swapped(path: string, text: string | undefined, { before, after, times }: Swap): string {
  if (before === '') {
    if (text) throw new EditFailed(`Cannot create new file - file already exists: ${path}`);
    return after;
  }
  if (text === undefined) throw new EditFailed(`File does not exist: ${path}`);
  if (before === after)
    throw new EditFailed('No changes to make: the old text and the new one are the same.');
  // Agents see and write line feeds alone, whatever a file has.
  const isLineFeeds = text.includes(before) || !text.includes('\r\n');
  const [old, now] = isLineFeeds ? [before, after] : [withReturns(before), withReturns(after)];
  const pieces = text.split(old);
  const found = pieces.length - 1;
  if (found === 0) throw new EditFailed(`String to replace not found in ${path}.\nString: ${before}`);
  if (times !== 'all' && found !== times) {
    throw new EditFailed(
      `Found ${found} matches of the string to replace in ${path}, but expected ${times}.`,
    );
  }
  return pieces.join(now);
}

const withReturns = (text: string): string => text.replace(/\r?\n/g, '\r\n');

function changeOf(
  path: string,
  found: string | undefined,
  text: string | undefined,
): readonly FileChangeEntry[] {
  if (text === undefined) {
    const linesRemoved = linesOf(found ?? '').length;
    return found === undefined ? [] : [{ path, action: 'D', linesAdded: 0, linesRemoved }];
  }
  if (found === undefined) return [{ path, action: 'A', linesAdded: linesOf(text).length, linesRemoved: 0 }];
  return [{ path, action: 'M', ...countReplacement(found, text) }];
}
