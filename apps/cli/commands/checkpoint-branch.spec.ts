import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand } from '../testing/run-command.js';
import { TASK_ID } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;

describe('makima task branch', () => {
  let fake: FakeMakima;
  let base: string;
  let clone: string;
  let made: { readonly commitSha: string; readonly parentSha: string };

  const git = (folder: string, ...args: readonly string[]): string =>
    execFileSync('git', [
      '-C',
      join(base, folder),
      '-c',
      'user.name=n',
      '-c',
      'user.email=e@localhost',
      ...args,
    ])
      .toString()
      .trim();

  beforeEach(async () => {
    fake = await FakeMakima.start();
    base = await mkdtemp(join(tmpdir(), 'makima-cli-branch-'));
    execFileSync('git', ['init', '-q', join(base, 'agent')]);
    git('agent', 'commit', '-q', '--allow-empty', '-m', 'first');
    execFileSync('git', ['clone', '-q', join(base, 'agent'), join(base, 'clone')]);
    clone = join(base, 'clone');
    git('agent', 'checkout', '-q', '-b', 'try-this');
    git('agent', 'commit', '-q', '--allow-empty', '-m', 'by the agent');
    git('agent', 'bundle', 'create', '-q', '../bundle', 'try-this');
    const bundle = await readFile(join(base, 'bundle'));
    made = { commitSha: git('agent', 'rev-parse', 'HEAD'), parentSha: git('agent', 'rev-parse', 'HEAD^') };
    fake
      .on(`POST ${TASK}/checkpoints/3/branch`, { taskId: TASK_ID, branchName: 'try-this', ...made })
      .on(`GET ${TASK}/bundle`, (_, response: ServerResponse) => void response.writeHead(200).end(bundle));
  });
  afterEach(async () => {
    await fake.stop();
    await rm(base, { recursive: true });
  });

  const branch = (...words: readonly string[]) =>
    runCommand(fake.url, ['task', 'branch', TASK_ID, '3', 'try-this', ...words]);

  it('makes it, and says how to get it', async () => {
    const { code, out, err } = await branch('--checkout');
    expect(fake.last.body).toEqual({ branchName: 'try-this', checkout: true, dryRun: false });
    const [tip, parent] = [made.commitSha.slice(0, 10), made.parentSha.slice(0, 10)];
    expect({ code, out }).toEqual({
      code: 0,
      out: `✓ made branch try-this at ${tip}, based on ${parent}\n✓ asked for it to be checked out in the task’s folder\n`,
    });
    expect(err).toContain(`makima task branch ${TASK_ID} 3 try-this --into <clone>`);
  });

  it('fetches it into a clone, without what is there', async () => {
    const { code, out, err } = await branch('--into', clone);
    expect({ code, err }).toEqual({ code: 0, err: `look at it with: git -C ${clone} log try-this\n` });
    expect(out).toContain(`✓ fetched it into ${clone}\n`);
    expect(fake.last.query).toEqual({ branchName: 'try-this', have: made.parentSha });
    expect(git('clone', 'log', '--format=%s', 'try-this')).toBe('by the agent\nfirst');
  });

  it('never forces a branch that is there', async () => {
    git('clone', 'checkout', '-q', '-b', 'try-this');
    git('clone', 'commit', '-q', '--allow-empty', '-m', 'mine');
    git('clone', 'checkout', '-q', '-');
    const { code, err } = await branch('--into', clone);
    expect([code, err]).toEqual([4, expect.stringContaining('git did not take the branch into')]);
    expect(git('clone', 'log', '-1', '--format=%s', 'try-this')).toBe('mine');
  });

  it('makes nothing where there is nothing to fetch into, nor in a dry run', async () => {
    await writeFile(join(base, 'file'), '');
    expect((await branch('--into', base)).code).toBe(4);
    expect((await branch('--into', join(base, 'none'))).code).toBe(4);
    expect(fake.seen).toEqual([]);
    const { out } = await branch('--into', clone, '--dry-run');
    expect(out).toMatch(/^would make branch try-this at .* \(dry run: nothing was changed\)\n$/);
    expect(fake.asked).toEqual([`POST ${TASK}/checkpoints/3/branch`]);
  });
});
