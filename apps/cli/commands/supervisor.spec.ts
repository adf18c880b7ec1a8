import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { CONTRACT_ID, conversation, message, OTHER_TASK_ID, TASK_ID } from '../testing/samples.js';

const SUPERVISOR = `/api/v1/contracts/${CONTRACT_ID}/supervisor/conversation`;

describe('makima supervisor', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake
      .on(`GET ${SUPERVISOR}`, {
        ...conversation([message(1)]),
        contractId: CONTRACT_ID,
        supervisorTaskId: TASK_ID,
        phase: 'plan',
        lastActivity: '2026-03-01T10:00:00Z',
        pendingTaskIds: [OTHER_TASK_ID],
        spawnedTasks: [
          {
            taskId: OTHER_TASK_ID,
            taskName: 'Write tests',
            status: 'running',
            createdAt: '2026-03-01T10:00:00Z',
          },
        ],
      })
      .on(`GET ${SUPERVISOR}/branches`, { taskId: TASK_ID, current: 0, branches: [], forks: [] })
      .on(`GET /api/v1/mesh/tasks/${TASK_ID}/conversation`, conversation([message(1)]))
      .on(`GET /api/v1/mesh/tasks/${TASK_ID}/branches`, {
        taskId: TASK_ID,
        current: 0,
        branches: [],
        forks: [],
      });
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  it('history shows its conversation, and the tasks that it spawned', async () => {
    const { code, out } = await run('supervisor history --limit 5', {
      env: { MAKIMA_CONTRACT_ID: CONTRACT_ID },
    });
    expect(code).toBe(0);
    expect(fake.seen[0]).toMatchObject({ path: SUPERVISOR, query: { order: 'newest', limit: '5' } });
    expect(out).toMatch(/message 1\n\nSpawned tasks\ntask .*\n\S+ {2}running .*Write tests {2}waited for\n$/);
    expect(JSON.parse((await run(`supervisor history ${CONTRACT_ID} --format json`)).out)).toMatchObject({
      supervisorTaskId: TASK_ID,
      pendingTaskIds: [OTHER_TASK_ID],
    });
  });

  it('task-history is task history', async () => {
    const { out } = await run(`supervisor task-history ${TASK_ID} --tool-calls --limit 3 --format chat`);
    expect(out).toBe((await run(`task history ${TASK_ID} --limit 3`)).out);
  });

  it('says that there is none', async () => {
    fake.on(`GET ${SUPERVISOR}`, (_, response) =>
      problem(response, 404, 'SUPERVISOR_NOT_FOUND', 'The contract has no supervisor.'),
    );
    expect(await run(`supervisor history ${CONTRACT_ID}`)).toMatchObject({
      code: 3,
      err: 'makima: The contract has no supervisor.\n  SUPERVISOR_NOT_FOUND\n',
    });
  });
});
