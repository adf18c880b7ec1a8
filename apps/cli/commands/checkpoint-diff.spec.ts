import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand } from '../testing/run-command.js';
import { OTHER_TASK_ID as CHECKPOINT_ID, TASK_ID } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;
const NOW = { id: CHECKPOINT_ID, checkpointNumber: 7, message: 'To compare with' };

let fake: FakeMakima;
beforeEach(async () => {
  fake = await FakeMakima.start();
});
afterEach(() => fake.stop());

const asked = (checkpoint: object | null) =>
  fake.on(`POST ${TASK}/checkpoint-requests`, {
    ...{ taskId: TASK_ID, requestId: 'r', position: '9', checkpoint },
    detail: 'No daemon is connected that has the folder.',
  });
const since = () => runCommand(fake.url, ['task', 'checkpoint-diff', TASK_ID, '2', '--worktree', '--stat']);

it('shows what the folder has become since a checkpoint, as soon as its code has come', async () => {
  asked(NOW);
  let tries = 0;
  fake.on(`GET ${TASK}/checkpoints/${CHECKPOINT_ID}/diff`, ({ query }, response) => {
    tries += 1;
    if (tries < 3) return problem(response, 409, 'CHECKPOINT_NOT_SAFE', 'Its daemon has not sent it yet.');
    expect(query['against']).toBe('2');
    return {
      checkpoint: NOW,
      previousCheckpoint: { ...NOW, checkpointNumber: 2, message: 'then' },
      diff: { files: [], stats: { filesChanged: 0, insertions: 0, deletions: 0 } },
    };
  });
  const { code, out } = await since();
  expect([code, tries]).toEqual([0, 3]);
  expect(out).toContain('checkpoint 7 (To compare with) against checkpoint 2 (then)');
});

it('says why the folder cannot be seen', async () => {
  asked(null);
  const { code, err } = await since();
  expect(code).toBe(2);
  expect(err).toContain('the folder cannot be seen: No daemon is connected that has the folder.');
});
