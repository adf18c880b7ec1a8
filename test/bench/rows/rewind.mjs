// Row 10: going back in a conversation of 100 and of 100,000 messages, over HTTP: time, and what is written.
import { startApi } from '../makima/api.mjs';
import { Task } from '../makima/history.mjs';
import { openLoader, projected } from '../makima/load.mjs';
import { alternating, percentile, sleep, timed } from '../measure.mjs';
import { atMost, goal, row } from '../report.mjs';
import { connect, disconnect } from '../server.mjs';
import { writtenSince } from '../written.mjs';

export const ids = [10];

const SMALL = 100;
const DATABASE = 'bench_rewind';
/** Rewinds keep this many messages, so that both conversations have what a rewind hides and what it keeps. */
const KEPT = 50;

function* conversation(task, messages) {
  yield { stream: task, events: task.created };
  for (let count = 0; count < messages;) {
    const events = [];
    for (; events.length < 100 && count < messages; count++) {
      events.push(...task.message(count % 2 === 0 ? 'user' : 'assistant'));
    }
    yield { stream: task, events };
  }
}

/** The operations, each on a task that shows all its messages; each but the fork is taken back by an undo. */
const operations = (api, task) => {
  const rewind = (point) => api.post(`/mesh/tasks/${task.id}/conversation/rewind`, point);
  const undo = () => api.post(`/mesh/tasks/${task.id}/conversation/undo`, {});
  const fork = () =>
    api.post(`/mesh/tasks/${task.id}/fork`, {
      forkFrom: { type: 'message_id', value: task.messageId },
      newTask: { name: 'Fork', plan: 'Another way' },
    });
  const undone = { before: () => undefined, after: undo };
  return {
    'rewind to a message': { run: () => rewind({ toMessageId: task.messageId }), ...undone },
    'rewind by count': { run: () => rewind({ byMessageCount: 10 }), ...undone },
    'rewind to a time': { run: () => rewind({ toTimestamp: task.time }), ...undone },
    undo: { before: () => rewind({ byMessageCount: 10 }), run: undo, after: () => undefined },
    fork: { before: () => undefined, run: fork, after: () => undefined },
  };
};

async function place(api, task) {
  const { messages } = await api.get(`/mesh/tasks/${task.id}/conversation?limit=${KEPT}`);
  const { id, timestamp } = messages.at(-1);
  Object.assign(task, { messageId: id, time: timestamp });
}

async function repeated(count, { before, run, after }) {
  const taken = [];
  for (let i = 0; i < count; i++) {
    await before();
    taken.push((await timed(run)).ms);
    await after();
  }
  return { p50: percentile(taken, 50) };
}

/** Rows and bytes that one run of an operation writes, in the log and the read models. */
async function written(client, api, { before, run, after }) {
  await before();
  const since = await writtenSince(client);
  await run();
  await sleep(300); // whatever is written behind the answer
  const difference = await since();
  await after();
  return difference;
}

export async function run({ server, options, progress }) {
  const url = await server.createDatabase(DATABASE);
  const api = await startApi(url);
  const clients = await connect(url, 1);
  const { ownerId } = await api.get('/access/whoami');
  const loader = openLoader(url, ownerId);
  const large = options.quick ? 20_000 : 100_000;
  const tasks = { small: new Task('Small'), large: new Task('Large') };
  await loader.load(conversation(tasks.small, SMALL));
  await loader.load(conversation(tasks.large, large));
  await projected(api, loader.position);
  await loader.close();
  for (const task of Object.values(tasks)) await place(api, task);
  const of = { small: operations(api, tasks.small), large: operations(api, tasks.large) };
  const names = Object.keys(of.small);
  const cold = await firstTouch(of, names[0]);
  const cases = {};
  for (const name of names) {
    for (const size of ['small', 'large'])
      cases[`${name}, ${size}`] = () => repeated(options.quick ? 10 : 25, of[size][name]);
  }
  const figures = await alternating(options.rounds, cases, { before: server.checkpoint, progress });
  const rows = [];
  for (const name of names) {
    const pair = [figures[`${name}, small`], figures[`${name}, large`]];
    const wrote = [
      await written(clients[0], api, of.small[name]),
      await written(clients[0], api, of.large[name]),
    ];
    rows.push(operationRow(name, large, pair, wrote));
  }
  rows[0].notes.push(`first rewind after the log was filled (states folded from the log): ${cold}`);
  await disconnect(clients);
  await api.stop();
  await server.dropDatabase(DATABASE);
  return rows;
}

/** The first command on each stream, before its state is in memory. */
async function firstTouch(of, name) {
  const taken = [];
  for (const size of ['small', 'large']) {
    taken.push((await timed(of[size][name].run)).ms);
    await of[size][name].after();
  }
  return `${taken.map((ms) => `${ms.toFixed(0)} ms`).join(' and ')}`;
}

function operationRow(name, large, [small, big], wrote) {
  const bytes = wrote.map(({ bytes: count }) => count);
  const rows = wrote.map(({ rows: count }) => count);
  return row({
    id: 10,
    work: `${name}: ${SMALL} against ${large.toLocaleString('en-US')} messages, p50`,
    unit: 'ms',
    figure: 'p50',
    figures: { [`at ${SMALL}`]: small, [`at ${large}`]: big },
    goals: [
      atMost(1.3, '×', big, small, 'p50'),
      goal('=', rows[0], `rows at ${large} as at ${SMALL}`, rows[1]),
      // Numbers and ids of some messages have more digits than those of others.
      goal('≤', 1.05, '× bytes', bytes[1] / bytes[0]),
    ],
    notes: [`written: ${rows.join(' and ')} rows, ${bytes.join(' and ')} bytes (${wrote[1].tables})`],
  });
}
