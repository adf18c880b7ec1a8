import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { CONTRACT_ID, OTHER_TASK_ID, TASK_ID, entry, task } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;
describe('makima task', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake.on('GET /api/v1/mesh/tasks', { tasks: [task(), task({ id: OTHER_TASK_ID, name: 'Other' })] });
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  it('list shows tasks, and what each is', async () => {
    fake.on('GET /api/v1/mesh/tasks', {
      tasks: [task({ isSupervisor: true }), task({ id: OTHER_TASK_ID, forkedFromTaskId: TASK_ID })],
    });
    const { out } = await run(`task list --contract ${CONTRACT_ID} --parent ${TASK_ID} --status failed`);
    expect(fake.last.query).toEqual({
      contract_id: CONTRACT_ID,
      parent_task_id: TASK_ID,
      status: 'failed',
      limit: '100',
    });
    expect(out).toMatch(/supervisor {2}Fix the login\n.*fork {2}Fix the login\n$/);
  });

  it('list shortens ids on a terminal as far as they stay different', async () => {
    const { out } = await run('task list', { terminal: { columns: 100 }, env: { NO_COLOR: '1' } });
    expect(out).toContain(TASK_ID);
    fake.on('GET /api/v1/mesh/tasks', { tasks: [task()] });
    expect((await run('task list', { terminal: { columns: 100 }, env: { NO_COLOR: '1' } })).out).toContain(
      '\n0190c3d4  running',
    );
  });

  it('show has the facts', async () => {
    fake.on(
      `GET ${TASK}`,
      task({ checkpointCount: 2, lastCheckpointSha: 'abcdef0123456789', checkpointMessage: 'works' }),
    );
    const { out } = await run(`task show ${TASK_ID}`);
    expect(out).toContain('checkpoints  2, last abcdef0123 works\n');
    expect(out).not.toContain('forked from');
  });

  it('create sends what was given', async () => {
    fake.on('POST /api/v1/mesh/tasks', task());
    const words = [
      'task',
      'create',
      '--name',
      'Add tests',
      '--plan',
      'Cover it',
      '--supervisor',
      '--copy-files',
      'a.ts,b.ts',
      '--parent',
      OTHER_TASK_ID,
    ];
    expect((await runCommand(fake.url, words, { env: { MAKIMA_CONTRACT_ID: CONTRACT_ID } })).code).toBe(0);
    expect(fake.last.body).toEqual({
      name: 'Add tests',
      plan: 'Cover it',
      contractId: CONTRACT_ID,
      parentTaskId: OTHER_TASK_ID,
      isSupervisor: true,
      copyFiles: ['a.ts', 'b.ts'],
    });
    expect((await run('task create --name x')).code).toBe(2);
  });

  it('timeline, output and events read the task alone', async () => {
    const output = entry(2, {
      eventType: 'output',
      eventData: { channel: 'stdout', text: 'hello\nworld\n' },
    });
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
    expect(JSON.parse((await run(`task output ${TASK_ID} --format json`)).out)).toEqual({
      taskId: TASK_ID,
      events: [output],
    });
  });

  it('says where the rest is of what the server gives the beginning of', async () => {
    const url = `/api/v1/blobs/${'a'.repeat(64)}`;
    const cut = { sha256: 'a'.repeat(64), url };
    const output = entry(2, {
      eventType: 'output',
      eventData: { channel: 'stdout', text: 'it begins' },
      truncated: [{ ...cut, field: 'eventData.text', bytes: 300_000 }],
    });
    const files = entry(3, {
      entryType: 'file_change',
      filesChanged: [{ path: 'a', action: 'A' }],
      truncated: [{ ...cut, field: 'filesChanged', bytes: 900_000, items: 20_000 }],
    });
    fake
      .on(`GET ${TASK}/output`, { taskId: TASK_ID, events: [output] })
      .on(`GET ${TASK}/history`, { entries: [files] });
    expect((await run(`task output ${TASK_ID}`)).out).toMatch(
      new RegExp(`^it begins\n… .+ in all: GET ${url}\n$`),
    );
    expect((await run(`task timeline ${TASK_ID}`)).out).toContain('A a, and 19,999 more');
  });

  it('checkpoints show numbers and commits, and files when asked', async () => {
    const checkpoint = {
      id: 'c',
      taskId: TASK_ID,
      checkpointNumber: 3,
      commitSha: 'a'.repeat(40),
      branchName: 'main',
      message: 'works',
      filesChanged: [{ path: 'src/a.ts', action: 'M', linesAdded: 2 }],
      linesAdded: 2,
      linesRemoved: 0,
      headSha: null,
      leftOut: [{ path: 'big.bin', reason: 'too_large' }],
      isSafe: true,
      createdAt: '2026-03-01T10:00:00Z',
    };
    fake.on(`GET ${TASK}/checkpoints`, { taskId: TASK_ID, checkpoints: [checkpoint] });
    const { out } = await run(`task checkpoints ${TASK_ID}`);
    expect(out).toContain('a'.repeat(40));
    expect(out).not.toContain('src/a.ts');
    expect((await run(`task checkpoints ${TASK_ID} --with-diff`)).out).toContain('      M src/a.ts +2\n');
    expect((await run(`task checkpoints ${TASK_ID} --with-diff`)).out).toContain(
      'not in it: big.bin (too large)\n',
    );
    expect((await run(`supervisor task-checkpoints ${TASK_ID} --with-diff`)).out).toContain('src/a.ts');
  });

  it('checkpoints have room on a screen of 80 columns, with a heading for each day', async () => {
    const checkpoint = (checkpointNumber: number, day: number) => ({
      ...{ id: 'c', taskId: TASK_ID, commitSha: 'ab'.repeat(20), branchName: 'main', headSha: null },
      ...{ linesAdded: 120, linesRemoved: 3, filesChanged: [], leftOut: [], isSafe: true },
      ...{ checkpointNumber, message: 'After a turn', createdAt: `2026-03-0${day}T10:00:00.000Z` },
    });
    fake.on(`GET ${TASK}/checkpoints`, {
      checkpoints: [checkpoint(3, 2), checkpoint(2, 1), checkpoint(1, 1)],
    });
    const { out } = await run(`task checkpoints ${TASK_ID}`, {
      terminal: { columns: 80 },
      env: { NO_COLOR: '1' },
    });
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    expect(lines.filter((one) => one.includes('day 2026-03-0'))).toHaveLength(2);
    expect(lines.every((one) => one.length <= 80)).toBe(true);
  });

  it('checkpoint-diff shows lines, sizes or names', async () => {
    const checkpoint = { checkpointNumber: 2, message: 'works' };
    const file = {
      path: 'src/a.ts',
      action: 'modified',
      renamedFrom: 'src/b.ts',
      additions: 1,
      deletions: 1,
      binary: false,
      cut: false,
      oldMode: '100644',
      newMode: '100755',
    };
    const lines = [
      { kind: 'context', text: 'same' },
      { kind: 'deleted', text: 'old' },
      { kind: 'added', text: 'new', noNewline: true },
    ];
    const hunk = { oldStart: 7, oldLines: 2, newStart: 7, newLines: 2, heading: 'f() {', lines };
    const added = {
      path: 'c.png',
      action: 'added',
      additions: 0,
      deletions: 0,
      binary: true,
      cut: false,
      hunks: [],
    };
    const stats = { filesChanged: 2, insertions: 1, deletions: 1 };
    const diff = { files: [{ ...file, hunks: [hunk] }, added], stats };
    fake.on(`GET ${TASK}/checkpoints/2/diff`, { checkpoint, diff });
    expect((await run(`task checkpoint-diff ${TASK_ID} 2`)).out).toBe(
      [
        'checkpoint 2 (works) against an empty folder',
        '',
        'M src/a.ts (was src/b.ts) +1 −1 mode 100644 → 100755',
        '@@ -7,2 +7,2 @@ f() {',
        ' same',
        '-old',
        '+new',
        '\\ no newline at the end',
        '',
        'A c.png binary',
        '',
        '2 files +1 −1',
        '',
      ].join('\n'),
    );
    expect((await run(`task checkpoint-diff ${TASK_ID} 2 --name-only`)).out).toBe(
      'M src/a.ts (was src/b.ts)\nA c.png\n',
    );
    const { out } = await run(`task checkpoint-diff ${TASK_ID} 2 --stat`);
    expect(out).toMatch(/^M src\/a\.ts \(was src\/b\.ts\) +2 +\+−$/m);
    expect(out).toMatch(/^A c\.png +binary$/m);
    await run(`task checkpoint-diff ${TASK_ID} 2 --against 1 --context 0`);
    expect(fake.last.query).toMatchObject({ against: '1', context: '0' });
  });

  it('is said to be missing by the server’s words', async () => {
    fake.on(`GET ${TASK}`, (_, response) =>
      problem(response, 404, 'NOT_FOUND', `There is no task ${TASK_ID}.`),
    );
    expect(await run(`task show ${TASK_ID}`)).toEqual({
      code: 3,
      out: '',
      err: `makima: There is no task ${TASK_ID}.\n  NOT_FOUND\n`,
    });
  });
});
