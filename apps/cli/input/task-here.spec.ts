import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand } from '../testing/run-command.js';
import { contract, CONTRACT_ID, task, TASK_ID } from '../testing/samples.js';
import { taskHere } from './task-here.js';

describe('the task whose folder this is', () => {
  const folder = `/home/a/.makima/daemon/tasks/${TASK_ID}/folder`;

  it.each([
    [folder, TASK_ID],
    [`${folder}/src/deep`, TASK_ID],
    [`${folder}/daemon/tasks/x/folder`, TASK_ID],
    [`/home/a/.makima/daemon/tasks/${TASK_ID}`, undefined],
    [`/home/a/.makima/daemon/tasks/${TASK_ID}/spool`, undefined],
    ['/home/a/.makima/daemon/tasks/none/folder', undefined],
    [`/home/a/tasks/${TASK_ID}/folder`, undefined],
    ['/', undefined],
    ['', undefined],
  ])('%s: %s', (path, taskId) => expect(taskHere(path)).toBe(taskId));

  describe('is found by commands', () => {
    const from = process.cwd();
    let home: string;
    let fake: FakeMakima;
    beforeEach(async () => {
      home = realpathSync(mkdtempSync(join(tmpdir(), 'makima-here-')));
      const deep = join(home, 'daemon/tasks', TASK_ID, 'folder/src');
      mkdirSync(deep, { recursive: true });
      process.chdir(deep);
      fake = await FakeMakima.start();
      fake
        .on(`GET /api/v1/mesh/tasks/${TASK_ID}`, task())
        .on(`GET /api/v1/contracts/${CONTRACT_ID}`, contract())
        .on('POST /api/v1/mesh/tasks', task());
    });
    afterEach(async () => {
      process.chdir(from);
      rmSync(home, { recursive: true });
      await fake.stop();
    });

    it('as .', async () => {
      const { out } = await runCommand(fake.url, ['task', 'show', '.']);
      expect(out).toContain(TASK_ID);
      process.chdir(home);
      expect(await runCommand(fake.url, ['task', 'show', '.'])).toMatchObject({ code: 2 });
    });

    it('with its contract, unless another one is named', async () => {
      const { out } = await runCommand(fake.url, ['contract', 'show']);
      expect(out).toContain(CONTRACT_ID);
      await runCommand(fake.url, ['task', 'create', '--name', 'n', '--plan', 'p']);
      expect(fake.last.body).toMatchObject({ contractId: CONTRACT_ID });
      const other = '0190a1b2-0000-7000-8000-000000000002';
      fake.on(`GET /api/v1/contracts/${other}`, contract({ id: other }));
      const named = await runCommand(fake.url, ['contract', 'show'], { env: { MAKIMA_CONTRACT_ID: other } });
      expect(named.out).toContain(other);
      process.chdir(home);
      expect(await runCommand(fake.url, ['contract', 'show'])).toMatchObject({ code: 2 });
    });
  });
});
