import { startTestApp, type TestApp } from '#libs/testing/app.js';

const TASKS = '/api/v1/mesh/tasks';
const MINUTE = 60_000;
const BEGIN = Date.UTC(2026, 0, 5, 10);
const SEEDS = [1, 2, 3];

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

/** The same numbers for the same seed. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Messages whose times go back now and then, in batches of many sizes. */
async function record(taskId: string, count: number, at: () => number): Promise<void> {
  const items = Array.from({ length: count }, () => ({
    id: crypto.randomUUID(),
    kind: 'message',
    role: 'user',
    content: 'said',
    occurredAt: new Date(at()).toISOString(),
  }));
  await app.post(`${TASKS}/${taskId}/activity`, { items });
}

async function timesShown(taskId: string): Promise<readonly number[]> {
  await app.caughtUp();
  const { messages } = await app.get<{ messages: { timestamp: string }[] }>(
    `${TASKS}/${taskId}/conversation`,
  );
  return messages.map(({ timestamp }) => Date.parse(timestamp));
}

/** What a rewind to a time keeps; null where it hides nothing. */
async function kept(taskId: string, time: number): Promise<number | null> {
  const body = { toTimestamp: new Date(time).toISOString(), dryRun: true };
  const answer = await app.call<{ messageCount?: number; code?: string }>(
    'POST',
    `${TASKS}/${taskId}/conversation/rewind`,
    body,
  );
  if (answer.body.code === 'NOTHING_TO_REWIND') return null;
  return answer.body.messageCount ?? NaN;
}

describe.each(SEEDS)('a rewind to a time (seed %d)', (seed) => {
  it('cuts before the first message since then, whatever the order of times, branches and forks', async () => {
    const next = chance(seed);
    let clock = BEGIN;
    const at = (): number => (clock += (next(8) - 2) * MINUTE);
    let { id: taskId } = await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' });
    for (let round = 0; round < 12; round += 1) {
      await record(taskId, 1 + next(9), at);
      if (round % 3 === 1) {
        await app.post(`${TASKS}/${taskId}/conversation/rewind`, { byMessageCount: 1 + next(4) });
        clock -= next(20) * MINUTE;
      }
      if (round === 6) {
        const forkFrom = { type: 'timestamp', value: '2100-01-01T00:00:00Z' };
        const newTask = { name: 'a fork', plan: '' };
        const forked = await app.post<{ newTaskId: string }>(`${TASKS}/${taskId}/fork`, {
          forkFrom,
          newTask,
        });
        taskId = forked.newTaskId;
      }
    }
    const times = await timesShown(taskId);
    for (let minute = -20; BEGIN + minute * MINUTE <= clock + 20 * MINUTE; minute += 3) {
      const time = BEGIN + minute * MINUTE;
      const first = times.findIndex((shown) => shown >= time);
      expect([minute, await kept(taskId, time)]).toEqual([minute, first < 0 ? null : first]);
    }
  });
});

it('is found the same after a rebuild, which takes in many branches at once', async () => {
  let job = await app.post<Record<string, unknown>>('/api/v1/admin/projections/verify', {
    name: 'conversation',
  });
  while (job['status'] === 'running') job = await app.get(`/api/v1/admin/jobs/${String(job['id'])}`);
  expect(job).toMatchObject({ status: 'done', result: { equal: true } });
});
