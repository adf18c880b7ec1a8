import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { CONTRACT_ID, conversation, entry, message, MESSAGE_ID, OTHER_TASK_ID, task, TASK_ID } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;
const tree = (more: object = {}) => ({
  taskId: TASK_ID, current: 0, forks: [],
  branches: [{ branch: 0, previousBranch: null, kind: 'start', point: null, reason: null, actor: { kind: 'user', id: 'k' }, createdAt: '2026-03-01T10:00:00Z', messageCount: 3, hiddenMessages: 0, undoneBranch: null, current: true }],
  ...more,
});

describe('makima task', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake.on('GET /api/v1/mesh/tasks', { tasks: [task(), task({ id: OTHER_TASK_ID, name: 'Other' })] });
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  it('list shows tasks, and what each is', async () => {
    fake.on('GET /api/v1/mesh/tasks', { tasks: [task({ isSupervisor: true }), task({ id: OTHER_TASK_ID, forkedFromTaskId: TASK_ID })] });
    const { out } = await run(`task list --contract ${CONTRACT_ID} --parent ${TASK_ID} --status failed`);
    expect(fake.last.query).toEqual({ contract_id: CONTRACT_ID, parent_task_id: TASK_ID, status: 'failed', limit: '100' });
    expect(out).toMatch(/supervisor {2}Fix the login\n.*fork {2}Fix the login\n$/);
  });

  it('list shortens ids on a terminal as far as they stay different', async () => {
    const { out } = await run('task list', { terminal: { columns: 100 }, env: { NO_COLOR: '1' } });
    expect(out).toContain(TASK_ID);
    fake.on('GET /api/v1/mesh/tasks', { tasks: [task()] });
    expect((await run('task list', { terminal: { columns: 100 }, env: { NO_COLOR: '1' } })).out).toContain('\n0190c3d4  running');
  });

  it('show has the facts', async () => {
    fake.on(`GET ${TASK}`, task({ checkpointCount: 2, lastCheckpointSha: 'abcdef0123456789', checkpointMessage: 'works' }));
    const { out } = await run(`task show ${TASK_ID}`);
    expect(out).toContain('checkpoints  2, last abcdef0123 works\n');
    expect(out).not.toContain('forked from');
  });

  it('create sends what was given', async () => {
    fake.on('POST /api/v1/mesh/tasks', task());
    const words = ['task', 'create', '--name', 'Add tests', '--plan', 'Cover it', '--supervisor', '--copy-files', 'a.ts,b.ts', '--parent', OTHER_TASK_ID];
    expect((await runCommand(fake.url, words, { env: { MAKIMA_CONTRACT_ID: CONTRACT_ID } })).code).toBe(0);
    expect(fake.last.body).toEqual({
      name: 'Add tests', plan: 'Cover it', contractId: CONTRACT_ID, parentTaskId: OTHER_TASK_ID, isSupervisor: true, copyFiles: ['a.ts', 'b.ts'],
    });
    expect((await run('task create --name x')).code).toBe(2);
  });

  describe('history', () => {
    beforeEach(() => {
      fake
        .on(`GET ${TASK}/conversation`, conversation([message(1), message(2, { role: 'assistant', content: 'answer' })], { totalTokens: 1_500, totalCost: 0.5 }))
        .on(`GET ${TASK}/branches`, tree());
    });

    it('is a chat to read', async () => {
      const { code, out } = await run(`task history ${TASK_ID}`);
      expect(code).toBe(0);
      expect(out).toMatch(/^Fix the login {2}running\n2 messages · 1,500 tokens · \$0.50\n\n── user .*\nmessage 1\n\n── assistant .*\nanswer\n/);
      expect(fake.seen[0]?.query).toEqual({ include_tool_calls: 'true', include_tool_results: 'true', order: 'oldest', limit: '1000' });
    });

    it('may be a table or JSON', async () => {
      expect((await run(`task history ${TASK_ID} --format table`)).out).toMatch(/^#.*\n1 .*message 1\n/);
      const { out } = await run(`task history ${TASK_ID} --format json`);
      expect(JSON.parse(out)).toMatchObject({ taskId: TASK_ID, totalCount: 2 });
    });

    it('leaves tool calls out, or the results alone', async () => {
      await run(`task history ${TASK_ID} --no-tool-calls`);
      expect(fake.seen[0]?.query).toMatchObject({ include_tool_calls: 'false', include_tool_results: 'false' });
      await run(`task history ${TASK_ID} --no-tool-results --tool-calls`);
      expect(fake.seen[2]?.query).toMatchObject({ include_tool_calls: 'true', include_tool_results: 'false' });
    });

    it('gives the newest, oldest first', async () => {
      fake.on(`GET ${TASK}/conversation`, conversation([message(9), message(8)], { totalCount: 9, cursor: 'c' }));
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
      const began = { branch: 1, previousBranch: 0, kind: 'rewind', point: null, reason: 'why', actor: { kind: 'user', id: 'k' }, createdAt: '2026-03-01T10:00:00Z', messageCount: 2, hiddenMessages: 2, undoneBranch: null, current: true };
      fake
        .on(`GET ${TASK}/branches`, tree({ current: 1, branches: [...tree().branches, began] }))
        .on(`GET ${TASK}/conversation`, ({ query }) =>
          query['branch'] === '0'
            ? conversation([message(1), message(2, { content: 'hidden one' }), message(3, { content: 'hidden two' })])
            : conversation([message(1), message(4)], { branch: 1 }),
        );
      const { out } = await run(`task history ${TASK_ID}`);
      expect(out).toMatch(/message 1\n\n↶ rewound here: 2 messages hidden, in branch 0 .*“why”\n.*--branch 0\n.* makima undo \S+ --branch 1\n\n── user .*\nmessage 4\n/);
      expect(out).not.toContain('hidden one');
      expect((await run(`task history ${TASK_ID} --with-rewound`)).out).toMatch(/┊ hidden one\n\n┊ ── user .*\n┊ hidden two\n/);
    });
  });

  it('timeline, output and events read the task alone', async () => {
    const output = entry(2, { eventType: 'output', eventData: { channel: 'stdout', text: 'hello\nworld\n' } });
    fake
      .on(`GET ${TASK}/history`, { entries: [entry(1)] })
      .on(`GET ${TASK}/output`, { taskId: TASK_ID, events: [output] })
      .on(`GET ${TASK}/events`, { taskId: TASK_ID, events: [entry(1), output], cursor: 'c' });
    expect((await run(`task timeline ${TASK_ID} --failed`)).out).toContain('task created');
    expect(fake.last.query).toEqual({ failed: 'true', order: 'newest', limit: '100' });
    expect((await run(`task output ${TASK_ID}`)).out).toBe('hello\nworld\n');
    const events = await run(`task events ${TASK_ID} --limit 2`);
    expect(events.out).toContain('output stdout: hello world');
    expect(events.err).toContain('--limit <n> shows more');
    expect(JSON.parse((await run(`task output ${TASK_ID} --format json`)).out)).toEqual({ taskId: TASK_ID, events: [output] });
  });

  it('checkpoints show numbers and commits, and files when asked', async () => {
    const checkpoint = { id: 'c', taskId: TASK_ID, checkpointNumber: 3, commitSha: 'a'.repeat(40), branchName: 'main', message: 'works', filesChanged: [{ path: 'src/a.ts', action: 'M', linesAdded: 2 }], linesAdded: 2, linesRemoved: 0, createdAt: '2026-03-01T10:00:00Z' };
    fake.on(`GET ${TASK}/checkpoints`, { taskId: TASK_ID, checkpoints: [checkpoint] });
    const { out } = await run(`task checkpoints ${TASK_ID}`);
    expect(out).toContain('a'.repeat(40));
    expect(out).not.toContain('src/a.ts');
    expect((await run(`task checkpoints ${TASK_ID} --with-diff`)).out).toContain('      M src/a.ts +2\n');
    expect((await run(`supervisor task-checkpoints ${TASK_ID} --with-diff`)).out).toContain('src/a.ts');
  });

  describe('fork', () => {
    const answer = { newTaskId: OTHER_TASK_ID, sourceTaskId: TASK_ID, forkPoint: { type: 'checkpoint', checkpoint: { checkpointNumber: 3 }, timestamp: '2026-03-01T10:00:00Z' }, conversationIncluded: true, messageCount: 12, branchName: null, dryRun: false };
    beforeEach(() => void fake.on(`POST ${TASK}/fork`, answer));
    const fork = (...words: readonly string[]) => runCommand(fake.url, ['task', 'fork', TASK_ID, '--name', 'Again', '--plan', 'Try', ...words]);

    it('starts from a checkpoint', async () => {
      const { code, out, err } = await fork('--checkpoint', '3', '--include-conversation');
      expect(fake.last.body).toEqual({ forkFrom: { type: 'checkpoint', value: '3' }, newTask: { name: 'Again', plan: 'Try', includeConversation: true } });
      expect({ code, out }).toEqual({ code: 0, out: `✓ forked ${TASK_ID} at checkpoint 3 into ${OTHER_TASK_ID}, with 12 messages\n` });
      expect(err).toContain(`makima task history ${OTHER_TASK_ID}`);
    });

    it('starts from a message, which is part of it or not, or from a time', async () => {
      await fork('--message', MESSAGE_ID);
      expect(fake.last.body).toMatchObject({ forkFrom: { type: 'message_id', value: MESSAGE_ID } });
      expect(fake.last.body).not.toHaveProperty('inclusive');
      await fork('--before-message', MESSAGE_ID, '--no-include-conversation');
      expect(fake.last.body).toMatchObject({ forkFrom: { type: 'message_id', value: MESSAGE_ID }, inclusive: false, newTask: { includeConversation: false } });
      await fork('--timestamp', '2h', '--branch-name', 'again');
      expect(fake.last.body).toMatchObject({ forkFrom: { type: 'timestamp', value: '2026-03-01T10:00:00.000Z' }, branchOptions: { createBranch: true, branchName: 'again' } });
    });

    it('says first what would happen', async () => {
      fake.on(`POST ${TASK}/fork`, { ...answer, dryRun: true });
      const { out, err } = await fork('--checkpoint', '3', '--dry-run');
      expect(fake.last.body).toMatchObject({ dryRun: true });
      expect(out).toBe(`would fork ${TASK_ID} at checkpoint 3, with 12 messages  (dry run: nothing was changed)\n`);
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

  it('is said to be missing by the server’s words', async () => {
    fake.on(`GET ${TASK}`, (_, response) => problem(response, 404, 'NOT_FOUND', `There is no task ${TASK_ID}.`));
    expect(await run(`task show ${TASK_ID}`)).toEqual({ code: 3, out: '', err: `makima: There is no task ${TASK_ID}.\n  NOT_FOUND\n` });
  });
});
