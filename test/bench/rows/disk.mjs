// Row 11: bytes on disk for a message of 1 KB: log, read models and all indexes.
import { startApi } from '../makima/api.mjs';
import { Task } from '../makima/history.mjs';
import { openLoader, projected } from '../makima/load.mjs';
import { goal, row } from '../report.mjs';
import { connect, disconnect } from '../server.mjs';
import { databaseBytes, tableBytes } from '../sizes.mjs';

export const ids = [11];

const STEPS = [10_000, 50_000, 100_000];
const TASKS = 50;
const LIMIT_KB = 4;
const DATABASE = 'bench_disk';

/** The tasks' conversations go on until there are so many messages altogether. */
function* until(tasks, messages) {
  let count = tasks.reduce((sum, task) => sum + task.state.conversation.seq, 0);
  for (let turn = 0; count < messages; turn++) {
    const task = tasks[turn % tasks.length];
    const events = turn % 7 === 0 ? task.message('user', { origin: 'human' }) : task.toolUse();
    count += events.length;
    yield { stream: task, events };
  }
}

export async function run({ server, options, progress }) {
  const url = await server.createDatabase(DATABASE);
  const api = await startApi(url);
  const clients = await connect(url, 1);
  const empty = await databaseBytes(clients[0]);
  const { ownerId } = await api.get('/access/whoami');
  const loader = openLoader(url, ownerId);
  const tasks = Array.from({ length: TASKS }, (_, n) => new Task(`Task ${n + 1}`));
  await loader.load(tasks.map((task) => ({ stream: task, events: task.created })));
  const perMessage = {};
  for (const step of options.quick ? STEPS.slice(0, 2) : STEPS) {
    await loader.load(until(tasks, step));
    await projected(api, loader.position);
    perMessage[step] = ((await databaseBytes(clients[0])) - empty) / step / 1024;
    progress(`${step} messages: ${perMessage[step].toFixed(2)} KB each`);
  }
  const largest = await tableBytes(clients[0]);
  await Promise.all([loader.close(), disconnect(clients)]);
  await api.stop();
  await server.dropDatabase(DATABASE);
  const values = Object.values(perMessage);
  const last = Object.keys(perMessage).at(-1);
  const share = ([name, heap, indexes]) =>
    `${name} ${(heap / last / 1024).toFixed(2)} + ${(indexes / last / 1024).toFixed(2)}`;
  return [
    row({
      id: 11,
      work: 'bytes on disk for a message of 1 KB',
      unit: 'KB',
      figure: 'kb',
      figures: Object.fromEntries(Object.entries(perMessage).map(([step, kb]) => [`at ${step}`, [{ kb }]])),
      goals: [
        goal('≤', LIMIT_KB, 'KB', Math.max(...values)),
        goal('≤', 1.1, '× from the first to the last (linear)', values.at(-1) / values[0]),
      ],
      notes: [`KB of the table + its indexes: ${largest.slice(0, 5).map(share).join('; ')}`],
    }),
  ];
}
