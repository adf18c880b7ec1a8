import { randomUUID } from 'node:crypto';
import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { until } from '#libs/testing/note-world.js';

// What happens over HTTP while a read model has stopped at an event: whoever writes gets what was written, whoever asks
// for it is told why it cannot be shown, and an admin lets it go on.
const PROJECTIONS = '/api/v1/admin/projections';

let app: TestApp;
let tables: Database;
const eventId = randomUUID();

beforeEach(async () => {
  app = await startTestApp();
  tables = new Database({ url: app.databaseUrl, max: 1 });
});
afterEach(async () => {
  await tables.close();
  await app.close();
});

/** Stops projections, as an event of that id would have at the present position. */
async function stop(...names: string[]): Promise<void> {
  await app.caughtUp();
  await tables.query(sql`
    UPDATE projections SET status = 'failed', error = jsonb_build_object('eventId', ${eventId}::text, 'position',
      position::text, 'type', 'TaskCreated', 'message', 'not this one') WHERE name = ANY (${names})`);
  await until(async () => {
    const { failedProjections } = await app.get<{ failedProjections?: string[] }>('/health');
    return failedProjections?.join() === names.join();
  });
}

/** Retries, and answers what a GET of a path shows then. */
async function retried(name: string, path: string): Promise<Record<string, unknown>> {
  await app.post(`${PROJECTIONS}/${name}/retry`, { eventId, reason: 'mended' });
  await app.caughtUp();
  return app.get(path);
}

/** Has a rebuild or a verification done. @returns the job when it is. */
async function done(work: string, body: object): Promise<Record<string, unknown>> {
  const { id } = await app.post(`${PROJECTIONS}/${work}`, body);
  let job: Record<string, unknown> = {};
  await until(async () => {
    job = await app.get(`/api/v1/admin/jobs/${String(id)}`);
    return job['status'] !== 'running';
  });
  return job;
}

it('answers a task that was created, and says why it cannot be read', async () => {
  const contract = await app.post('/api/v1/contracts', { name: 'c' });
  await stop('task');
  const wanted = { name: 'späť 🦊', plan: 'p', contractId: contract['id'], copyFiles: ['a', 'b'] };
  const created = await app.call('POST', '/api/v1/mesh/tasks', wanted);
  expect(created).toMatchObject({ status: 201, body: { ...wanted, status: 'pending', controlVersion: 1 } });
  const path = `/api/v1/mesh/tasks/${String(created.body['id'])}`;
  const stopped = {
    status: 503,
    body: { code: 'PROJECTION_STOPPED', context: { projection: 'task' } },
  };
  expect(await app.call('GET', path)).toMatchObject(stopped);
  expect(
    await app.call('POST', '/api/v1/mesh/tasks', { name: 'sub', plan: '', parentTaskId: created.body['id'] }),
  ).toMatchObject(stopped);
  const { position: _, ...answered } = created.body;
  expect(await retried('task', path)).toEqual(answered);
});

it('answers a contract that was created and changed', async () => {
  const before = await app.post('/api/v1/contracts', { name: 'before' });
  await stop('contract');
  const created = await app.call('POST', '/api/v1/contracts', { name: 'after' });
  expect(created).toMatchObject({ status: 201, body: { name: 'after', status: 'active', version: 1 } });
  const phased = (id: unknown) =>
    app.call('POST', `/api/v1/contracts/${String(id)}/phase`, { phase: 'plan' });
  for (const { id } of [before, created.body])
    expect(await phased(id)).toMatchObject({ status: 200, body: { phase: 'plan', version: 2 } });
  const path = `/api/v1/contracts/${String(created.body['id'])}`;
  expect(await app.call('GET', path)).toMatchObject({ status: 503, body: { code: 'PROJECTION_STOPPED' } });
  const { position: _, ...answered } = (await phased(created.body['id'])).body;
  expect(await retried('contract', path)).toEqual(answered);
});

it('says of a chat that was opened that it is recorded', async () => {
  await stop('chat');
  const opened = await app.call('POST', '/api/v1/mesh/chats', { name: 'talk' });
  expect(opened).toMatchObject({
    status: 503,
    body: { code: 'PROJECTION_STOPPED', context: { projection: 'chat' } },
  });
  const { written } = opened.body['context'] as { written: { chatId: string } };
  const path = `/api/v1/mesh/chats/${written.chatId}`;
  expect(await retried('chat', path)).toMatchObject({ name: 'talk' });
});

it('shows where it stands, and lets it go on with the event or without, on record', async () => {
  await app.post('/api/v1/contracts', { name: 'c' });
  await stop('timeline');
  const status = async () => {
    const { projections } = await app.get<{ projections: Record<string, unknown>[] }>(PROJECTIONS);
    return projections.find(({ name }) => name === 'timeline');
  };
  const note = expect.stringMatching(/^Reads show the log up to position \d+\. .*retry timeline/) as string;
  expect(await status()).toMatchObject({ status: 'failed', note, error: { eventId } });
  const release = (way: string, body: object) => app.call('POST', `${PROJECTIONS}/timeline/${way}`, body);
  const wrong = { status: 409, body: { code: 'NOT_STOPPED_THERE' } };
  expect(await release('retry', { eventId: randomUUID() })).toMatchObject(wrong);
  expect(await release('retry', { eventId, dryRun: true })).toMatchObject({
    status: 200,
    body: { dryRun: true },
  });
  expect(await status()).toMatchObject({ status: 'failed' });
  expect(await release('retry', { eventId })).toMatchObject({ status: 200, body: { dryRun: false } });
  expect(await status()).toMatchObject({ status: 'live', note: null, error: null });
  expect(await release('retry', { eventId })).toMatchObject(wrong);
  await stop('timeline');
  expect(await release('skip', { eventId, reason: 'bug' })).toMatchObject({ status: 200 });
  const { events } = await app.get<{ events: { type: string }[] }>('/api/v1/audit/events');
  const deeds = events.map(({ type }) => type).filter((type) => type.startsWith('Projection'));
  expect(deeds.sort()).toEqual(['ProjectionEventRetried', 'ProjectionEventSkipped']);
  await app.caughtUp();
  const skipped = [{ projection: 'timeline', eventId, position: expect.stringMatching(/^\d+$/) as string }];
  const verified = { equal: true, standing: [] };
  expect(await done('verify', { name: 'timeline' })).toMatchObject({ skipped, result: verified });
  expect(await done('timeline/rebuild', {})).toMatchObject({ status: 'done', skipped });
});

it('says in a verification what stands still, where and because of what', async () => {
  const { position } = await app.post('/api/v1/contracts', { name: 'c' });
  await stop('timeline', 'chat');
  const { position: head } = await app.post('/api/v1/contracts', { name: 'later' });
  const { result } = await done('verify', {});
  const where = { position, head, error: { eventId, type: 'TaskCreated' } };
  const standing = [
    { name: 'timeline', ...where },
    { name: 'chat', ...where },
  ];
  expect(result).toMatchObject({ equal: true, standing });
});
