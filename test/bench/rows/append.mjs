// Rows 1–5: appends. The same 1 KB bodies for all; makima and Emmett check an expected version, plain `pg` does not.
import { makimaAppends, newMessages, openLog } from '../makima/log.mjs';
import { startProjections } from '../makima/projecting.mjs';
import { alternating, medianOf, sleep } from '../measure.mjs';
import { emmettAppends, emmettStore } from '../peers/emmett.mjs';
import { plainEvents } from '../peers/plain.mjs';
import { atLeast, row, shown } from '../report.mjs';

const ROWS = [
  { id: 1, work: 'append 1 event, 1 caller', makima: [1, 1], plain: 1, emmett: [1, 1], goals: [0.7, 1.8] },
  { id: 2, work: 'append 1 event, 16 callers', makima: [16, 1], plain: 16, emmett: [16, 1], goals: [0.9, 3] },
  {
    id: 3,
    work: 'append 1 event, 64 callers',
    makima: [64, 1],
    plain: 16,
    emmett: [16, 1],
    goals: [1.3, 4.5],
  },
  {
    id: 4,
    work: 'append 100 events, 1 caller',
    makima: [1, 100],
    plain: 'many',
    emmett: [1, 100],
    goals: [0.7, 1.8],
  },
];

export const ids = [...ROWS.map(({ id }) => id), 5];

const plainName = ({ plain }) => (plain === 'many' ? 'plain unnest of 100' : `plain, ${plain} connections`);
const peerName = (name, [callers, size]) => `${name}, ${callers} callers, ${size} events`;

export async function run(bench) {
  const rows = ROWS.some(({ id }) => bench.wanted(id)) ? await beside(bench) : [];
  return bench.wanted(5) ? [...rows, await withProjections(bench)] : rows;
}

async function beside({ server, options, wanted, progress }) {
  const store = await openLog(await server.createDatabase('bench_makima'));
  const plain = await plainEvents(await server.createDatabase('bench_plain'), 16);
  const emmett = await emmettStore(await server.createDatabase('bench_emmett'));
  const rows = ROWS.filter(({ id }) => wanted(id));
  const ms = options.quick ? 1000 : 2500;
  const cases = {};
  for (const { makima, plain: kind, emmett: peer, ...entry } of rows) {
    const [callers, size] = makima;
    cases[peerName('makima', makima)] = () => makimaAppends(store, { callers, size, ms });
    cases[plainName({ plain: kind, ...entry })] = () =>
      kind === 'many' ? plain.many(100, ms) : plain.one(kind, ms);
    cases[peerName('emmett', peer)] = () => emmettAppends(emmett, { callers: peer[0], size: peer[1], ms });
  }
  const results = await alternating(options.rounds, cases, { before: server.checkpoint, progress });
  await Promise.all([store.close(), plain.close(), emmett.close()]);
  for (const name of ['bench_makima', 'bench_plain', 'bench_emmett']) await server.dropDatabase(name);
  return rows.map((entry) => {
    const figures = {
      makima: results[peerName('makima', entry.makima)],
      plain: results[plainName(entry)],
      emmett: results[peerName('emmett', entry.emmett)],
    };
    return row({
      id: entry.id,
      work: entry.work,
      unit: 'events/s',
      figure: 'perSecond',
      figures,
      goals: [
        atLeast(entry.goals[0], '× plain', figures.makima, figures.plain, 'perSecond'),
        atLeast(entry.goals[1], '× Emmett', figures.makima, figures.emmett, 'perSecond'),
      ],
    });
  });
}

/** The same appends of makima's while its projections follow them in the same process. */
async function withProjections({ server, options, progress }) {
  const url = await server.createDatabase('bench_makima');
  const store = await openLog(url);
  const projections = await startProjections(url, store);
  const ms = options.quick ? 1000 : 2500;
  const measure = (callers, size) => async () => {
    const figures = await makimaAppends(store, { callers, size, ms, events: newMessages });
    return { ...figures, behind: await projections.behind() };
  };
  const caughtUp = async () => {
    while ((await projections.behind()) > 0) await sleep(50);
    await server.checkpoint();
  };
  const cases = {
    '1 caller': measure(1, 1),
    '16 callers': measure(16, 1),
    '64 callers': measure(64, 1),
    '100 an append': measure(1, 100),
  };
  const figures = await alternating(options.rounds, cases, { before: caughtUp, progress });
  await projections.stop();
  await store.close();
  await server.dropDatabase('bench_makima');
  const behind = Object.entries(figures).map(
    ([name, rounds]) => `${name} ${shown(medianOf(rounds, 'behind'))}`,
  );
  return row({
    id: 5,
    work: 'append with the projections running beside',
    unit: 'events/s',
    figure: 'perSecond',
    figures,
    notes: [`events that the read models are behind when it ends: ${behind.join(', ')}`],
  });
}
