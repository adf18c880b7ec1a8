// Row 19: a fork of code and conversation. What it writes does not grow with the conversation; its folder is compared with
// `git clone --local` with checkout.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startApi } from '../makima/api.mjs';
import { codeBed } from '../makima/code-bed.mjs';
import { forkFolders } from '../makima/fork-folder.mjs';
import { Task } from '../makima/history.mjs';
import { openLoader, projected } from '../makima/load.mjs';
import { alternating, percentile, sleep, timed } from '../measure.mjs';
import { flushed, plainClone } from '../peers/plain-git.mjs';
import { atMost, goal, row } from '../report.mjs';
import { connect, disconnect } from '../server.mjs';
import { change, pathOf } from '../sources.mjs';
import { writtenSince } from '../written.mjs';

export const ids = [19];

const DATABASE = 'bench_fork';
/** More rounds for what is small, and so depends on chance. */
const roundsEach = (files) => (files > 1_000 ? 1 : 3);
/** Files that differ between the checkpoint and the repository. */
const CHANGED = 10;

/** A task with so many messages and then a checkpoint. */
function* conversation(task, messages) {
  yield { stream: task, events: task.created };
  for (let count = 0; count < messages;) {
    const events = [];
    for (; events.length < 100 && count < messages; count++)
      events.push(...task.message(count % 2 === 0 ? 'user' : 'assistant'));
    yield { stream: task, events };
  }
  yield { stream: task, events: task.checkpoint() };
}

async function forksWritten({ server, options, progress }) {
  const url = await server.createDatabase(DATABASE);
  const api = await startApi(url);
  const clients = await connect(url, 1);
  const { ownerId } = await api.get('/access/whoami');
  const loader = openLoader(url, ownerId);
  const sizes = [100, options.quick ? 20_000 : 100_000];
  const tasks = sizes.map((size) => new Task(`Of ${size}`));
  for (const [n, task] of tasks.entries()) await loader.load(conversation(task, sizes[n]));
  await projected(api, loader.position);
  await loader.close();
  const fork = async (task) => {
    const { checkpoints } = await api.get(`/mesh/tasks/${task.id}/checkpoints?limit=1`);
    return timed(() =>
      api.post(`/mesh/tasks/${task.id}/fork`, {
        forkFrom: { type: 'checkpoint', value: checkpoints[0].commitSha },
        newTask: { name: 'Fork', plan: 'Another way' },
      }),
    );
  };
  // Before a stream is asked for the first time its state is not in memory.
  for (const task of tasks) await fork(task);
  const count = options.quick ? 10 : 25;
  const times = (task) => async () => {
    const taken = [];
    for (let i = 0; i < count; i++) taken.push((await fork(task)).ms);
    return { p50: percentile(taken, 50) };
  };
  const [small, large] = tasks;
  const figures = await alternating(
    options.rounds,
    { [`at ${sizes[0]}`]: times(small), [`at ${sizes[1]}`]: times(large) },
    { before: server.checkpoint, progress },
  );
  const wrote = [];
  for (const task of tasks) {
    const since = await writtenSince(clients[0]);
    await fork(task);
    await sleep(300); // whatever is written behind the answer
    wrote.push(await since());
  }
  await disconnect(clients);
  await api.stop();
  await server.dropDatabase(DATABASE);
  const [atSmall, atLarge] = Object.values(figures);
  return row({
    id: 19,
    work: `fork from a checkpoint, code and conversation: ${sizes.map((size) => size.toLocaleString('en-US')).join(' against ')} messages, p50`,
    unit: 'ms',
    figure: 'p50',
    figures,
    goals: [
      atMost(1.3, '×', atLarge, atSmall, 'p50'),
      goal('=', wrote[0].rows, `rows at ${sizes[1]} as at ${sizes[0]}`, wrote[1].rows),
    ],
    notes: [`written: ${wrote.map(({ rows }) => rows).join(' and ')} rows (${wrote[1].tables})`],
  });
}

async function folders(context, files) {
  const { options, progress } = context;
  const bed = await codeBed(context, { files, bytes: files > 10_000 ? 500 : 2_000 });
  const { base, source, code, taskId, folder, stop } = bed;
  try {
    change(folder, [...Array(Math.min(CHANGED, files)).keys()], 'the fork');
    const checkpoint = await code.checkpoint(taskId);
    await code.safe(taskId, checkpoint.id);
    const make = await forkFolders(bed, checkpoint);
    let clones = 0;
    const cases = {
      makima: async () => {
        await flushed();
        const { ms, answer } = await timed(make);
        if (!readFileSync(join(answer, pathOf(0)), 'utf8').includes('as of the fork'))
          throw new Error('the folder is not at the checkpoint');
        rmSync(join(answer, '..'), { recursive: true });
        return { ms };
      },
      git: async () => {
        const target = join(base, `clone-${(clones += 1)}`);
        await flushed();
        const { ms } = await timed(() => plainClone(source, target));
        rmSync(target, { recursive: true });
        return { ms };
      },
    };
    for (const once of Object.values(cases)) await once();
    const figures = await alternating(options.rounds * roundsEach(files), cases, {
      before: bed.before,
      progress,
    });
    return row({
      id: 19,
      work: `folder of a fork with ${files.toLocaleString('en-US')} files`,
      unit: 'ms',
      figure: 'ms',
      figures,
      goals: [atMost(1.3, '× git clone --local with checkout', figures.makima, figures.git, 'ms')],
      notes: [
        `by the modules of the daemon, in this process: clone from the cache, ${Math.min(CHANGED, files)} changed files from the hub over HTTP, restored and compared`,
      ],
    });
  } finally {
    await stop();
  }
}

export async function run(context) {
  const { options } = context;
  const rows = [await forksWritten(context)];
  const sizes = options.quick ? [10, 1_000] : options.full ? [10, 10_000, 100_000] : [10, 10_000];
  for (const files of sizes) rows.push(await folders(context, files));
  return rows;
}
