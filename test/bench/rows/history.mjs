// Rows 8 and 9: the first page of a timeline of a million events, and the filtered history of a contract with 100,000
// entries, over HTTP from a running server. Both live in one log.
import { startApi } from '../makima/api.mjs';
import { contractHistory } from '../makima/history.mjs';
import { openLoader, projected } from '../makima/load.mjs';
import { alternating, latencies, median, timed } from '../measure.mjs';
import { plainTimeline } from '../peers/plain-timeline.mjs';
import { atMost, goal, row } from '../report.mjs';

export const ids = [8, 9];

const CONTRACT_EVENTS = 100_000;
const PAGE = 100;
const LIMIT_MS = 60;

const DATABASE = 'bench_history';

export async function run(bench) {
  const { server, options, wanted, progress } = bench;
  const url = await server.createDatabase(DATABASE);
  const api = await startApi(url);
  const { ownerId } = await api.get('/access/whoami');
  const loader = openLoader(url, ownerId);
  const total = wanted(8) ? (options.quick ? 200_000 : 1_000_000) : CONTRACT_EVENTS;
  let contractId;
  let range;
  const { ms } = await timed(async () => {
    const begin = loader.time;
    await loader.load(contractHistory({ contracts: 1, tasksEach: 20, events: CONTRACT_EVENTS }));
    range = { begin, end: loader.time };
    [{ id: contractId }] = (await after(api, loader)).contracts;
    if (total > CONTRACT_EVENTS) {
      const filler = { contracts: 18, tasksEach: 40, events: total - CONTRACT_EVENTS };
      await loader.load(contractHistory(filler));
    }
    await projected(api, loader.position);
  });
  progress(`${total} events written and projected in ${(ms / 1000).toFixed(0)} s`);
  await loader.close();
  const rows = [];
  if (wanted(8)) rows.push(await firstPage(bench, api, total));
  if (wanted(9)) rows.push(...(await filtered(bench, api, contractId, range)));
  await api.stop();
  await server.dropDatabase(DATABASE);
  return rows;
}

async function after(api, loader) {
  await projected(api, loader.position);
  return api.get('/contracts');
}

async function firstPage({ server, options, progress }, api, total) {
  const plain = await plainTimeline(await server.createDatabase('bench_plain'), total);
  const count = options.quick ? 200 : 500;
  const figures = await alternating(
    options.rounds,
    {
      makima: () => latencies(count, () => page(api, `/timeline?limit=${PAGE}`)),
      plain: () => latencies(count, () => plain.firstPage(PAGE)),
    },
    { before: server.checkpoint, progress },
  );
  await plain.close();
  await server.dropDatabase('bench_plain');
  const [makima, select] = [figures.makima, figures.plain].map((rounds) =>
    median(rounds.map(({ p50 }) => p50)),
  );
  return row({
    id: 8,
    work: `first timeline page of ${PAGE} of ${total.toLocaleString('en-US')} events over HTTP, p99`,
    unit: 'ms',
    figure: 'p99',
    figures,
    goals: [atMost(4, '× plain keyset SELECT', figures.makima, figures.plain, 'p99')],
    notes: [`p50: makima ${makima.toFixed(1)} ms, plain ${select.toFixed(1)} ms`],
  });
}

async function page(api, path) {
  const answer = await api.get(path);
  if (answer.entries.length === 0) throw new Error(`${path} answers nothing`);
  return answer;
}

const time = ({ begin, end }, part) =>
  encodeURIComponent(new Date(begin + (end - begin) * part).toISOString());

/** What people filter a contract's history by. */
const filters = (range) => ({
  'no filter': '',
  phase: 'phase=execute',
  'rare type': 'event_types=checkpoint',
  'rarest type': 'event_types=phase_change',
  'frequent type': 'event_types=chat_message',
  'two types': 'event_types=task_event,file_change',
  'time range': `from=${time(range, 0.3)}&to=${time(range, 0.6)}`,
  'whole time range': `from=${time(range, 0)}&to=${time(range, 1)}`,
  failed: 'failed=true',
  'phase, type and time': `phase=plan&event_types=chat_message&from=${time(range, 0.1)}&to=${time(range, 0.9)}`,
  'oldest first': 'order=oldest&phase=review',
  'as of then': `asOf=${CONTRACT_EVENTS / 2}`,
  'failed, as of then': `failed=true&asOf=${CONTRACT_EVENTS / 2}`,
});

const TEXTS = {
  'text that many entries hold': 'text=the',
  'text that some entries hold': 'text=src/part7/file1',
  'text that no entry holds': 'text=does%20not%20occur%20anywhere',
  'three letters that no entry holds': 'text=zqx',
  'text and phase': 'text=read_file&phase=execute',
  'text that no entry held then': `text=does%20not%20occur%20anywhere&asOf=${CONTRACT_EVENTS / 2}`,
};

async function filtered({ server, options, progress }, api, contractId, range) {
  const base = `/contracts/${contractId}/history?limit=${PAGE}`;
  const { totalCount } = await page(api, base);
  const ask = (query) => async () => {
    const { totalCount: found } = await api.get(`${base}&${query}`);
    if (!Number.isInteger(found)) throw new Error(`no totalCount for ${query}`);
  };
  const cases = (queries, count) =>
    Object.fromEntries(
      Object.entries(queries).map(([name, query]) => [name, () => latencies(count, ask(query), 2)]),
    );
  const settings = { before: server.checkpoint, progress };
  const plain = await alternating(options.rounds, cases(filters(range), options.quick ? 10 : 20), settings);
  const text = await alternating(options.rounds, cases(TEXTS, options.quick ? 3 : 5), settings);
  const work = `contract history with totalCount, ${totalCount.toLocaleString('en-US')} entries`;
  return [filterRow(`${work}, filters but text, p50`, plain), filterRow(`${work}, text filters, p50`, text)];
}

function filterRow(work, figures) {
  const worst = Math.max(...Object.values(figures).map((rounds) => median(rounds.map(({ p50 }) => p50))));
  return row({
    id: 9,
    work,
    unit: 'ms',
    figure: 'p50',
    figures,
    goals: [goal('≤', LIMIT_MS, 'ms for the slowest', worst)],
  });
}
