import { isRecord, isTrueAt, listAt, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import { countHunks, countReplacement, linesOf } from './text-lines.js';
import type { LineCounts } from './text-lines.js';
import type { FileChangeEntry, ToolCallEntry, ToolResultEntry } from './transcript.js';

/** Files that Claude Code says a tool changed (a line's `toolUseResult`); undefined where it says nothing of files. */
export function filesOfToolUseResult(result: unknown): readonly FileChangeEntry[] | undefined {
  if (!isRecord(result)) return undefined;
  const shell = recordAt(result, 'bashEditDiff');
  if (shell) return filesOfShell(shell);
  const notebook = textAt(result, 'notebook_path');
  if (notebook !== undefined) return textAt(result, 'error') ? [] : [{ path: notebook, action: 'M' }];
  const path = textAt(result, 'filePath');
  const hunks = listAt(result, 'structuredPatch');
  if (path === undefined || !hunks) return undefined;
  return [fileOfPatch(path, hunks, result)];
}

function fileOfPatch(path: string, hunks: readonly unknown[], result: JsonRecord): FileChangeEntry {
  const content = textAt(result, 'content');
  if (textAt(result, 'type') === 'create') return created(path, content ?? '');
  const isNew = textAt(result, 'oldString') === '' && !textAt(result, 'originalFile');
  if (isNew) return created(path, textAt(result, 'newString') ?? '');
  return { path, action: 'M', ...countHunks(hunks) };
}

function filesOfShell(diff: JsonRecord): readonly FileChangeEntry[] {
  const files = (listAt(diff, 'files') ?? []).flatMap((file): FileChangeEntry[] => {
    const path = isRecord(file) ? textAt(file, 'filePath') : undefined;
    if (!isRecord(file) || path === undefined) return [];
    const hunks = listAt(file, 'structuredPatch');
    return [{ path, action: 'M', ...(hunks && countHunks(hunks)) }];
  });
  const told = new Set(files.map((file) => file.path));
  const others = (listAt(diff, 'changedFiles') ?? []).filter(
    (path) => typeof path === 'string' && !told.has(path),
  );
  return [...files, ...others.map((path): FileChangeEntry => ({ path: String(path), action: 'M' }))];
}

/** Files that a call must have changed, from its input and the words of its result. */
export function filesOfCall(call: ToolCallEntry, result: ToolResultEntry): readonly FileChangeEntry[] {
  if (!isRecord(call.input)) return [];
  const path = textAt(call.input, 'file_path') ?? textAt(call.input, 'notebook_path');
  if (path === undefined) return [];
  switch (call.name) {
    case 'Edit':
      return [edited(path, [call.input])];
    case 'MultiEdit':
      return [edited(path, (listAt(call.input, 'edits') ?? []).filter(isRecord))];
    case 'Write':
      return [written(path, textAt(call.input, 'content') ?? '', result.content)];
    case 'NotebookEdit':
      return [{ path, action: 'M' }];
    default:
      return [];
  }
}

function edited(path: string, edits: readonly JsonRecord[]): FileChangeEntry {
  const first = edits[0];
  if (first && edits.length === 1 && textAt(first, 'old_string') === '')
    return created(path, textAt(first, 'new_string') ?? '');
  // A replacement of every occurrence changes a number of lines that only the result knows.
  if (edits.some((edit) => isTrueAt(edit, 'replace_all'))) return { path, action: 'M' };
  const counts = edits.map((edit) =>
    countReplacement(textAt(edit, 'old_string') ?? '', textAt(edit, 'new_string') ?? ''),
  );
  return { path, action: 'M', ...sum(counts) };
}

const written = (path: string, content: string, answer: string): FileChangeEntry =>
  /created successfully/i.test(answer.slice(0, 1000)) ? created(path, content) : { path, action: 'M' };

const created = (path: string, content: string): FileChangeEntry => ({
  path,
  action: 'A',
  linesAdded: linesOf(content).length,
  linesRemoved: 0,
});

const sum = (counts: readonly LineCounts[]): LineCounts => ({
  linesAdded: counts.reduce((total, each) => total + each.linesAdded, 0),
  linesRemoved: counts.reduce((total, each) => total + each.linesRemoved, 0),
});
