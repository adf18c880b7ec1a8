// Row 16: what a checkpoint changed in 500 files, over HTTP and parsed, against `git diff` parsed in the same language.
import { get } from 'node:http';
import { codeBed } from '../makima/code-bed.mjs';
import { alternating, latencies, median, now } from '../measure.mjs';
import { git, gitLine } from '../peers/plain-git.mjs';
import { plainDiff } from '../peers/plain-diff.mjs';
import { atMost, goal, row } from '../report.mjs';
import { change, firstFiles } from '../sources.mjs';

export const ids = [16];

/**
 * When the first hunk comes, when the last file begins, and when all is there, in milliseconds.
 * @param last path of the last file.
 */
function arrivals({ url, token }, path, last) {
  const begun = now();
  const options = { headers: { authorization: `Bearer ${token}` } };
  return new Promise((resolve, reject) => {
    get(`${url}/api/v1${path}`, options, (response) => {
      let text = '';
      const when = {};
      response.setEncoding('latin1');
      response.on('data', (part) => {
        text += part;
        if (!when.hunk && text.includes('"hunks":[{')) when.hunk = now() - begun;
        // The list of files that the checkpoint names comes first, and is not the difference.
        const from = text.indexOf('"diff":{"files":[');
        if (!when.last && from >= 0 && text.includes(`"path":"${last}"`, from)) when.last = now() - begun;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ ...when, whole: now() - begun }));
    }).on('error', reject);
  });
}

export async function run(context) {
  const { options, progress } = context;
  const quick = options.quick;
  const [files, changed] = quick ? [1_000, 100] : [5_000, 500];
  const bed = await codeBed(context, { files, bytes: 4_000 });
  const { code, taskId, folder, plain, stop } = bed;
  try {
    const before = await gitLine(plain, ['rev-parse', 'HEAD']);
    await code.checkpoint(taskId);
    for (const where of [folder, plain]) for (const mark of [1, 40]) change(where, firstFiles(changed), mark);
    const { id } = await code.checkpoint(taskId);
    await code.safe(taskId, id);
    await git(plain, ['commit', '--quiet', '-a', '-m', 'changes']);
    const path = `/mesh/tasks/${taskId}/checkpoints/${id}/diff`;
    const { diff } = await code.api.get(path);
    const plainly = await plainDiff(plain, before, 'HEAD');
    assertAlike(diff.files, plainly);
    const count = quick ? 5 : 15;
    const figures = await alternating(
      options.rounds,
      {
        makima: () => latencies(count, () => code.api.get(path)),
        git: () => latencies(count, () => plainDiff(plain, before, 'HEAD')),
      },
      { before: bed.before, progress },
    );
    const seen = [];
    for (let i = 0; i < count; i++) seen.push(await arrivals(code.api, path, plainly.at(-1).path));
    const [hunk, last, whole] = ['hunk', 'last', 'whole'].map((of) => median(seen.map((one) => one[of])));
    const { p50 } = await latencies(count, () => git(plain, ['diff', before, 'HEAD']));
    return [
      row({
        id: 16,
        work: `diff of ${changed} files over HTTP, parsed, p50`,
        unit: 'ms',
        figure: 'p50',
        figures,
        goals: [
          atMost(1.5, '× git diff, parsed', figures.makima, figures.git, 'p50'),
          goal('≤', 0.75, '× the time of the last file until the first hunk', hunk / last),
        ],
        notes: [
          `first hunk after ${hunk.toFixed(0)} ms, last file after ${last.toFixed(0)} ms, all after ${whole.toFixed(0)} ms; git alone, not parsed, ${p50.toFixed(0)} ms`,
          'both answers name the same files, hunks and lines',
        ],
      }),
    ];
  } finally {
    await stop();
  }
}

/** Both must have done the same work. */
function assertAlike(ours, theirs) {
  const shape = (list) =>
    JSON.stringify(
      list.map(({ path, additions, deletions, hunks }) => [path, additions, deletions, hunks.length]),
    );
  if (shape(ours) !== shape(theirs)) throw new Error('the two differences are not the same');
}
