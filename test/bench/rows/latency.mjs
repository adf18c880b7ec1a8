// Row 12: how long after an append's acknowledgement a query on another connection finds the event, at 1,000 events/s;
// log and projections in this process, as in makima's server. Beside it Emmett's consumer at the same pace.
import { randomUUID } from 'node:crypto';
import { Task } from '../makima/history.mjs';
import { metadataAt, openLog } from '../makima/log.mjs';
import { startProjections } from '../makima/projecting.mjs';
import { alternating, medianOf, now, percentile, sleep } from '../measure.mjs';
import { nextObject } from '../payloads.mjs';
import { emmettStore } from '../peers/emmett.mjs';
import { goal, row } from '../report.mjs';
import { connect, disconnect } from '../server.mjs';

export const ids = [12];

const PER_SECOND = 1000;
const STREAMS = 32;
const QUIET_MS = 3000;

/** Calls `send(index)` at an even pace, without waiting for it to end; answers when all have ended. */
async function paced(seconds, send) {
  const begin = now();
  const sent = [];
  for (let index = 0; index < seconds * PER_SECOND; index++) {
    const due = begin + (index * 1000) / PER_SECOND;
    while (now() < due) await (due - now() > 1.5 ? sleep(1) : new Promise(setImmediate));
    sent.push(send(index));
  }
  await Promise.all(sent);
}

const spread = (taken) => ({ p50: percentile(taken, 50), p99: percentile(taken, 99), seen: taken.length });

/** Looks again and again how far a read model is, and notes when each awaited position was there. */
function watch(client, taken) {
  const acknowledged = [];
  let going = true;
  const done = (async () => {
    while (going || acknowledged.length > 0) {
      const { rows } = await client.query({
        name: 'seen',
        text: 'SELECT position FROM timeline_entries ORDER BY position DESC LIMIT 1',
      });
      const at = now();
      const reached = BigInt(rows[0]?.position ?? 0);
      for (let first = acknowledged[0]; first && first.position <= reached; first = acknowledged[0]) {
        taken.push(at - first.at);
        acknowledged.shift();
      }
      await sleep(0);
    }
  })();
  return {
    await: (position) => acknowledged.push({ position, at: now() }),
    async end() {
      going = false;
      await done;
    },
  };
}

async function makimaLatency(url, seconds) {
  const store = await openLog(url);
  const { codec, stop } = await startProjections(url, store);
  const clients = await connect(url, 1);
  const taken = [];
  const watching = watch(clients[0], taken);
  const tasks = Array.from({ length: STREAMS }, (_, n) =>
    Object.assign(new Task(`Task ${n}`), { last: undefined }),
  );
  const append = async (task, event) => {
    const metadata = metadataAt(new Date().toISOString());
    const [encoded] = await codec.encode([{ event, id: randomUUID(), metadata }]);
    return store.append(task.name, [encoded], { expected: 'any' });
  };
  for (const task of tasks) await append(task, task.created[0]);
  const send = (count) => async (index) => {
    const task = tasks[index % STREAMS];
    const [event] = task.message('assistant');
    task.last = (task.last ?? Promise.resolve()).then(() => append(task, event));
    const { position } = await task.last;
    if (count) watching.await(position);
  };
  await paced(1, send(false));
  await paced(seconds, send(true));
  await watching.end();
  await stop();
  await Promise.all([store.close(), disconnect(clients)]);
  return spread(taken);
}

async function emmettLatency(url, seconds) {
  const { store, close } = await emmettStore(url, 24);
  const acknowledged = new Map();
  const taken = [];
  const consumer = store.consumer();
  consumer.reactor({
    processorId: `latency-${randomUUID()}`,
    eachMessage: ({ data }) => {
      const at = acknowledged.get(data.number);
      // Seen before its append was acknowledged counts as at once.
      if (data.number >= PER_SECOND) taken.push(at === undefined ? 0 : now() - at);
    },
  });
  const consuming = consumer.start();
  await sleep(1500);
  const last = Array(STREAMS).fill(Promise.resolve());
  await paced(seconds + 1, async (number) => {
    const stream = number % STREAMS;
    const event = { type: 'MessageRecorded', data: { ...nextObject(), number } };
    last[stream] = last[stream].then(() => store.appendToStream(`session-${stream}`, [event]));
    await last[stream];
    acknowledged.set(number, now());
  });
  // Some events never come (see docs/benchmarks.md), so the end is when nothing comes any more.
  for (let seen = -1; taken.length < seconds * PER_SECOND && taken.length > seen;) {
    seen = taken.length;
    await sleep(QUIET_MS);
  }
  await consumer.stop();
  await consuming.catch(() => undefined);
  await close();
  return spread(taken);
}

export async function run({ server, options, progress }) {
  const seconds = options.quick ? 3 : 8;
  const figures = await alternating(
    options.rounds,
    {
      makima: async () => makimaLatency(await server.createDatabase('bench_makima'), seconds),
      emmett: async () => emmettLatency(await server.createDatabase('bench_emmett'), seconds),
    },
    { before: server.checkpoint, progress },
  );
  for (const name of ['bench_makima', 'bench_emmett']) await server.dropDatabase(name);
  const seen = figures.emmett.map((round) => `${round.seen} of ${seconds * PER_SECOND}`);
  return [
    row({
      id: 12,
      work: `event appended → visible in a query, at ${PER_SECOND.toLocaleString('en-US')} events/s, p50`,
      unit: 'ms',
      figure: 'p50',
      figures,
      goals: [
        goal('≤', 8, 'ms p50', medianOf(figures.makima, 'p50')),
        goal('≤', 40, 'ms p99', medianOf(figures.makima, 'p99')),
      ],
      notes: [
        'from the acknowledgement of the append until a SELECT on another connection answers its timeline entry; ' +
          `Emmett: until its consumer's handler is called, p99 ${medianOf(figures.emmett, 'p99').toFixed(0)} ms, saw ${seen.join(', ')}`,
      ],
    }),
  ];
}
