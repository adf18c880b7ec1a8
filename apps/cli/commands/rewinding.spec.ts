import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import {
  contract,
  CONTRACT_ID,
  conversation,
  message,
  MESSAGE_ID,
  task,
  TASK_ID,
} from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;
const SUPERVISOR = `/api/v1/contracts/${CONTRACT_ID}/supervisor`;
const SNAPSHOT_ID = '0190f7a8-0000-7000-8000-000000000001';
const TERMINAL = { columns: 200 };

const moved = (body: unknown, more: object = {}) => ({
  taskId: TASK_ID,
  dryRun: (body as { dryRun?: boolean }).dryRun ?? false,
  branch: 1,
  previousBranch: 0,
  hiddenMessages: 3,
  messageCount: 9,
  controlVersion: 4,
  position: '77',
  ...more,
});

describe('going back in a conversation', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake
      .on(`GET ${TASK}`, task())
      .on('GET /api/v1/mesh/tasks', { tasks: [task()] })
      .on('GET /api/v1/contracts', { contracts: [contract()] })
      .on(`GET ${TASK}/rewinds`, { taskId: TASK_ID, rewinds: [] })
      .on(`GET /api/v1/contracts/${CONTRACT_ID}`, contract())
      .on(`GET ${TASK}/conversation`, conversation([message(1), message(2)]))
      .on(`POST ${TASK}/conversation/rewind`, ({ body }) => moved(body))
      .on(`POST ${TASK}/conversation/undo`, ({ body }) =>
        moved(body, { undoneBranch: 1, branch: 2, previousBranch: 1, hiddenMessages: 0, messageCount: 12 }),
      )
      .on(`POST ${SUPERVISOR}/conversation/rewind`, ({ body }) => moved(body))
      .on(`POST ${SUPERVISOR}/conversation/undo`, ({ body }) => moved(body, { undoneBranch: 1 }))
      .on(`GET ${SUPERVISOR}/conversation`, {
        contractId: CONTRACT_ID,
        supervisorTaskId: TASK_ID,
        messages: [],
        spawnedTasks: [],
      });
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);
  const posts = () => fake.seen.filter(({ method }) => method === 'POST').map(({ body }) => body);

  describe('task rewind-conversation', () => {
    it.each([
      [`--to-message ${MESSAGE_ID}`, { toMessageId: MESSAGE_ID }],
      ['--to-message 0190e5f6-0000-7000-8000-000000000002', { toMessageId: message(2).id }],
      [`--before-message ${MESSAGE_ID}`, { toMessageId: MESSAGE_ID, inclusive: false }],
      ['--to-timestamp 2h', { toTimestamp: '2026-03-01T10:00:00.000Z' }],
      ['--by-messages 4 --rewind-code --reason why', { byMessageCount: 4, rewindCode: true, reason: 'why' }],
    ])('%s', async (options, body) => {
      const { code, out, err } = await run(`task rewind-conversation ${TASK_ID} ${options}`);
      expect(code).toBe(0);
      expect(posts()).toEqual([body]);
      expect(out).toBe(`✓ rewound task ${TASK_ID}: 3 messages hidden, 9 shown, on branch 1\n`);
      expect(err).toBe(`what was hidden is in branch 0\nundo with: makima undo ${TASK_ID} --branch 1\n`);
    });

    it('finds a message by the beginning of its id, among what is shown', async () => {
      fake.on(
        `GET ${TASK}/conversation`,
        conversation([message(1, { id: 'abcdef00-0000-7000-8000-000000000001' }), message(2)]),
      );
      await run(`task rewind-conversation ${TASK_ID} --to-message abcdef`);
      expect(posts()).toEqual([{ toMessageId: 'abcdef00-0000-7000-8000-000000000001' }]);
    });

    it('says with --dry-run what would happen, and no more', async () => {
      const { out, err } = await run(`task rewind-conversation ${TASK_ID} --by-messages 1 --dry-run`);
      expect(posts()).toEqual([{ byMessageCount: 1, dryRun: true }]);
      expect(out).toBe(
        `would rewind task ${TASK_ID}: 3 messages hidden, 9 shown, on branch 1  (dry run: nothing was changed)\n`,
      );
      expect(err).toBe('');
    });

    it('says which calls stay without their results', async () => {
      const openCalls = ['Edit', 'Read', 'Edit'].map((name, n) => ({ id: `c${n}`, name }));
      fake.on(`POST ${TASK}/conversation/rewind`, ({ body }) => moved(body, { openCalls }));
      const { out } = await run(`task rewind-conversation ${TASK_ID} --to-message ${MESSAGE_ID}`);
      expect(out).toContain('on branch 1; 3 tool calls stay without their results: Edit, Read\n');
    });

    it('answers in JSON', async () => {
      const { out } = await run(`task rewind-conversation ${TASK_ID} --by-messages 1 --format json`);
      expect(JSON.parse(out)).toMatchObject({ hiddenMessages: 3, position: '77' });
    });

    it('asks on a terminal, having looked at what would be hidden', async () => {
      const agreed = await run(`task rewind-conversation ${TASK_ID} --by-messages 1`, {
        terminal: TERMINAL,
        input: 'y\n',
      });
      expect(agreed.err).toContain(`Rewind task ${TASK_ID}? That hides 3 messages; 9 stay. [y/N] `);
      expect(posts()).toEqual([{ byMessageCount: 1, dryRun: true }, { byMessageCount: 1 }]);
    });

    it.each(['n\n', '\n', 'yeah\n'])('changes nothing when the answer is %j', async (input) => {
      const { out, err } = await run(`task rewind-conversation ${TASK_ID} --by-messages 1`, {
        terminal: TERMINAL,
        input,
      });
      expect(posts()).toEqual([{ byMessageCount: 1, dryRun: true }]);
      expect(out).toBe('');
      expect(err).toContain('nothing was changed');
    });

    it.each(['--yes', '--no-input'])('does not ask with %s', async (option) => {
      await run(`task rewind-conversation ${TASK_ID} --by-messages 1 ${option}`, { terminal: TERMINAL });
      expect(posts()).toEqual([{ byMessageCount: 1 }]);
    });

    it.each(['', ' --by-messages 0', ' --by-messages 1 --to-message 0190e5f6', ' --to-timestamp soon'])(
      'refuses%s',
      async (options) => {
        const { code, err } = await run(`task rewind-conversation ${TASK_ID}${options}`);
        expect(code).toBe(2);
        expect(err).toMatch(/^makima: /);
        expect(posts()).toEqual([]);
      },
    );

    it('passes on that there is no daemon', async () => {
      fake.on(`POST ${TASK}/conversation/rewind`, (_, response) =>
        problem(response, 409, 'NO_DAEMON', 'No daemon is connected.'),
      );
      expect(await run(`task rewind-conversation ${TASK_ID} --by-messages 1 --rewind-code`)).toEqual({
        code: 4,
        out: '',
        err: 'makima: No daemon is connected.\n  NO_DAEMON\n',
      });
    });
  });

  it('supervisor rewind-conversation takes the contract from the environment, and its messages', async () => {
    const { code, out, err } = await run(
      'supervisor rewind-conversation --to-message 0190e5f6-0000-7000-8000-00000000000',
      {
        env: { MAKIMA_CONTRACT_ID: CONTRACT_ID },
      },
    );
    expect(code).toBe(2);
    expect(err).toContain('could be 2 messages');
    expect(out).toBe('');
    await run(`supervisor rewind-conversation ${CONTRACT_ID} --by-messages 2 --rewind-code`);
    expect(fake.last).toMatchObject({
      path: `${SUPERVISOR}/conversation/rewind`,
      body: { byMessageCount: 2, rewindCode: true },
    });
    expect((await run('supervisor rewind-conversation --by-messages 2')).code).toBe(2);
  });

  describe('undo', () => {
    it('takes the newest rewind of a task back, or a certain one', async () => {
      const { code, out } = await run(`undo ${TASK_ID}`);
      expect({ code, out }).toEqual({
        code: 0,
        out: `✓ undid the rewind of task ${TASK_ID} that began branch 1: 12 shown, on branch 2\n`,
      });
      await run(`undo ${TASK_ID} --branch 3`);
      expect(posts()).toEqual([{}, { branch: 3 }]);
    });

    it('says where what came after the rewind is', async () => {
      fake.on(`POST ${TASK}/conversation/undo`, ({ body }) =>
        moved(body, { branch: 2, undoneBranch: 1, previousBranch: 1 }),
      );
      expect((await run(`undo ${TASK_ID}`)).err).toBe(
        `what came after the rewind is in branch 1\nundo with: makima undo ${TASK_ID} --branch 2\n`,
      );
    });

    it('also takes a contract’s id', async () => {
      fake.on('GET /api/v1/mesh/tasks/*', (_, response) =>
        problem(response, 404, 'NOT_FOUND', 'There is no task.'),
      );
      const { out } = await run(`undo ${CONTRACT_ID} --dry-run`);
      expect(fake.last).toMatchObject({ path: `${SUPERVISOR}/conversation/undo`, body: { dryRun: true } });
      expect(out).toContain(`would undo the rewind of the supervisor of contract ${CONTRACT_ID}`);
      expect((await run('undo 0190a1b2')).code).toBe(0);
    });

    it('asks on a terminal', async () => {
      const { err } = await run(`undo ${TASK_ID}`, { terminal: TERMINAL, input: 'n\n' });
      expect(posts()).toEqual([{ dryRun: true }]);
      expect(err).toContain('nothing was changed');
    });

    it('fails for an id that is neither', async () => {
      expect(await run('undo ffffff')).toMatchObject({ code: 3, out: '' });
    });
  });

  describe('snapshot', () => {
    const snapshot = {
      id: SNAPSHOT_ID,
      taskId: TASK_ID,
      checkpointId: null,
      snapshotType: 'manual',
      messageCount: 9,
      branch: 0,
      note: 'before',
      takenBy: { kind: 'user', id: 'k' },
      createdAt: '2026-03-01T10:00:00Z',
    };
    beforeEach(() => {
      fake
        .on(`POST ${TASK}/snapshots`, snapshot)
        .on(`GET ${TASK}/snapshots`, { snapshots: [snapshot] })
        .on(`GET ${TASK}/snapshots/${SNAPSHOT_ID}`, ({ query }) =>
          query['cursor'] === undefined
            ? { ...snapshot, messages: [message(1)], cursor: 'c' }
            : { ...snapshot, messages: [message(2)] },
        )
        .on(`POST ${TASK}/snapshots/${SNAPSHOT_ID}/restore`, ({ body }) =>
          moved(body, { snapshotId: SNAPSHOT_ID }),
        );
    });

    it('create keeps a conversation, and says how to go back to it', async () => {
      const { out, err } = await run(`snapshot create ${TASK_ID} --note before`);
      expect(posts()).toEqual([{ note: 'before' }]);
      expect(out).toBe(`✓ snapshot ${SNAPSHOT_ID} of 9 messages\n`);
      expect(err).toContain(`makima snapshot restore ${TASK_ID} ${SNAPSHOT_ID}`);
      expect((await run(`snapshot create ${TASK_ID} --dry-run`)).out).toContain('would keep 9 messages');
      expect(posts().at(-1)).toEqual({ dryRun: true });
    });

    it('list and show read them', async () => {
      expect((await run(`snapshot list ${TASK_ID}`)).out).toMatch(/manual +9 .*before\n$/);
      const { out } = await run(`snapshot show ${TASK_ID} 0190f7a8`);
      expect(out).toMatch(/^snapshot {2}0190f7a8-.*\ntype {6}manual\n/);
      expect(out).toMatch(/message 1\n\n── user .*\nmessage 2\n/);
    });

    it('restore can be undone', async () => {
      const { out, err } = await run(`snapshot restore ${TASK_ID} 0190f7a8 --reason again`);
      expect(posts()).toEqual([{ reason: 'again' }]);
      expect(out).toContain(
        `✓ restored snapshot ${SNAPSHOT_ID} of task ${TASK_ID}: 3 messages hidden, 9 shown, on branch 1`,
      );
      expect(err).toBe(`undo with: makima undo ${TASK_ID} --branch 1\n`);
      await run(`snapshot restore ${TASK_ID} ${SNAPSHOT_ID} --dry-run`);
      expect(posts().at(-1)).toEqual({ dryRun: true });
    });
  });

  it('branches shows the tree', async () => {
    fake.on(`GET ${TASK}/branches`, {
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
    });
    expect((await run(`branches ${TASK_ID} --as-of 9`)).out).toMatch(/● 0 current {2}start +3 /);
    expect(fake.last.query).toEqual({ asOf: '9' });
  });
});
