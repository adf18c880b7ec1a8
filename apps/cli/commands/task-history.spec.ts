import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { OTHER_TASK_ID, TASK_ID, conversation, message, task } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;
const tree = (more: object = {}) => ({
  taskId: TASK_ID,
  current: 0,
  forks: [],
  branches: [
    {
      branch: 0,
      previousBranch: null,
      kind: 'start',
      point: null,
      reason: null,
      actor: { kind: 'user', id: 'k' },
      createdAt: '2026-03-01T10:00:00Z',
      messageCount: 3,
      hiddenMessages: 0,
      undoneBranch: null,
      current: true,
    },
  ],
  ...more,
});

describe('makima task history', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake.on('GET /api/v1/mesh/tasks', { tasks: [task(), task({ id: OTHER_TASK_ID, name: 'Other' })] });
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  beforeEach(() => {
    fake
      .on(
        `GET ${TASK}/conversation`,
        conversation([message(1), message(2, { role: 'assistant', content: 'answer' })], {
          totalTokens: 1_500,
          totalCost: 0.5,
        }),
      )
      .on(`GET ${TASK}/branches`, tree());
  });

  it('is a chat to read', async () => {
    const { code, out } = await run(`task history ${TASK_ID}`);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^Fix the login {2}running\n2 messages · 1,500 tokens · \$0.50\n\n── user .*\nmessage 1\n\n── assistant .*\nanswer\n/,
    );
    expect(fake.seen[0]?.query).toEqual({
      include_tool_calls: 'true',
      include_tool_results: 'true',
      order: 'oldest',
      limit: '1000',
    });
  });

  it('may be a table or JSON', async () => {
    expect((await run(`task history ${TASK_ID} --format table`)).out).toMatch(/^#.*\n1 .*message 1\n/);
    const { out } = await run(`task history ${TASK_ID} --format json`);
    expect(JSON.parse(out)).toMatchObject({ taskId: TASK_ID, totalCount: 2 });
  });

  it('leaves tool calls out, or the results alone', async () => {
    await run(`task history ${TASK_ID} --no-tool-calls`);
    expect(fake.seen[0]?.query).toMatchObject({
      include_tool_calls: 'false',
      include_tool_results: 'false',
    });
    await run(`task history ${TASK_ID} --no-tool-results --tool-calls`);
    expect(fake.seen[2]?.query).toMatchObject({
      include_tool_calls: 'true',
      include_tool_results: 'false',
    });
  });

  it('gives the newest, oldest first', async () => {
    fake.on(
      `GET ${TASK}/conversation`,
      conversation([message(9), message(8)], { totalCount: 9, cursor: 'c' }),
    );
    const { out } = await run(`task history ${TASK_ID} --limit 2`);
    expect(fake.seen[0]?.query).toMatchObject({ order: 'newest', limit: '2' });
    expect(out).toContain('the newest 2 of 9 messages');
    expect(out.indexOf('message 8')).toBeLessThan(out.indexOf('message 9'));
  });

  it('reads a branch that was left', async () => {
    expect((await run(`task history ${TASK_ID} --branch 0 --as-of 50`)).out).toContain('\nbranch 0\n');
    expect(fake.seen[0]?.query).toMatchObject({ branch: '0', asOf: '50' });
  });

  it('marks where it was rewound, and shows what is hidden there when asked', async () => {
    const began = {
      branch: 1,
      previousBranch: 0,
      kind: 'rewind',
      point: null,
      reason: 'why',
      actor: { kind: 'user', id: 'k' },
      createdAt: '2026-03-01T10:00:00Z',
      messageCount: 2,
      hiddenMessages: 2,
      undoneBranch: null,
      current: true,
    };
    fake
      .on(`GET ${TASK}/branches`, tree({ current: 1, branches: [...tree().branches, began] }))
      .on(`GET ${TASK}/conversation`, ({ query }) =>
        query['branch'] === '0'
          ? conversation([
              message(1),
              message(2, { content: 'hidden one' }),
              message(3, { content: 'hidden two' }),
            ])
          : conversation([message(1), message(4)], { branch: 1 }),
      );
    const { out } = await run(`task history ${TASK_ID}`);
    expect(out).toMatch(
      /message 1\n\n↶ rewound here: 2 messages hidden, in branch 0 .*“why”\n.*--branch 0\n.* makima undo \S+ --branch 1\n\n── user .*\nmessage 4\n/,
    );
    expect(out).not.toContain('hidden one');
    expect((await run(`task history ${TASK_ID} --with-rewound`)).out).toMatch(
      /┊ hidden one\n\n┊ ── user .*\n┊ hidden two\n/,
    );
  });
});
