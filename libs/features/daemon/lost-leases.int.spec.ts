import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { callerOf, startBeside, startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { TestDaemon } from '#libs/testing/daemon.js';
import { LostLeases } from './lost-leases.process.js';

type RunningServer = TestApp['server'];

const TASKS = '/api/v1/mesh/tasks';
const LEASE_MS = 1_000;

/** Two API processes' worth of servers on one database; each daemon is connected to one of them. */
describe('daemons of two servers on one database', () => {
  let app: TestApp;
  let second: RunningServer;
  let key: TestCaller;
  let other: TestCaller;

  beforeAll(async () => {
    app = await startTestApp({ leaseMs: LEASE_MS });
    second = await start(app);
    app.server.application.useLogger(false);
    key = await app.key('daemon');
    other = callerOf(second.url, app.ownerId, key.token);
  });
  afterAll(async () => {
    await second.close();
    await app.close();
  });

  async function started(targetDaemonId?: string): Promise<string> {
    const { id } = await app.post<{ id: string }>(TASKS, { name: 'a task' });
    await app.post(`${TASKS}/${id}/start`, targetDaemonId === undefined ? {} : { targetDaemonId });
    return id;
  }

  const taskOf = (id: string) => app.get(`${TASKS}/${id}`);

  /** Waits until something holds. */
  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  it('are seen, and woken, across servers', async () => {
    const far = await TestDaemon.connect(second.url, other, { beatsMs: 200 });
    await app.caughtUp();
    expect(await app.get(`/api/v1/daemons/${far.id}`)).toMatchObject({ status: 'connected' });
    const taskId = await started(far.id);
    await far.next('work');
    expect(await far.lease(taskId)).toMatchObject({ taskId, epoch: 1 });
    await app.post(`${TASKS}/${taskId}/stop`);
    far.forget();
    far.beat([{ taskId, epoch: 1 }]);
    expect(await far.next('heartbeat')).toEqual({ type: 'heartbeat', stale: [taskId] });
    await far.close();
  });

  it('lose their leases when they fall silent: tasks are interrupted once, and calls are closed', async () => {
    const lost: string[] = [];
    for (const server of [app.server, second])
      server.application.get(LostLeases).afterLost(async (daemonId) => void lost.push(daemonId));
    const alive = await TestDaemon.connect(second.url, other, { beatsMs: 200 });
    const doomed = await TestDaemon.connect(app.url, key);
    const [kept, taskId] = [await started(alive.id), await started(doomed.id)];
    await alive.lease(kept);
    await doomed.lease(taskId);
    const toolCalls = [{ id: 'c', name: 'Bash', input: {} }];
    const items = [{ id: crypto.randomUUID(), kind: 'message', role: 'assistant', content: '', toolCalls }];
    await key.post(`${TASKS}/${taskId}/activity`, { items }, doomed.under(1));
    doomed.vanish();
    await until(async () => (await taskOf(taskId))['status'] === 'interrupted');
    expect(await taskOf(kept)).toMatchObject({ status: 'starting' });
    const { events } = await app.get<{ events: readonly { type: string; body: object; metadata: object }[] }>(
      `/api/v1/audit/streams/task-${taskId}`,
    );
    expect(events.filter(({ type }) => type === 'TaskLeaseEnded')).toMatchObject([
      {
        body: { daemonId: doomed.id, epoch: 1, end: 'lost' },
        metadata: { actor: { kind: 'system', id: 'leases' } },
      },
    ]);
    expect(events.filter(({ type }) => type === 'ToolResultRecorded')).toMatchObject([
      { body: { toolCallId: 'c', outcome: 'unknown' } },
    ]);
    expect(lost).toContain(doomed.id);
    expect(lost).not.toContain(alive.id);
    // It comes back, and what it still has to say is refused.
    const back = await TestDaemon.connect(app.url, key, { id: doomed.id, beatsMs: 200 });
    back.beat([{ taskId, epoch: 1 }]);
    expect(await back.next('heartbeat')).toEqual({ type: 'heartbeat', stale: [taskId] });
    const late = await key.call(
      'POST',
      `${TASKS}/${taskId}/activity`,
      { items: [{ ...items[0], id: crypto.randomUUID() }] },
      back.under(1),
    );
    expect(late).toMatchObject({ status: 409, body: { code: 'LEASE_STALE' } });
    await Promise.all([alive.close(), back.close()]);
  });

  it('have the whole time again when a server starts, and no longer', async () => {
    const daemon = await TestDaemon.connect(app.url, key);
    const taskId = await started(daemon.id);
    await daemon.lease(taskId);
    await Promise.all([second.close(), app.server.close()]);
    await daemon.closed;
    const database = new Database({ url: app.databaseUrl, max: 1 });
    await database.query(sql`UPDATE daemon_presence SET last_seen_at = now() - interval '1 hour'`);
    await database.close();
    const startedAt = Date.now();
    second = await start(app);
    const root = callerOf(second.url, app.ownerId, app.token);
    await until(async () => (await root.get(`${TASKS}/${taskId}`))['status'] === 'interrupted');
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(LEASE_MS);
  });
});

/** Another server on the same database; lost daemons, of which it would warn, are what these specs are about. */
async function start(app: TestApp): Promise<RunningServer> {
  const server = await startBeside(app, { leaseMs: LEASE_MS });
  server.application.useLogger(false);
  return server;
}
