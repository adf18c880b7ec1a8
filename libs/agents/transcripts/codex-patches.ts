import { isRecord, listAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import { countUnifiedDiff, linesOf } from './text-lines.js';
import type { FileChangeEntry, ToolCallEntry } from './transcript.js';

/** Files that a `patch_apply_end` event says were changed: `{ path: { type, content | unified_diff, move_path? } }`. */
export function filesOfPatchEvent(changes: JsonRecord): readonly FileChangeEntry[] {
  return Object.entries(changes).flatMap(([path, change]): FileChangeEntry[] => {
    if (!isRecord(change)) return [];
    const lines = linesOf(textAt(change, 'content') ?? '').length;
    switch (textAt(change, 'type')) {
      case 'add':
        return [{ path, action: 'A', linesAdded: lines, linesRemoved: 0 }];
      case 'delete':
        return [{ path, action: 'D', linesAdded: 0, linesRemoved: lines }];
      case 'update':
        return updated(
          path,
          textAt(change, 'move_path'),
          countUnifiedDiff(textAt(change, 'unified_diff') ?? ''),
        );
      default:
        return [];
    }
  });
}

type Counts = Pick<FileChangeEntry, 'linesAdded' | 'linesRemoved'>;

const updated = (path: string, movedTo: string | undefined, counts: Counts): FileChangeEntry[] =>
  movedTo === undefined || movedTo === path
    ? [{ path, action: 'M', ...counts }]
    : [
        { path, action: 'D' },
        { path: movedTo, action: 'A' },
      ];

/** Files that a call's patch names: of `apply_patch` itself, or of a shell command that holds one. */
export function filesOfCodexCall(call: ToolCallEntry): readonly FileChangeEntry[] {
  const patch = patchTextOf(call);
  return patch === undefined ? [] : filesOfPatch(patch);
}

/** The text of a call's input that holds a patch: the patch itself, or a shell command around it. */
export const patchTextOf = (call: ToolCallEntry): string | undefined =>
  textsIn(call.input).find((text) => text.includes(BEGIN));

const BEGIN = '*** Begin Patch';
const END = '*** End Patch';
const FILE_LINE = /^\*\*\* (Add|Update|Delete) File: (.+)$/;
const MOVE_LINE = /^\*\*\* Move to: (.+)$/;

function textsIn(input: unknown): readonly string[] {
  if (typeof input === 'string') return [input];
  if (!isRecord(input)) return [];
  const words = ['command', 'args'].flatMap((key) => listAt(input, key) ?? []);
  const single = ['input', 'patch', 'cmd', 'command'].map((key) => input[key]);
  return [...single, ...words].filter((text) => typeof text === 'string');
}

interface PatchedFile {
  readonly kind: string;
  readonly path: string;
  movedTo?: string;
  linesAdded: number;
  linesRemoved: number;
}

/** Reads the `*** Begin Patch` format. */
function filesOfPatch(text: string): readonly FileChangeEntry[] {
  const start = text.indexOf(BEGIN);
  const end = text.indexOf(END, start);
  const files: PatchedFile[] = [];
  for (const line of text.slice(start, end === -1 ? undefined : end).split(/\r?\n/)) {
    const [, kind, path] = FILE_LINE.exec(line) ?? [];
    const file = files.at(-1);
    if (kind !== undefined && path !== undefined) files.push({ kind, path, linesAdded: 0, linesRemoved: 0 });
    else if (file && line.startsWith('*** Move to: ')) file.movedTo = MOVE_LINE.exec(line)?.[1] ?? file.path;
    else if (file && line.startsWith('+')) file.linesAdded += 1;
    else if (file && line.startsWith('-')) file.linesRemoved += 1;
  }
  return files.flatMap(({ kind, path, movedTo, linesAdded, linesRemoved }): FileChangeEntry[] => {
    if (kind === 'Add') return [{ path, action: 'A', linesAdded, linesRemoved }];
    // The patch does not hold a deleted file's lines.
    return kind === 'Delete' ? [{ path, action: 'D' }] : updated(path, movedTo, { linesAdded, linesRemoved });
  });
}
