// Row 18: what 1,000 checkpoints of small changes take on disk, in the hub and in the task's shadow repository, against one
// plain repository with the same commits after `git gc`. Makima is left as it is: what it has not packed counts.
import { mkdirSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { codeBed } from '../makima/code-bed.mjs';
import { now, sleep } from '../measure.mjs';
import { git } from '../peers/plain-git.mjs';
import { goal, row } from '../report.mjs';
import { change, someFiles } from '../sources.mjs';

export const ids = [18];

const SETTLED_MS = 3_000;

/** Bytes that the files of a folder take on the disk: whole blocks. What goes meanwhile counts as gone. */
function diskBytes(folder) {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const found = lstatSync(join(entry.parentPath ?? entry.path, entry.name), { throwIfNoEntry: false });
    bytes += (found?.blocks ?? 0) * 512;
  }
  return bytes;
}

/** Null: a folder went while it was read. */
function sizeNow(folder) {
  try {
    return diskBytes(folder);
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Waits until nothing is packed any more. */
async function settled(folder) {
  for (let last = -1, since = now(); now() - since < SETTLED_MS;) {
    const bytes = sizeNow(folder);
    if (bytes !== last) [last, since] = [bytes, now()];
    await sleep(200);
  }
  return diskBytes(folder);
}

async function plainBytes(base, hub, commitSha) {
  const plain = join(base, 'same-commits.git');
  mkdirSync(plain);
  await git(plain, ['init', '--quiet', '--bare']);
  const pinned = (await git(hub, ['for-each-ref', '--format=%(objectname) %(refname)'])).split('\n');
  const ref = pinned.find((line) => line.startsWith(commitSha)).split(' ')[1];
  await git(plain, ['fetch', '--quiet', hub, `${ref}:refs/heads/main`]);
  await git(plain, ['gc', '--quiet', '--prune=now']);
  const commits = Number(await git(plain, ['rev-list', '--count', 'main']));
  return { bytes: diskBytes(plain), commits };
}

const packs = (gitDir) =>
  readdirSync(gitDir, { recursive: true }).filter((name) => name.endsWith('.pack')).length;

export async function run(context) {
  const { options, progress } = context;
  const [files, count] = options.quick ? [1_000, 100] : [2_000, 1_000];
  const { base, code, taskId, folder, stop } = await codeBed(context, { files, bytes: 2_000 });
  try {
    let last;
    for (let n = 1; n <= count; n++) {
      change(folder, someFiles(3, files), n);
      last = await code.checkpoint(taskId);
      if (n % 100 === 0) progress(`${n} checkpoints`);
    }
    await code.safe(taskId, last.id);
    const shadowDir = code.daemon.shadowOf(taskId);
    const hub = await settled(code.hub);
    const shadow = await settled(shadowDir);
    const { bytes: plain, commits } = await plainBytes(base, code.hub, last.commitSha);
    if (commits < count) throw new Error(`the plain repository has ${commits} commits`);
    const mb = (bytes) => [{ mb: bytes / 1e6 }];
    return [
      row({
        id: 18,
        work: `disk for ${count.toLocaleString('en-US')} checkpoints of 3 changed files of ${files.toLocaleString('en-US')}`,
        unit: 'MB',
        figure: 'mb',
        figures: { hub: mb(hub), shadow: mb(shadow), git: mb(plain) },
        goals: [
          goal('≤', 1.2, '× plain git, hub', hub / plain),
          goal('≤', 1.2, '× plain git, shadow', shadow / plain),
        ],
        notes: [
          `packs: hub ${packs(code.hub)}, shadow ${packs(shadowDir)}; blocks on the disk, refs and indexes included`,
          'the shadow borrows what the repository of the contract has; plain git: the same commits fetched from the hub, after git gc --prune=now',
        ],
      }),
    ];
  } finally {
    await stop();
  }
}
