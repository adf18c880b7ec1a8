import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { OTHER_TASK_ID, TASK_ID } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;
const checkpoint = { id: 'c-5', taskId: TASK_ID, checkpointNumber: 5, commitSha: 'abc', isSafe: true };
const since = {
  messages: 24,
  toolCalls: 3,
  failedCalls: 0,
  tools: [
    { name: 'Bash', calls: 2, failed: 0 },
    { name: 'Edit', calls: 1, failed: 0 },
  ],
  tokens: { input: 12_000, output: 800, cacheRead: 5, cacheWrite: 6 },
  costUsd: 0.42,
  checkpoints: 2,
  firstAt: '2026-03-01T10:00:00.000Z',
  lastAt: '2026-03-01T10:10:00.000Z',
};
const side = { taskId: TASK_ID, name: 'Fix the login', point: 'now', messageCount: 36, since, checkpoint };
const comparison = {
  ancestor: { taskId: TASK_ID, messageId: 'm-1', messageCount: 12 },
  task: side,
  with: {
    taskId: OTHER_TASK_ID,
    name: 'Another way',
    point: 'checkpoint',
    messageCount: 20,
    since: {
      ...since,
      failedCalls: 1,
      tools: [{ name: 'Edit', calls: 5, failed: 1 }],
      costUsd: null,
      firstAt: null,
      lastAt: null,
    },
    checkpoint: { ...checkpoint, id: 'c-7', taskId: OTHER_TASK_ID, checkpointNumber: 7, isSafe: false },
  },
  code: {
    from: checkpoint,
    to: { ...checkpoint, id: 'c-6', taskId: OTHER_TASK_ID, checkpointNumber: 6 },
    filesChanged: 3,
    insertions: 4,
    deletions: 1,
    files: [
      { path: 'src/a.ts', action: 'modified', additions: 4, deletions: 1, binary: false },
      { path: 'b', action: 'modified', renamedFrom: 'c', additions: 0, deletions: 0, binary: false },
    ],
    diffUrl: '/x',
  },
};

describe('makima task compare', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake.on(`GET ${TASK}/compare`, comparison);
  });
  afterEach(() => fake.stop());

  const compare = (words = '', options: RunOptions = {}) =>
    runCommand(
      fake.url,
      ['task', 'compare', TASK_ID, OTHER_TASK_ID, ...words.split(' ').filter(Boolean)],
      options,
    );

  it('shows both beside each other, on a terminal of 80 columns', async () => {
    const { out, err } = await compare('', { terminal: { columns: 80 }, env: { NO_COLOR: '1' } });
    expect(out.split('\n').every((line) => line.length <= 80)).toBe(true);
    const lines = out.split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));
    expect(lines).toEqual(
      expect.arrayContaining([
        'Fix the login | Another way',
        'at | now | checkpoint 7',
        'shows | 36 messages | 20 messages',
        'tokens in | 12,000 | 12,000',
        'cost | $0.42',
        'tool calls | 3 | 3, 1 failed',
        'Edit | 1 | 5, 1 failed',
        'Bash | 2',
        'code checkpoint 5 against checkpoint 6: 3 files +4 −1',
        'checkpoint 7 is newer; its code has not come yet',
        'M src/a.ts +4 −1',
        'M b (was c)',
        '… and 1 more',
      ]),
    );
    expect(lines.indexOf('Edit | 1 | 5, 1 failed')).toBeLessThan(lines.indexOf('Bash | 2'));
    expect(err).toContain(`makima task checkpoint-diff ${OTHER_TASK_ID} 6 --against c-5`);
  });

  it('asks for the points that are named, and answers as JSON', async () => {
    const { out } = await compare('--at 3 --other-at m-1 --as-of 12 --format json');
    expect(fake.last.query).toEqual({ with: OTHER_TASK_ID, at: '3', withAt: 'm-1', asOf: '12' });
    expect(JSON.parse(out)).toEqual(comparison);
  });

  it('says what there is not', async () => {
    fake.on(`GET ${TASK}/compare`, { ...comparison, ancestor: null, code: null });
    const { out, err } = await compare();
    expect(out).toMatch(/^they have nothing in common\n/);
    expect(out).toContain('no code to compare: Another way has no checkpoint in the hub\n');
    expect(err).toBe('');
  });
});
