import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import type { CodeRewind } from '#libs/client/types-rewind.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { conversation, message, MESSAGE_ID, task, TASK_ID } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;
const REWIND_ID = '0190f7a8-0000-7000-8000-000000000001';
const BEFORE_ID = '0190f7a8-0000-7000-8000-000000000009';
const SHA = 'a1'.repeat(20);
const TERMINAL = { columns: 80 };

const rewind = (more: Partial<CodeRewind> = {}): CodeRewind => ({
  taskId: TASK_ID,
  rewindId: REWIND_ID,
  phase: 'completed',
  scope: 'code',
  rewindedTo: { checkpointId: BEFORE_ID, checkpointNumber: 3, sha: SHA, message: 'first version' },
  beforeCheckpointId: BEFORE_ID,
  requestedAt: '2026-03-01T11:00:00.000Z',
  ...more,
});

const rewound = (body: unknown, more: object = {}) => ({
  ...rewind(),
  hiddenMessages: 0,
  changes: {
    filesChanged: 2,
    insertions: 10,
    deletions: 3,
    files: [
      { path: 'src/a.ts', action: 'modified', additions: 10, deletions: 2 },
      { path: 'src/b.ts', action: 'deleted', additions: 0, deletions: 1 },
    ],
    isFolder: true,
  },
  dryRun: (body as { dryRun?: boolean }).dryRun ?? false,
  position: '77',
  ...more,
});

/** What readline writes before a question. */
const CURSOR = '\x1b[1G\x1b[0J';
const FILES = '  M src/a.ts +10 −2\n  D src/b.ts −1\n';

describe('going back in code', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake
      .on(`GET ${TASK}`, task())
      .on(`GET ${TASK}/conversation`, conversation([message(1), message(2)]))
      .on(`GET ${TASK}/rewinds`, { taskId: TASK_ID, rewinds: [rewind()] })
      .on(`GET ${TASK}/branches`, { taskId: TASK_ID, current: 0, branches: [], forks: [] })
      .on(`POST ${TASK}/rewind`, ({ body }) => rewound(body))
      .on(`POST ${TASK}/rewind/undo`, ({ body }) => rewound(body, { rewindId: BEFORE_ID, undoes: REWIND_ID }))
      .on(`POST ${TASK}/conversation/undo`, {
        ...{ taskId: TASK_ID, dryRun: false, branch: 2, previousBranch: 1, undoneBranch: 1 },
        ...{ hiddenMessages: 0, messageCount: 9, controlVersion: 5 },
      });
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);
  const posts = () => fake.seen.filter(({ method }) => method === 'POST').map(({ body }) => body);

  describe('task rewind', () => {
    it.each([
      ['--checkpoint 3', { toCheckpoint: 3 }],
      [`--checkpoint ${BEFORE_ID}`, { checkpointId: BEFORE_ID }],
      [`--checkpoint ${SHA.toUpperCase()}`, { checkpointSha: SHA }],
      [`--to-message ${MESSAGE_ID} --rewind-code`, { toMessageId: MESSAGE_ID, scope: 'both' }],
      [`--before-message ${MESSAGE_ID}`, { toMessageId: MESSAGE_ID, inclusive: false }],
      ['--to-timestamp 2h --scope both', { toTimestamp: '2026-03-01T10:00:00.000Z', scope: 'both' }],
      ['--by-messages 4 --scope conversation', { byMessageCount: 4, scope: 'conversation' }],
      ['--last-green', { lastGreen: true }],
      ['--checkpoint 3 --preserve discard', { toCheckpoint: 3, preserveMode: 'discard' }],
      ['--checkpoint 3 --preserve branch', { toCheckpoint: 3, preserveMode: 'create_branch' }],
      ['--checkpoint 3 --preserve-mode stash', { toCheckpoint: 3, preserveMode: 'stash' }],
      [
        '--checkpoint 3 --preserve-branch old',
        { toCheckpoint: 3, preserveMode: 'create_branch', branchName: 'old' },
      ],
      [
        '--checkpoint 3 --preserve create_branch --branch-name old --reason why',
        { toCheckpoint: 3, preserveMode: 'create_branch', branchName: 'old', reason: 'why' },
      ],
    ])('%s', async (options, body) => {
      const { code, out, err } = await run(`task rewind ${TASK_ID} ${options}`);
      expect(code).toBe(0);
      expect(posts()).toEqual([body]);
      expect(out).toBe(
        `✓ rewound task ${TASK_ID}: code at checkpoint 3 (first version); 2 files +10 −3\n${FILES}`,
      );
      expect(err).toBe(
        `what was there is kept as checkpoint ${BEFORE_ID}\nundo with: makima undo ${TASK_ID} --rewind ${REWIND_ID}\n`,
      );
    });

    it('says of one change in the middle that it was taken back', async () => {
      const { out } = await run(`task rewind ${TASK_ID} --without-checkpoint 2`);
      expect(posts()).toEqual([{ withoutCheckpoint: 2 }]);
      expect(out).toContain(`✓ took checkpoint 2 of task ${TASK_ID} back: `);
    });

    it('as the first implementation called it, keeps what is there as a branch', async () => {
      fake.on(`POST ${TASK}/rewind`, ({ body }) =>
        rewound(body, { preservedAs: { type: 'branch', reference: 'makima/before-0190f7a8' } }),
      );
      const { err } = await run(`supervisor task-rewind ${TASK_ID} --checkpoint 3`);
      expect(posts()).toEqual([{ toCheckpoint: 3, preserveMode: 'create_branch' }]);
      expect(err).toContain("and as git branch makima/before-0190f7a8 in the task's folder\n");
    });

    it.each([
      ['', 'back to where?'],
      ['--checkpoint x', 'is no checkpoint'],
      ['--checkpoint 1 --last-green', 'cannot be used with'],
      ['--without-checkpoint 1 --scope both', 'cannot be used with'],
      ['--checkpoint 1 --preserve maybe', 'is no way to keep what is there'],
      ['--checkpoint 1 --preserve stash --branch-name x', 'makes none'],
    ])('refuses %j, and asks for nothing', async (options, message) => {
      const { code, err } = await run(`task rewind ${TASK_ID} ${options}`.trim());
      expect(code).toBe(2);
      expect(err).toContain(message);
      expect(posts()).toEqual([]);
    });

    it('says with --dry-run what would happen to which file, and no more', async () => {
      const { out, err } = await run(`task rewind ${TASK_ID} --checkpoint 3 --dry-run`);
      expect(posts()).toEqual([{ toCheckpoint: 3, dryRun: true }]);
      expect(out).toBe(
        `would rewind task ${TASK_ID}: code at checkpoint 3 (first version); 2 files +10 −3  (dry run: nothing was changed)\n${FILES}`,
      );
      expect(err).toBe('');
    });

    it('says how many files more there are, and that the folder itself was not compared', async () => {
      const files = [{ path: 'a', action: 'added', additions: 1, deletions: 0 }];
      const changes = { filesChanged: 1_002, insertions: 9, deletions: 0, files, isFolder: false };
      fake.on(`POST ${TASK}/rewind`, ({ body }) => rewound(body, { changes }));
      const { out } = await run(`task rewind ${TASK_ID} --checkpoint 3 --dry-run`);
      expect(out).toContain('  A a +1\n  … and 1,001 more files\n  compared with the newest checkpoint');
    });

    it('shows on a terminal what would happen, and asks', async () => {
      const agreed = await run(`task rewind ${TASK_ID} --checkpoint 3`, {
        terminal: TERMINAL,
        input: 'y\n',
        env: { NO_COLOR: '1' },
      });
      const told = agreed.err.replace(CURSOR, '');
      expect(told.split(FILES)[0]?.replaceAll('\n', ' ')).toBe(
        `This would rewind task ${TASK_ID}: code at checkpoint 3 (first version); 2 files +10 −3 `,
      );
      expect(told).toContain(`${FILES}Rewind task ${TASK_ID}? [y/N] `);
      expect(agreed.out).toContain('✓ rewound task');
      expect(posts()).toEqual([{ toCheckpoint: 3, dryRun: true }, { toCheckpoint: 3 }]);
    });

    it('changes nothing when the answer is no', async () => {
      const { out, err } = await run(`task rewind ${TASK_ID} --checkpoint 3`, {
        terminal: TERMINAL,
        input: 'n\n',
      });
      expect(posts()).toEqual([{ toCheckpoint: 3, dryRun: true }]);
      expect(out).toBe('');
      expect(err).toContain('nothing was changed');
    });

    it.each([
      [
        'requested',
        'asked for, and its daemon has not done it yet',
        `task rewind-cancel ${TASK_ID} ${REWIND_ID}`,
      ],
      ['committed', 'its daemon is putting the files in place', `task rewinds ${TASK_ID}`],
      ['deferred', '✓ rewound', `task resume ${TASK_ID}`],
    ])('says what one that is %s waits for, and what to do', async (phase, told, command) => {
      fake.on(`POST ${TASK}/rewind`, ({ body }) => rewound(body, { phase }));
      const { code, out, err } = await run(`task rewind ${TASK_ID} --checkpoint 3`);
      expect(code).toBe(0);
      expect(out).toContain(told);
      expect(err).toContain(`makima ${command}\n`);
      expect(err.includes('undo with')).toBe(phase !== 'requested');
    });

    it.each(['aborted', 'failed'])('one that %s changed nothing, and is a failure', async (phase) => {
      fake.on(`POST ${TASK}/rewind`, ({ body }) => rewound(body, { phase, failure: 'a file is in the way' }));
      const { code, out, err } = await run(`task rewind ${TASK_ID} --checkpoint 3`);
      expect(code).toBe(4);
      expect(out).toContain('not done, and nothing has changed: a file is in the way');
      expect(err).toBe('');
    });

    it('is busy while another one is under way', async () => {
      fake.on(`POST ${TASK}/rewind`, (_, response) =>
        problem(response, 409, 'TASK_BUSY', 'Rewind x is under way.'),
      );
      expect(await run(`task rewind ${TASK_ID} --checkpoint 3`)).toMatchObject({ code: 4, out: '' });
    });
  });

  it('lists rewinds, and gives one up by the beginning of its id', async () => {
    fake.on(`POST ${TASK}/rewinds/${REWIND_ID}/cancel`, rewind({ phase: 'aborted' }));
    const { out } = await run(`task rewinds ${TASK_ID}`);
    expect(out).toMatch(new RegExp(`${REWIND_ID}  completed .* code  #3`));
    const shown = await run(`task rewinds ${TASK_ID}`, { terminal: TERMINAL, env: { NO_COLOR: '1' } });
    expect(shown.out).toMatch(/^0190f7a8 +completed +1 h ago +code +#3$/m);
    const given = await run(`task rewind-cancel ${TASK_ID} 0190f7a8`);
    expect(given.out).toContain(`rewind ${REWIND_ID} is given up`);
  });

  describe('undo', () => {
    const branch = (more: object) => ({
      ...{ branch: 1, previousBranch: 0, kind: 'rewind', point: null, reason: null, messageCount: 1 },
      ...{ actor: { kind: 'user', id: 'k' }, hiddenMessages: 1, undoneBranch: null, current: true },
      ...{ createdAt: '2026-03-01T10:00:00.000Z' },
      ...more,
    });
    const tree = (...branches: readonly object[]) => ({ taskId: TASK_ID, current: 1, branches, forks: [] });
    const undone = () => fake.last.path.slice(TASK.length);

    it('takes the newest rewind of code back, and says how to go forward again', async () => {
      const { out, err } = await run(`undo ${TASK_ID}`);
      expect(posts()).toEqual([{ rewindId: REWIND_ID }]);
      expect(undone()).toBe('/rewind/undo');
      expect(out).toContain(`✓ undid rewind ${REWIND_ID} of task ${TASK_ID}: code at checkpoint 3`);
      expect(err).toContain(`undo with: makima undo ${TASK_ID} --rewind ${BEFORE_ID}\n`);
    });

    it("takes the conversation's back where that is newer", async () => {
      fake.on(`GET ${TASK}/branches`, tree(branch({ createdAt: '2026-03-01T11:30:00.000Z' })));
      await run(`undo ${TASK_ID}`);
      expect(undone()).toBe('/conversation/undo');
    });

    it('takes both back together where one rewind moved both', async () => {
      fake.on(`GET ${TASK}/rewinds`, { rewinds: [rewind({ scope: 'both', branch: 1 })] });
      fake.on(`GET ${TASK}/branches`, tree(branch({ createdAt: '2026-03-01T11:00:05.000Z' })));
      await run(`undo ${TASK_ID}`);
      expect(undone()).toBe('/rewind/undo');
    });

    it.each<[string, readonly CodeRewind[]]>([
      ['was taken back', [rewind({ rewindId: BEFORE_ID, undoes: REWIND_ID }), rewind()]],
      ['was aborted', [rewind({ phase: 'aborted' })]],
      ['waits', [rewind({ phase: 'requested' })]],
    ])('passes over one that %s', async (_, rewinds) => {
      fake.on(`GET ${TASK}/rewinds`, { rewinds });
      await run(`undo ${TASK_ID}`);
      expect(undone()).toBe('/conversation/undo');
    });

    it('takes the one back that is named, of code or of conversation', async () => {
      await run(`undo ${TASK_ID} --rewind ${REWIND_ID} --dry-run`);
      expect(posts()).toEqual([{ rewindId: REWIND_ID, dryRun: true }]);
      await run(`undo ${TASK_ID} --branch 1`);
      expect(undone()).toBe('/conversation/undo');
      fake.on(`GET ${TASK}/rewinds`, { rewinds: [rewind({ scope: 'both', branch: 1 })] });
      await run(`undo ${TASK_ID} --branch 1`);
      expect(undone()).toBe('/rewind/undo');
    });
  });
});
