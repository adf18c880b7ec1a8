import { randomUUID } from 'node:crypto';
import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';

/** Defects that a review found once, each with what it did. */
let app: TestApp;
beforeEach(async () => {
  app = await startTestApp();
});
afterEach(() => app.close());

type Item = Record<string, unknown>;
const message = (content: string, id: string = randomUUID()): Item => ({
  id,
  kind: 'message',
  role: 'user',
  content,
});
const newTask = async (): Promise<string> =>
  (await app.post<{ id: string }>('/api/v1/mesh/tasks', { name: 't' })).id;
const record = (task: string, ...items: Item[]): Promise<unknown> =>
  app.post(`/api/v1/mesh/tasks/${task}/activity`, { items });
const checkpoint = (commitSha: string): Item => ({
  id: randomUUID(),
  kind: 'checkpoint',
  checkpoint: {
    commitSha: commitSha.repeat(40),
    message: '',
    filesChanged: [],
    linesAdded: 0,
    linesRemoved: 0,
  },
});
const contents = async (task: string): Promise<string[]> => {
  await app.caughtUp();
  const { messages } = await app.get<{ messages: { content: string }[] }>(
    `/api/v1/mesh/tasks/${task}/conversation`,
  );
  return messages.map(({ content }) => content);
};

it('takes a fork’s code from what the fork shows, never from an abandoned branch', async () => {
  const task = await newTask();
  const second = randomUUID();
  const fifth = randomUUID();
  await record(
    task,
    message('1'),
    message('2', second),
    checkpoint('a'),
    message('3'),
    message('4'),
    checkpoint('b'),
  );
  await app.post(`/api/v1/mesh/tasks/${task}/conversation/rewind`, { toMessageId: second });
  await record(task, message('5', fifth));
  const at = (value: string) => ({
    forkFrom: { type: 'message_id', value },
    newTask: { name: 'f', plan: '' },
    dryRun: true,
  });
  const forked = await app.post<{ forkPoint: { checkpoint: { commitSha: string } } }>(
    `/api/v1/mesh/tasks/${task}/fork`,
    at(fifth),
  );
  expect(forked.forkPoint.checkpoint.commitSha).toBe('a'.repeat(40));
  await record(task, checkpoint('c'), message('6', task));
  const later = await app.post<typeof forked>(`/api/v1/mesh/tasks/${task}/fork`, at(task));
  expect(later.forkPoint.checkpoint.commitSha).toBe('c'.repeat(40));
});

it('answers a repeated rewind or fork as it did the first time, whatever happened since', async () => {
  const task = await newTask();
  const second = randomUUID();
  await record(task, message('1'), message('2', second), message('3'));
  const key = { 'idempotency-key': randomUUID() };
  const fork = { forkFrom: { type: 'message_id', value: second }, newTask: { name: 'f', plan: '' } };
  const forks = `/api/v1/mesh/tasks/${task}/fork`;
  const rewinds = `/api/v1/mesh/tasks/${task}/conversation/rewind`;
  const first = await app.call('POST', forks, fork, key);
  const rewound = await app.call('POST', rewinds, { toMessageId: second, inclusive: false }, key);
  await record(task, message('4'));
  expect(await app.call('POST', rewinds, { toMessageId: second, inclusive: false }, key)).toMatchObject({
    status: 200,
    body: rewound.body,
  });
  expect(await app.call('POST', forks, fork, key)).toMatchObject({ status: 201, body: first.body });
});

it('goes back to a message in its own task where another task has one of the same id', async () => {
  const id = randomUUID();
  const [one, other] = [await newTask(), await newTask()];
  for (const task of [one, other]) await record(task, message('1', id), message('2'));
  for (const task of [one, other]) {
    await app.post(`/api/v1/mesh/tasks/${task}/conversation/rewind`, { toMessageId: id });
    expect(await contents(task)).toEqual(['1']);
  }
});

it('refuses times that cannot be stored or read, at both ends', async () => {
  const task = await newTask();
  for (const occurredAt of ['0001-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59']) {
    const answer = await app.call('POST', `/api/v1/mesh/tasks/${task}/activity`, {
      items: [{ ...message('x'), occurredAt }],
    });
    expect(answer.status).toBe(422);
  }
  await record(
    task,
    { ...message('early'), occurredAt: '0001-01-01T00:00:00Z' },
    { ...message('late'), occurredAt: '9999-12-31T23:59:59Z' },
  );
  expect(await contents(task)).toEqual(['early', 'late']);
  expect((await app.call('GET', '/api/v1/timeline')).status).toBe(200);
});

it('goes back nowhere while the conversations’ read model has stopped', async () => {
  const database = new Database({ url: app.databaseUrl, max: 1 });
  try {
    const task = await newTask();
    await record(task, message('1'), message('2'));
    await app.caughtUp();
    await database.query(
      sql`ALTER TABLE conversation_v3.messages ADD CONSTRAINT no_poison CHECK (content <> 'poison')`,
    );
    await record(task, message('poison'), message('4'));
    const rewind = (): Promise<{ status: number; body: Record<string, unknown> }> =>
      app.call('POST', `/api/v1/mesh/tasks/${task}/conversation/rewind`, { byMessageCount: 1 });
    expect(await rewind()).toMatchObject({ status: 503 });
    expect((await app.call('GET', '/health')).body).toMatchObject({ status: 'degraded' });
  } finally {
    await database.close();
  }
});

it.each(['asOf', 'minPosition'])('takes no %s that the log has not reached', async (parameter) => {
  const task = await newTask();
  const answer = await app.call('GET', `/api/v1/mesh/tasks/${task}/history?${parameter}=999999999`);
  expect(answer).toMatchObject({ status: 422, body: { errors: [{ field: parameter }] } });
});

it('stops what cannot read an event, and nothing else', async () => {
  const task = await newTask();
  await record(task, message('1'));
  await app.caughtUp();
  const database = new Database({ url: app.databaseUrl, max: 1 });
  try {
    // An event whose body is no JSON, as a later version might have left it: appended behind the store's back.
    await database.query(sql`
      WITH head AS (UPDATE log_head SET position = position - CASE WHEN position > 0 THEN -1 ELSE 1 END RETURNING position)
      INSERT INTO events (position, stream_id, version, event_id, owner_id, recorded_at, schema_version, type, metadata, body, body_hash, hash)
      SELECT h.position, e.stream_id, e.version + 1, gen_random_uuid(), e.owner_id, e.recorded_at, 1, 'TaskOutputRecorded', e.metadata, 'no JSON', e.body_hash, e.hash
      FROM events e, head h ORDER BY e.position DESC LIMIT 1`);
    const other = await newTask();
    expect(other).toMatch(/-/);
    const { projections } = await app.get<{ projections: { name: string; status: string }[] }>(
      '/api/v1/admin/projections',
    );
    const stopped = projections.filter(({ status }) => status !== 'live').map(({ name }) => name);
    // The two that read outputs.
    expect(stopped.sort()).toEqual(['blob', 'timeline']);
  } finally {
    await database.close();
  }
});

it('rebuilds beside readers without one of them failing', async () => {
  const task = await newTask();
  await record(task, ...Array.from({ length: 20 }, (_, n) => message(String(n))));
  let reading = true;
  const statuses = new Set<number>();
  const readers = Array.from({ length: 6 }, async (_, n) => {
    while (reading) {
      const path = n % 2 ? 'branches' : 'conversation';
      statuses.add((await app.call('GET', `/api/v1/mesh/tasks/${task}/${path}`)).status);
    }
  });
  for (let round = 0; round < 10; round += 1) {
    let job = await app.post<{ id: string; status: string; error?: string }>(
      '/api/v1/admin/projections/conversation/rebuild',
    );
    while (job.status === 'running') job = await app.get(`/api/v1/admin/jobs/${job.id}`);
    expect(job).toMatchObject({ status: 'done' });
  }
  reading = false;
  await Promise.all(readers);
  expect([...statuses]).toEqual([200]);
});
