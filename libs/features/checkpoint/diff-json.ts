import type { FileDiff } from '#libs/git/diff.js';
import { shownPath } from '#libs/git/path-bytes.js';
import type { DiffStats, FileDiffAnswer } from './checkpoint-code.dto.js';
import type { CheckpointDiff } from './checkpoint-code.process.js';

/** Characters that are sent at once: each piece costs a call of the operating system. */
const PIECE = 32_768;

/** A CheckpointDiffResponse as JSON: the first file at once, the others some together. */
export async function* diffJson(diff: CheckpointDiff): AsyncGenerator<string> {
  let piece = '';
  let isFirst = true;
  for await (const text of fileByFile(diff)) {
    piece += text;
    if (piece.length < PIECE && !(isFirst && text !== piece)) continue;
    isFirst = false;
    yield piece;
    piece = '';
  }
  yield piece;
}

async function* fileByFile({ checkpoint, previous, base, files }: CheckpointDiff): AsyncGenerator<string> {
  const head = {
    checkpoint,
    ...(previous ? { previousCheckpoint: previous } : {}),
    ...(base === null ? {} : { baseSha: base }),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"diff":{"files":[`;
  let stats: DiffStats = { filesChanged: 0, insertions: 0, deletions: 0 };
  for await (const file of files) {
    yield `${stats.filesChanged > 0 ? ',' : ''}${JSON.stringify(answerOf(file))}`;
    stats = {
      filesChanged: stats.filesChanged + 1,
      insertions: stats.insertions + file.additions,
      deletions: stats.deletions + file.deletions,
    };
  }
  yield `],"stats":${JSON.stringify(stats)}}}`;
}

const NOTHING = '000000';

function answerOf({
  path,
  from,
  action,
  oldMode,
  newMode,
  additions,
  deletions,
  binary,
  cut,
  hunks,
}: FileDiff): FileDiffAnswer {
  return {
    path: shownPath(path),
    action: action === 'renamed' ? 'modified' : action,
    ...(from === null ? {} : { renamedFrom: shownPath(from) }),
    additions,
    deletions,
    binary,
    cut,
    ...(oldMode === NOTHING ? {} : { oldMode }),
    ...(newMode === NOTHING ? {} : { newMode }),
    hunks,
  };
}
