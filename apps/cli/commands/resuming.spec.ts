import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand } from '../testing/run-command.js';
import { contract, CONTRACT_ID, task, TASK_ID } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;
const SHA = 'a'.repeat(40);
const CHECKPOINT_ID = '0190f7a8-0000-7000-8000-000000000001';
const some = { messages: 2, toolCalls: 1, toolResults: 1 };
const answer = (body: unknown) => ({
  told: {
    shown: { messages: 12, toolCalls: 1, toolResults: 1 },
    given: some,
    leftOut: [{ messages: 10, toolCalls: 0, toolResults: 0, reason: 'limit' }],
    shortened: 0,
    unknownCalls: 1,
    summary: false,
    tokens: 12_345,
  },
  prompt: 'p',
  checkpoint: { checkpointNumber: 3, sha: SHA, isSafe: true },
  daemon: null,
  dryRun: (body as { dryRun: boolean }).dryRun,
  newTaskId: CHECKPOINT_ID,
});

describe('going on with tasks', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake
      .on(`GET ${TASK}`, task())
      .on('GET /api/v1/contracts', { contracts: [contract()] })
      .on(`GET ${TASK}/checkpoints`, {
        checkpoints: [{ id: CHECKPOINT_ID, checkpointNumber: 3, commitSha: SHA }],
      })
      .on(`GET /api/v1/contracts/${CONTRACT_ID}/supervisor/conversation`, { supervisorTaskId: TASK_ID })
      .on(`POST ${TASK}/continue`, ({ body }) => answer(body))
      .on(`POST ${TASK}/checkpoints/${CHECKPOINT_ID}/resume`, ({ body }) => answer(body))
      .on(`POST /api/v1/contracts/${CONTRACT_ID}/supervisor/resume`, ({ body }) => answer(body));
  });
  afterEach(() => fake.stop());

  const run = (words: string, options = {}) => runCommand(fake.url, words.split(' '), options);
  const posts = () => fake.seen.filter(({ method }) => method === 'POST').map(({ body }) => body);

  it.each([
    ['', { resumeMode: 'with_context', contextOptions: {} }],
    ['--mode clean --prompt why', { resumeMode: 'clean_restart', contextOptions: {}, prompt: 'why' }],
    ['--checkpoint 3', { resumeMode: 'from_checkpoint', contextOptions: {}, checkpointSha: SHA }],
    [
      '--max-messages 5 --no-tool-calls --no-tool-results --summary --max-tokens 9000 --daemon d',
      {
        resumeMode: 'with_context',
        contextOptions: {
          maxMessages: 5,
          includeToolCalls: false,
          includeToolResults: false,
          summaryMode: true,
        },
        maxTokens: 9000,
        targetDaemonId: 'd',
      },
    ],
  ])('task resume %s', async (options, body) => {
    const { code, out, err } = await run(`task resume ${TASK_ID} ${options}`.trim());
    expect(code).toBe(0);
    expect(posts()).toEqual([
      { ...body, dryRun: true },
      { ...body, dryRun: false },
    ]);
    expect(out).toBe(`✓ resume task ${TASK_ID}: it starts when a daemon takes it\n`);
    expect(err).toContain('about 12,345');
    expect(err).toContain('10 messages, 0 tool calls, 0 results: older than what was asked for');
  });

  it('starts nothing in a dry run, nor against the answer at a terminal', async () => {
    const { out } = await run(`task resume ${TASK_ID} --dry-run`);
    expect(out).toContain('about 12,345');
    expect(out).toContain('nothing was changed');
    const { err } = await run(`task resume ${TASK_ID}`, { terminal: { columns: 120 }, input: 'n\n' });
    expect(err).toContain('about 12,345');
    expect(err).toContain('nothing was changed');
    expect(posts().map((body) => (body as { dryRun: boolean }).dryRun)).toEqual([true, true]);
  });

  it.each(['--mode checkpoint', '--mode clean --checkpoint 3', '--checkpoint 9', '--max-messages 0'])(
    'refuses task resume %s',
    async (options) => {
      expect((await run(`task resume ${TASK_ID} ${options}`)).code).toBe(2);
      expect(posts()).toEqual([]);
    },
  );

  it('task resume-from starts a new task there', async () => {
    const { code, err } = await run(`task resume-from ${TASK_ID} --checkpoint 3 --plan steel --no-start`);
    expect(code).toBe(0);
    expect(posts().at(-1)).toEqual({
      plan: 'steel',
      includeConversation: false,
      start: false,
      dryRun: false,
    });
    expect(err).toContain(`makima task follow ${CHECKPOINT_ID}`);
  });

  it.each([
    ['', { resumeMode: 'continue' }],
    ['--mode restart --context again', { resumeMode: 'restart_phase', additionalContext: 'again' }],
    ['--mode from_checkpoint --checkpoint 3', { resumeMode: 'from_checkpoint', checkpointId: CHECKPOINT_ID }],
  ])('supervisor resume %s', async (options, body) => {
    expect((await run(`supervisor resume ${CONTRACT_ID} ${options}`.trim())).code).toBe(0);
    expect(posts().at(-1)).toEqual({ ...body, dryRun: false });
  });
});
