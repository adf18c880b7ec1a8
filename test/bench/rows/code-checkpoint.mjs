// Rows 13 to 15: a checkpoint asked for over HTTP of a running server and daemon, against git add, write-tree, commit-tree
// and update-ref in a clone of the same repository with the same changes. Everybody waits for the disk.
import { codeBed } from '../makima/code-bed.mjs';
import { alternating, medianOf, timed } from '../measure.mjs';
import { flushed, plainCheckpoint } from '../peers/plain-git.mjs';
import { atMost, goal, row } from '../report.mjs';
import { change, someFiles } from '../sources.mjs';

export const ids = [13, 14, 15];

/** Of each size; the medians of more rounds than elsewhere, because one checkpoint is one moment of the disk. */
const ROUNDS_EACH = 3;

const sizes = (quick) => ({
  500: { files: quick ? 1_000 : 5_000, changed: quick ? 100 : 500, bytes: 2_000 },
  10: { files: quick ? 5_000 : 100_000, changed: 10, bytes: 500 },
});

async function measured(context, size) {
  const { options, progress } = context;
  const { code, taskId, folder, plain, before, stop } = await codeBed(context, size);
  let mark = 0;
  let changed = [];
  const makima = async () => {
    mark += 1;
    changed = someFiles(size.changed, size.files);
    change(folder, changed, mark);
    await flushed();
    const recorded = await timed(() => code.checkpoint(taskId));
    const { linesAdded } = recorded.answer;
    if (linesAdded !== size.changed) throw new Error(`the checkpoint says ${linesAdded} lines`);
    const safe = await timed(() => code.safe(taskId, recorded.answer.id));
    return { recorded: recorded.ms, safe: recorded.ms + safe.ms };
  };
  const git = async () => {
    change(plain, changed, mark);
    await flushed();
    const { ms } = await timed(() => plainCheckpoint(plain, `refs/makima/checkpoints/${mark}`));
    return { recorded: ms, safe: ms };
  };
  // The first one of each looks at every file, and sends the whole repository to the hub.
  await makima();
  await git();
  try {
    return await alternating(options.rounds * ROUNDS_EACH, { makima, git }, { before, progress });
  } finally {
    await stop();
  }
}

const WHAT =
  'from the request for a checkpoint to its answer, through server, daemon, folder and log; git: add -A, write-tree, commit-tree, update-ref with core.fsync=all and an fsync of the folder of the ref';

export async function run(context) {
  const { options, wanted } = context;
  const rows = [];
  const { 500: many, 10: few } = sizes(options.quick);
  const shown = (count) => count.toLocaleString('en-US');
  if (wanted(13) || wanted(14)) {
    const figures = await measured(context, many);
    const work = `checkpoint of ${many.changed} changed files of ${shown(many.files)}`;
    if (wanted(13))
      rows.push(
        row({
          id: 13,
          work: `${work}, recorded`,
          unit: 'ms',
          figure: 'recorded',
          figures,
          goals: [atMost(1.5, '× plain git', figures.makima, figures.git, 'recorded')],
          notes: [WHAT],
        }),
      );
    if (wanted(14))
      rows.push(
        row({
          id: 14,
          work: `${work}, safe in the hub`,
          unit: 'ms',
          figure: 'safe',
          figures,
          goals: [atMost(3, '× plain git', figures.makima, figures.git, 'safe')],
          notes: ['until a reader is told that it is safe; git: the same as in the row above'],
        }),
      );
  }
  if (wanted(15)) {
    const figures = await measured(context, few);
    rows.push(
      row({
        id: 15,
        work: `checkpoint of ${few.changed} changed files of ${shown(few.files)}, recorded`,
        unit: 'ms',
        figure: 'recorded',
        figures,
        goals: [
          atMost(1.5, '× plain git', figures.makima, figures.git, 'recorded'),
          goal('≤', 1_000, 'ms', medianOf(figures.makima, 'recorded')),
        ],
        notes: [`safe in the hub after ${medianOf(figures.makima, 'safe').toFixed(0)} ms`],
      }),
    );
  }
  return rows;
}
