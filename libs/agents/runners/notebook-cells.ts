import { fingerprint } from '../transcripts/entry-names.js';
import { isRecord, parseJson, textAt } from '../transcripts/json-fields.js';
import type { CellEdit } from './recorded-edits.js';
import { EditFailed } from './task-folder.js';

/** A Jupyter notebook's text after an edit of one cell, indented as Jupyter writes it. @throws EditFailed */
export function withCell(text: string, edit: CellEdit): string {
  const notebook = parseJson(text);
  const found: unknown = isRecord(notebook) ? notebook['cells'] : undefined;
  if (!isRecord(notebook) || !Array.isArray(found)) throw new EditFailed('Notebook is not valid JSON.');
  const cells: unknown[] = [...(found as readonly unknown[])];
  const at = indexOf(cells, edit.cellId);
  if (edit.mode === 'insert') cells.splice(at + 1, 0, newCell(edit));
  else if (at === -1) throw new EditFailed('Cell ID must be specified when not inserting a new cell.');
  else if (edit.mode === 'delete') cells.splice(at, 1);
  else cells[at] = replaced(cells[at], edit);
  return `${JSON.stringify({ ...notebook, cells }, null, 1)}${text.endsWith('\n') ? '\n' : ''}`;
}

/** Of a cell that is named by its id or as `cell-<index>`; -1 without a name. */
function indexOf(cells: readonly unknown[], cellId: string | undefined): number {
  if (cellId === undefined) return -1;
  const named = cells.findIndex((cell) => isRecord(cell) && textAt(cell, 'id') === cellId);
  if (named !== -1) return named;
  const index = Number(/^cell-(\d+)$/.exec(cellId)?.[1] ?? -1);
  if (index < 0 || index >= cells.length)
    throw new EditFailed(`Cell with ID "${cellId}" not found in notebook.`);
  return index;
}

const newCell = ({ source, type = 'code' }: CellEdit): object => ({
  cell_type: type,
  id: fingerprint(source).slice(0, 8),
  metadata: {},
  source,
  ...(type === 'code' && { outputs: [], execution_count: null }),
});

function replaced(cell: unknown, { source, type }: CellEdit): object {
  const known = isRecord(cell) ? cell : {};
  const kind = type ?? textAt(known, 'cell_type');
  return {
    ...known,
    ...(kind !== undefined && { cell_type: kind }),
    source,
    // What the former source printed is not what this one does.
    ...(kind === 'code' && { outputs: [], execution_count: null }),
  };
}
