import { patchTextOf } from '../transcripts/codex-patches.js';
import { isRecord, isTrueAt, listAt, numberAt, textAt } from '../transcripts/json-fields.js';
import type { JsonRecord } from '../transcripts/json-fields.js';
import type { AgentKind, ToolCallEntry } from '../transcripts/transcript.js';
import { parsePatch, type PatchChunk } from './patch-format.js';

/** A text that takes another's place. `times`: how often it must be there; `all`: at least once. */
export interface Swap {
  readonly before: string;
  readonly after: string;
  readonly times: number | 'all';
}

export interface CellEdit {
  readonly mode: 'replace' | 'insert' | 'delete';
  /** The cell's id, or `cell-<index>`; an insertion comes after it, or first without it. */
  readonly cellId?: string;
  readonly source: string;
  readonly type?: string;
}

/** What a recorded call did to a file. Paths are the recording's. */
export type FileEdit =
  | { readonly does: 'write'; readonly path: string; readonly text: string }
  | { readonly does: 'swap'; readonly path: string; readonly swaps: readonly Swap[] }
  | { readonly does: 'cell'; readonly path: string; readonly cell: CellEdit }
  | {
      readonly does: 'patch';
      readonly path: string;
      readonly movedTo?: string;
      readonly chunks: readonly PatchChunk[];
    }
  | { readonly does: 'delete'; readonly path: string };

export interface RecordedEdits {
  readonly edits: readonly FileEdit[];
  /** Where relative paths start from, if not from the recording's folder. */
  readonly from?: string;
}

/**
 * The edits that a call asks for; undefined for every other call: what a shell command changed is not in a transcript.
 * @throws EditFailed when it asks for them in a way that nobody understands.
 */
export function editsOf(agent: AgentKind, call: ToolCallEntry): RecordedEdits | undefined {
  if (agent === 'codex') return ofCodex(call);
  if (!isRecord(call.input)) return undefined;
  const edit =
    agent === 'claude-code' ? ofClaudeCode(call.name, call.input) : ofGemini(call.name, call.input);
  return edit && { edits: [edit] };
}

function ofClaudeCode(name: string, input: JsonRecord): FileEdit | undefined {
  const path = textAt(input, 'file_path') ?? textAt(input, 'notebook_path');
  if (path === undefined) return undefined;
  switch (name) {
    case 'Write':
      return { does: 'write', path, text: textAt(input, 'content') ?? '' };
    case 'Edit':
      return { does: 'swap', path, swaps: [swapOf(input)] };
    case 'MultiEdit':
      return { does: 'swap', path, swaps: (listAt(input, 'edits') ?? []).filter(isRecord).map(swapOf) };
    case 'NotebookEdit':
      return { does: 'cell', path, cell: cellOf(input) };
    default:
      return undefined;
  }
}

const swapOf = (input: JsonRecord): Swap => ({
  before: textAt(input, 'old_string') ?? '',
  after: textAt(input, 'new_string') ?? '',
  times: isTrueAt(input, 'replace_all') ? 'all' : 1,
});

function cellOf(input: JsonRecord): CellEdit {
  const mode = textAt(input, 'edit_mode');
  const index = numberAt(input, 'cell_number');
  const cellId = textAt(input, 'cell_id') ?? (index === undefined ? undefined : `cell-${index}`);
  const type = textAt(input, 'cell_type');
  return {
    mode: mode === 'insert' || mode === 'delete' ? mode : 'replace',
    source: textAt(input, 'new_source') ?? '',
    ...(cellId !== undefined && { cellId }),
    ...(type !== undefined && { type }),
  };
}

function ofGemini(name: string, input: JsonRecord): FileEdit | undefined {
  const path = textAt(input, 'file_path') ?? textAt(input, 'path');
  if (path === undefined) return undefined;
  if (name === 'write_file') return { does: 'write', path, text: textAt(input, 'content') ?? '' };
  if (name !== 'replace' && name !== 'edit' && name !== 'smart_edit') return undefined;
  const times = isTrueAt(input, 'allow_multiple') ? 'all' : (numberAt(input, 'expected_replacements') ?? 1);
  return { does: 'swap', path, swaps: [{ ...swapOf(input), times }] };
}

/** A patch counts where it is applied: as the tool's own input, or after its name in a shell command. */
function ofCodex(call: ToolCallEntry): RecordedEdits | undefined {
  const text = patchTextOf(call);
  if (text === undefined) return undefined;
  const words = isRecord(call.input) ? [call.input['command'], call.input['args']].flat() : [];
  const isApplied =
    /^apply_?patch$/.test(call.name) ||
    words.includes('apply_patch') ||
    /\bapply_?patch\b/.test(text.slice(0, text.indexOf('*** Begin Patch')));
  if (!isApplied) return undefined;
  const from = isRecord(call.input) ? textAt(call.input, 'workdir') : undefined;
  const edits = parsePatch(text).map((file): FileEdit => {
    if (file.does === 'add') {
      return { does: 'write', path: file.path, text: file.lines.map((line) => `${line}\n`).join('') };
    }
    return file.does === 'delete' ? file : { ...file, does: 'patch' };
  });
  return { edits, ...(from !== undefined && { from }) };
}
