import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp } from '#libs/testing/app.js';

/** Input that the fuzz test has found to be answered wrongly once. */
describe('odd input', () => {
  let app: TestApp;
  let taskId: string;

  beforeAll(async () => {
    app = await startTestApp();
    taskId = (await app.call('POST', '/api/v1/mesh/tasks', { name: 'odd' })).body['id'] as string;
  });
  afterAll(() => app.close());

  const record = (...items: readonly object[]) =>
    app.call('POST', `/api/v1/mesh/tasks/${taskId}/activity`, {
      items: items.map((item) => ({ id: randomUUID(), ...item })),
    });

  it('a filter for an event type with NUL finds nothing', async () => {
    const { status, body } = await app.call('GET', '/api/v1/timeline?event_types=%00');
    expect([status, body]).toEqual([200, { entries: [] }]);
  });

  it('a checkpoint whose name holds NUL is not known', async () => {
    const { status, body } = await app.call('POST', `/api/v1/mesh/tasks/${taskId}/fork`, {
      forkFrom: { type: 'checkpoint', value: '\0' },
      newTask: { name: 'fork', plan: '' },
    });
    expect([status, body]).toEqual([404, expect.objectContaining({ code: 'CHECKPOINT_UNKNOWN' })]);
  });

  it.each([
    ['parameter', () => app.call('GET', '/api/v1/access/whoami?=1')],
    ['field', () => app.call('POST', '/api/v1/contracts', { name: 'x', '': 1 })],
    ['nested field', () => app.call('POST', `/api/v1/mesh/tasks/${taskId}/fork`, { newTask: { '': 1 } })],
  ])('a %s without a name is named', async (kind, send) => {
    const { status, body } = await send();
    const field = kind === 'nested field' ? 'newTask.""' : '""';
    expect(status).toBe(422);
    expect(body['errors']).toContainEqual({ field, code: 'UNKNOWN_FIELD', detail: 'is not known here' });
  });

  it('times of the first and the last year stay what they are', async () => {
    const times = ['0001-01-01T00:00:00.000Z', '0099-12-31T23:59:59.999Z', '9999-12-31T23:59:59.000Z'];
    const said = times.map((occurredAt) => ({ kind: 'message', role: 'user', content: 'then', occurredAt }));
    expect((await record(...said)).status).toBe(200);
    await app.caughtUp();
    const conversation = await app.call<{ messages: { timestamp: string }[] }>(
      'GET',
      `/api/v1/mesh/tasks/${taskId}/conversation`,
    );
    expect(conversation.body.messages.map(({ timestamp }) => timestamp)).toEqual(times);
    const of = `/api/v1/timeline/overview?task_id=${taskId}&event_types=chat`;
    const all = await app.call<{ from: string; to: string; buckets: { start: string }[] }>('GET', of);
    expect([all.body.from, all.body.to]).toEqual([times[0], times[2]]);
    expect(all.body.buckets[0]!.start).toBe(times[0]);
    const early = await app.call('GET', `${of}&to=1969-12-31T23:59:59.9Z`);
    expect([early.status, early.body['to']]).toEqual([200, times[1]]);
  });
});
