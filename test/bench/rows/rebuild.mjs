// Row 6: all read models built anew from 200,000 mixed events: by a running server, as an admin asks for it; by a
// hand-written program for the same tables; and Emmett's rebuild of one small projection.
import { startApi } from '../makima/api.mjs';
import { contractHistory } from '../makima/history.mjs';
import { openLoader, projected } from '../makima/load.mjs';
import { alternating, sleep, timed } from '../measure.mjs';
import { differences, rebuildByHand } from '../peers/by-hand.mjs';
import { emmettRebuild } from '../peers/emmett-rebuild.mjs';
import { atLeast, row } from '../report.mjs';

export const ids = [6];

const DATABASE = 'bench_rebuild';

async function rebuilt(api, events) {
  const begun = await api.post('/admin/projections/all/rebuild', {});
  for (;;) {
    const job = await api.get(`/admin/jobs/${begun.id}`);
    if (job.status === 'failed') throw new Error(`the rebuild failed: ${job.error}`);
    if (job.status === 'done') {
      return { perSecond: (events * 1000) / (Date.parse(job.finishedAt) - Date.parse(job.startedAt)) };
    }
    await sleep(100);
  }
}

export async function run({ server, options, progress }) {
  const url = await server.createDatabase(DATABASE);
  const api = await startApi(url);
  const { ownerId } = await api.get('/access/whoami');
  const loader = openLoader(url, ownerId);
  const events = await loader.load(
    contractHistory({ contracts: 20, tasksEach: 10, events: options.quick ? 40_000 : 200_000 }),
  );
  await projected(api, loader.position);
  await loader.close();
  const emmettEvents = options.quick ? 2000 : 5000;
  const emmett = await emmettRebuild(await server.createDatabase('bench_emmett'), emmettEvents);
  const figures = await alternating(
    options.rounds,
    {
      makima: () => rebuilt(api, events),
      'by hand': async () => {
        const { ms, answer } = await timed(() => rebuildByHand(url));
        return { perSecond: (answer * 1000) / ms };
      },
      emmett: emmett.rebuild,
    },
    { before: server.checkpoint, progress },
  );
  const different = await differences(url);
  await Promise.all([emmett.close(), api.stop()]);
  for (const name of [DATABASE, 'bench_emmett']) await server.dropDatabase(name);
  return [
    row({
      id: 6,
      work: `rebuild of all read models, ${events.toLocaleString('en-US')} mixed events`,
      unit: 'events/s',
      figure: 'perSecond',
      figures,
      goals: [
        atLeast(0.5, '× by hand', figures.makima, figures['by hand'], 'perSecond'),
        atLeast(20, '× Emmett', figures.makima, figures.emmett, 'perSecond'),
      ],
      notes: [
        different.length === 0
          ? "the hand-written program's tables equal makima's, hash by hash; it writes with all indexes in place"
          : `TABLES DIFFER from the hand-written program's: ${different.join(', ')}`,
        `Emmett: one projection over ${emmettEvents.toLocaleString('en-US')} events, because it is slow`,
      ],
    }),
  ];
}
