import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand } from '../testing/run-command.js';
import { OTHER_TASK_ID, TASK_ID } from '../testing/samples.js';

const AT = '2026-03-01T10:00:00.000Z';
const maker = { messageId: 'm-1', seq: 4, toolName: 'Edit', toolCallId: 'x', branch: 2, isShown: false };
const origin = (taskId: string, checkpointNumber: number, madeBy: object | null, to: number) => ({
  commitSha: 'b'.repeat(40),
  path: 'src/a.ts',
  checkpoint: { id: 'c', taskId, checkpointNumber, message: 'works', createdAt: AT },
  messages: { from: 5, to },
  madeBy,
});
const blamed = {
  checkpointId: 'c',
  path: 'src/a.ts',
  lines: [
    { line: 1, text: 'import', origin: 0 },
    { line: 2, text: 'export', origin: 1 },
    { line: 3, text: '\tof the fork', origin: 1 },
    { line: 4, text: 'by a shell', origin: 2 },
    { line: 5, text: 'by nobody', origin: 3 },
  ],
  isCut: false,
  origins: [
    { commitSha: 'a'.repeat(40), path: 'src/a.ts', checkpoint: null, messages: null, madeBy: null },
    origin(OTHER_TASK_ID, 1, maker, 9),
    origin(TASK_ID, 2, null, 9),
    origin(TASK_ID, 3, null, 4),
  ],
};

describe('makima task blame', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake.on(`GET /api/v1/mesh/tasks/${TASK_ID}/checkpoints/3/blame`, blamed);
  });
  afterEach(() => fake.stop());

  const blame = (...words: readonly string[]) =>
    runCommand(fake.url, ['task', 'blame', TASK_ID, '3', 'src/a.ts', ...words], { env: { TZ: 'UTC' } });

  it('shows where each line comes from, and who made what', async () => {
    const { code, out } = await blame();
    expect([code, fake.last.query]).toEqual([0, { path: 'src/a.ts' }]);
    const lines = out.split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));
    expect(lines).toEqual([
      'line | from | text',
      '1 | aaaaaaaaaa | import',
      `2 | #1 of ${OTHER_TASK_ID} | export`,
      '3 | of the fork',
      '4 | #2 | by a shell',
      '5 | #3 | by nobody',
      '',
      'aaaaaaaaaa | was there before the first checkpoint',
      expect.stringMatching(`^#1 of ${OTHER_TASK_ID} \\| .* \\| works \\| src/a.ts$`),
      'made by Edit, message m-1 on branch 2, which was left',
      expect.stringMatching(/^#2 \| .* \| works \| src\/a\.ts$/),
      'no tool result names the file; it was made among messages 5 to 9',
      expect.stringMatching(/^#3 \| /),
      'no tool result names the file; no message was recorded since the checkpoint before',
      '',
    ]);
  });

  it('asks for one line, and says where there is none to show', async () => {
    await blame('--line', '4');
    expect(fake.last.query).toEqual({ path: 'src/a.ts', line: '4' });
    expect((await blame('--line', '0')).code).toBe(2);
    fake.on(`GET /api/v1/mesh/tasks/${TASK_ID}/checkpoints/3/blame`, { ...blamed, lines: [], origins: [] });
    expect(await blame()).toEqual({ code: 0, out: '', err: 'the file is empty\n' });
  });
});
