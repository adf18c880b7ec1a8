// `git diff`, parsed into files, hunks and lines: what a program without makima would do.
import { git } from './plain-git.mjs';

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/;
const KINDS = { ' ': 'context', '+': 'added', '-': 'deleted' };

/** The difference of two commits as an object a file. */
export async function plainDiff(folder, from, to) {
  return parsed(await git(folder, ['diff', '--no-color', '--no-ext-diff', '--no-prefix', from, to]));
}

function parsed(text) {
  const files = [];
  let file;
  let hunk;
  for (const line of text.split('\n')) {
    if (line.startsWith('diff --git ')) {
      file = { path: line.split(' ').at(-1), additions: 0, deletions: 0, hunks: [] };
      hunk = undefined;
      files.push(file);
      continue;
    }
    const found = HUNK.exec(line);
    if (found) {
      const [, oldStart, oldLines = '1', newStart, newLines = '1', heading] = found;
      hunk = {
        oldStart: Number(oldStart),
        oldLines: Number(oldLines),
        newStart: Number(newStart),
        newLines: Number(newLines),
        heading,
        lines: [],
      };
      file.hunks.push(hunk);
    } else if (hunk && KINDS[line[0]]) {
      hunk.lines.push({ kind: KINDS[line[0]], text: line.slice(1) });
      if (line[0] === '+') file.additions += 1;
      if (line[0] === '-') file.deletions += 1;
    }
  }
  return files;
}
