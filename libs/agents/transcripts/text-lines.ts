import { isRecord, listAt, textAt } from './json-fields.js';

export interface LineCounts {
  readonly linesAdded: number;
  readonly linesRemoved: number;
}

/** Lines of a file's text; a last line end begins no further line. */
export const linesOf = (text: string): readonly string[] => {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
};

/** Counts a unified diff's added and removed lines; file headers (`---`, `+++`) only count inside a hunk. */
export function countUnifiedDiff(diff: string): LineCounts {
  let linesAdded = 0;
  let linesRemoved = 0;
  let inHunk = false;
  for (const line of diff.split('\n')) {
    if (line.startsWith('@@')) inHunk = true;
    else if (line.startsWith('diff --git ')) inHunk = false;
    else if (inHunk && line.startsWith('+')) linesAdded += 1;
    else if (inHunk && line.startsWith('-')) linesRemoved += 1;
  }
  return { linesAdded, linesRemoved };
}

/** Counts hunks of `{ lines: ["+added", "-removed", " same"] }`. */
export function countHunks(hunks: readonly unknown[]): LineCounts {
  let linesAdded = 0;
  let linesRemoved = 0;
  for (const hunk of hunks) {
    for (const line of (isRecord(hunk) && listAt(hunk, 'lines')) || []) {
      if (typeof line !== 'string') continue;
      if (line.startsWith('+')) linesAdded += 1;
      else if (line.startsWith('-')) linesRemoved += 1;
    }
  }
  return { linesAdded, linesRemoved };
}

/** Counts what a replacement changes: lines that begin or end both texts alike are not counted. */
export function countReplacement(before: string, after: string): LineCounts {
  const old = linesOf(before);
  const now = linesOf(after);
  const shorter = Math.min(old.length, now.length);
  let same = 0;
  while (same < shorter && old[same] === now[same]) same += 1;
  let tail = 0;
  while (tail < shorter - same && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  return { linesAdded: now.length - same - tail, linesRemoved: old.length - same - tail };
}

/** Text of a content that is a string or a list of `{ type: 'text', text }` blocks, as several formats have it. */
export const plainText = (content: unknown): string => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((block: unknown) =>
      typeof block === 'string' ? block : (isRecord(block) && textAt(block, 'text')) || '',
    )
    .filter((text) => text !== '')
    .join('\n');
};
