import { EditFailed } from './task-folder.js';

/** What a patch of the `*** Begin Patch` format does to a file. */
export type PatchedFile =
  | { readonly does: 'add'; readonly path: string; readonly lines: readonly string[] }
  | { readonly does: 'delete'; readonly path: string }
  | {
      readonly does: 'update';
      readonly path: string;
      readonly movedTo?: string;
      readonly chunks: readonly PatchChunk[];
    };

export interface PatchChunk {
  /** A line that stands before the chunk, where the patch names one. */
  readonly context?: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The chunk is the end of the file. */
  readonly isAtEnd: boolean;
}

interface OpenChunk {
  context?: string;
  before: string[];
  after: string[];
  isAtEnd: boolean;
}

interface OpenFile {
  does: 'add' | 'delete' | 'update';
  path: string;
  movedTo?: string;
  lines: string[];
  chunks: OpenChunk[];
}

const BEGIN = '*** Begin Patch';
const END = '*** End Patch';
const FILE = /^\*\*\* (Add|Update|Delete) File: (.+)$/;
const MOVE = /^\*\*\* Move to: (.+)$/;
const KINDS = { Add: 'add', Update: 'update', Delete: 'delete' } as const;

/** Reads the first patch in a text. @throws EditFailed where a line has no place in one. */
export function parsePatch(text: string): readonly PatchedFile[] {
  const lines = text.slice(text.indexOf(BEGIN)).split(/\r?\n/).slice(1);
  const end = lines.findIndex((line) => line.trimEnd() === END);
  const files: OpenFile[] = [];
  for (const line of end === -1 ? lines : lines.slice(0, end)) {
    const [, kind, path] = FILE.exec(line) ?? [];
    const file = files.at(-1);
    if (kind !== undefined && path !== undefined) {
      files.push({ does: KINDS[kind as keyof typeof KINDS], path: path.trim(), lines: [], chunks: [] });
    } else if (!file) {
      if (line.trim() !== '') throw new EditFailed(`Invalid patch: no file is named before "${line}".`);
    } else addLine(file, line);
  }
  if (files.length === 0) throw new EditFailed('Invalid patch: it names no file.');
  return files.map(finished);
}

function addLine(file: OpenFile, line: string): void {
  if (file.does === 'add' && line.startsWith('+')) file.lines.push(line.slice(1));
  else if (file.does === 'update') addUpdateLine(file, line);
  else if (line.trim() !== '') throw new EditFailed(`Invalid patch: "${line}" has no place in ${file.path}.`);
}

function addUpdateLine(file: OpenFile, line: string): void {
  const [, movedTo] = MOVE.exec(line) ?? [];
  if (movedTo !== undefined) {
    file.movedTo = movedTo.trim();
    return;
  }
  if (line === '@@' || line.startsWith('@@ ')) {
    const context = line.slice(3);
    file.chunks.push({ ...(context !== '' && { context }), before: [], after: [], isAtEnd: false });
    return;
  }
  // The first chunk needs no head.
  if (file.chunks.length === 0) file.chunks.push({ before: [], after: [], isAtEnd: false });
  const chunk = file.chunks.at(-1)!;
  const mark = line[0] ?? ' ';
  if (line.trimEnd() === '*** End of File') chunk.isAtEnd = true;
  else if (!' +-'.includes(mark))
    throw new EditFailed(`Invalid patch: "${line}" has no place in ${file.path}.`);
  else {
    if (mark !== '+') chunk.before.push(line.slice(1));
    if (mark !== '-') chunk.after.push(line.slice(1));
  }
}

function finished({ does, path, movedTo, lines, chunks }: OpenFile): PatchedFile {
  if (does === 'add') return { does, path, lines };
  return does === 'delete'
    ? { does, path }
    : { does, path, chunks, ...(movedTo !== undefined && { movedTo }) };
}

/**
 * A file's text after a patch, found as Codex finds it: first exactly, then without the white space at line ends, then
 * without that at both ends. The text ends with a line end afterwards.
 * @throws EditFailed when what a chunk takes out is not there.
 */
export function patched(text: string, path: string, chunks: readonly PatchChunk[]): string {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const changes: { readonly at: number; readonly out: number; readonly into: readonly string[] }[] = [];
  let from = 0;
  for (const chunk of chunks) {
    if (chunk.context !== undefined) {
      const at = find(lines, [chunk.context], from, false);
      if (at === undefined) throw new EditFailed(`Failed to find context '${chunk.context}' in ${path}`);
      from = at + 1;
    }
    const { before, after, at } = placeOf(lines, chunk, from);
    if (at === undefined)
      throw new EditFailed(`Failed to find expected lines in ${path}:\n${before.join('\n')}`);
    changes.push({ at, out: before.length, into: after });
    if (before.length > 0) from = at + before.length;
  }
  // From the end, so that places stay; additions at the end may stand before others.
  for (const { at, out, into } of changes.reverse().sort((one, other) => other.at - one.at))
    lines.splice(at, out, ...into);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

interface Placed {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly at: number | undefined;
}

function placeOf(lines: readonly string[], chunk: PatchChunk, from: number): Placed {
  const { before, after, isAtEnd } = chunk;
  // Codex puts lines that have nothing around them at the end.
  if (before.length === 0) return { before, after, at: lines.length };
  const at = find(lines, before, from, isAtEnd);
  if (at !== undefined || before.at(-1) !== '') return { before, after, at };
  const shorter = before.slice(0, -1);
  const without = after.at(-1) === '' ? after.slice(0, -1) : after;
  return { before: shorter, after: without, at: find(lines, shorter, from, isAtEnd) };
}

const LIKENESSES: readonly ((line: string) => string)[] = [
  (line) => line,
  (line) => line.trimEnd(),
  (line) => line.trim(),
];

function find(
  lines: readonly string[],
  wanted: readonly string[],
  from: number,
  isAtEnd: boolean,
): number | undefined {
  const last = lines.length - wanted.length;
  for (const like of LIKENESSES) {
    const sought = wanted.map(like);
    const first = isAtEnd ? Math.max(0, last) : from;
    for (let at = first; at <= last; at += 1) {
      if (sought.every((line, offset) => like(lines[at + offset]!) === line)) return at;
    }
  }
  return undefined;
}
