import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { MESSAGE_ID, OTHER_TASK_ID, TASK_ID, task } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;
describe('makima task fork', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake.on('GET /api/v1/mesh/tasks', { tasks: [task(), task({ id: OTHER_TASK_ID, name: 'Other' })] });
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  const answer = {
    newTaskId: OTHER_TASK_ID,
    sourceTaskId: TASK_ID,
    forkPoint: {
      type: 'checkpoint',
      checkpoint: { checkpointNumber: 3 },
      timestamp: '2026-03-01T10:00:00Z',
    },
    conversationIncluded: true,
    messageCount: 12,
    branchName: null,
    dryRun: false,
  };
  beforeEach(() => void fake.on(`POST ${TASK}/fork`, answer));
  const fork = (...words: readonly string[]) =>
    runCommand(fake.url, ['task', 'fork', TASK_ID, '--name', 'Again', '--plan', 'Try', ...words]);

  it('starts from a checkpoint', async () => {
    const { code, out, err } = await fork('--checkpoint', '3', '--include-conversation');
    expect(fake.last.body).toEqual({
      forkFrom: { type: 'checkpoint', value: '3' },
      newTask: { name: 'Again', plan: 'Try', includeConversation: true },
    });
    expect({ code, out }).toEqual({
      code: 0,
      out: `✓ forked ${TASK_ID} at checkpoint 3 into ${OTHER_TASK_ID}, with 12 messages\n`,
    });
    expect(err).toContain(`makima task history ${OTHER_TASK_ID}`);
  });

  it('starts from a message, which is part of it or not, or from a time', async () => {
    await fork('--message', MESSAGE_ID);
    expect(fake.last.body).toMatchObject({ forkFrom: { type: 'message_id', value: MESSAGE_ID } });
    expect(fake.last.body).not.toHaveProperty('inclusive');
    await fork('--before-message', MESSAGE_ID, '--no-include-conversation');
    expect(fake.last.body).toMatchObject({
      forkFrom: { type: 'message_id', value: MESSAGE_ID },
      inclusive: false,
      newTask: { includeConversation: false },
    });
    await fork('--timestamp', '2h', '--branch-name', 'again');
    expect(fake.last.body).toMatchObject({
      forkFrom: { type: 'timestamp', value: '2026-03-01T10:00:00.000Z' },
      branchOptions: { createBranch: true, branchName: 'again' },
    });
  });

  it('says first what would happen', async () => {
    fake.on(`POST ${TASK}/fork`, { ...answer, dryRun: true });
    const { out, err } = await fork('--checkpoint', '3', '--dry-run');
    expect(fake.last.body).toMatchObject({ dryRun: true });
    expect(out).toBe(
      `would fork ${TASK_ID} at checkpoint 3, with 12 messages  (dry run: nothing was changed)\n`,
    );
    expect(err).toBe('');
  });

  it('needs one point', async () => {
    expect((await fork()).err).toContain('fork from where?');
    expect((await fork('--checkpoint', '3', '--message', MESSAGE_ID)).code).toBe(2);
    expect(fake.seen).toEqual([]);
  });

  it('has the name that the first implementation gave it', async () => {
    await run(`supervisor task-fork ${TASK_ID} --checkpoint 3 --name x --plan y`);
    expect(fake.asked).toEqual([`POST ${TASK}/fork`]);
  });
});
