// Row 17: the code of a task goes back over HTTP, with what was there kept first, against a plain capture and `read-tree -u`.
import { codeBed } from '../makima/code-bed.mjs';
import { alternating, timed } from '../measure.mjs';
import { flushed, gitLine, plainCheckpoint, plainRestore } from '../peers/plain-git.mjs';
import { atMost, row } from '../report.mjs';
import { change, someFiles } from '../sources.mjs';

export const ids = [17];

const ROUNDS_EACH = 3;

export async function run(context) {
  const { options, progress } = context;
  const [files, changed] = options.quick ? [1_000, 100] : [5_000, 500];
  const bed = await codeBed(context, { files, bytes: 2_000 });
  const { code, taskId, folder, plain, stop } = bed;
  try {
    const base = await gitLine(plain, ['rev-parse', 'HEAD']);
    const { id } = await code.checkpoint(taskId);
    await code.safe(taskId, id);
    let mark = 0;
    let chosen = [];
    const makima = async () => {
      mark += 1;
      chosen = someFiles(changed, files);
      change(folder, chosen, mark);
      await flushed();
      const { ms } = await timed(() => code.rewind(taskId, id));
      const { checkpoints } = await code.api.get(`/mesh/tasks/${taskId}/checkpoints?limit=1`);
      await code.safe(taskId, checkpoints[0].id);
      return { ms };
    };
    const git = async () => {
      change(plain, chosen, mark);
      await flushed();
      const { ms } = await timed(async () => {
        const before = await plainCheckpoint(plain, `refs/makima/checkpoints/${mark}`);
        await plainRestore(plain, before, base);
      });
      return { ms };
    };
    await makima();
    await git();
    const figures = await alternating(
      options.rounds * ROUNDS_EACH,
      { makima, git },
      { before: bed.before, progress },
    );
    return [
      row({
        id: 17,
        work: `rewind of ${changed} files of ${files.toLocaleString('en-US')}`,
        unit: 'ms',
        figure: 'ms',
        figures,
        goals: [atMost(1.5, '× plain capture and read-tree -u', figures.makima, figures.git, 'ms')],
        notes: [
          'from the request to its answer: what is there is captured and recorded, the folder restored, its repository moved, the tree read again and compared, all events in the log',
        ],
      }),
    ];
  } finally {
    await stop();
  }
}
