import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentGit, repositoryWith, writeAll, type AgentGit } from '#libs/testing/agent-git.js';
import { git, gitLine } from './git.js';
import { RepositoryCache } from './repository-cache.js';
import type { ShadowRepository } from './shadow-repository.js';
import { openTaskFolder } from './task-folder.js';
import { headOf, keepCommit } from './task-head.js';
import { moveTaskRepository, TaskRepositoryUnusable } from './task-repository.js';

let base: string;
let folder: string;
let shadow: ShadowRepository;
let task: AgentGit;
let first: string;
let tree: string;
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'makima-move-')));
  folder = join(base, 'folder');
  await repositoryWith(join(base, 'source'), { 'src/a': 'a\n', 'src/b': 'b\n' });
  const cache = await new RepositoryCache(join(base, 'cache')).refresh(join(base, 'source'));
  ({ shadow } = await openTaskFolder(cache, folder, join(base, 'shadow.git')));
  task = agentGit(folder);
  first = task('rev-parse', 'HEAD');
  ({ tree } = await shadow.capture());
});
afterEach(() => rm(base, { recursive: true }));

const own = (path: string): string => join(folder, '.git', path);

async function second(): Promise<string> {
  await writeAll(folder, { 'src/a': 'second\n', new: 'new\n' });
  task('add', '-A');
  task('commit', '-q', '-m', 'second');
  return task('rev-parse', 'HEAD');
}

it('takes the branch back after a restore, and forgets nothing', async () => {
  const later = await second();
  await shadow.restore((await shadow.capture()).tree, tree);
  const to = { branch: 'main', commit: first };
  await moveTaskRepository(folder, shadow, to);
  await moveTaskRepository(folder, shadow, to);
  expect([await headOf(folder), task('status', '--porcelain'), task('diff-files', '--name-only')]).toEqual([
    to,
    '',
    '',
  ]);
  expect((await shadow.capture()).tree).toBe(tree);
  task('reflog', 'expire', '--expire=now', '--all');
  task('gc', '-q', '--prune=now');
  expect(await gitLine(shadow.place, ['cat-file', 'blob', `${later}:new`])).toBe('new');
});

it('brings back a commit that was collected, to a branch that is gone', async () => {
  const later = await second();
  const after = await shadow.capture();
  await keepCommit(shadow.place, folder, later);
  task('checkout', '-q', '-b', 'other/branch', first);
  task('branch', '-D', 'main');
  task('reflog', 'expire', '--expire=now', '--all');
  task('gc', '-q', '--prune=now');
  expect(() => task('cat-file', '-e', later)).toThrow();
  await shadow.restore((await shadow.capture()).tree, after.tree);
  await moveTaskRepository(folder, shadow, { branch: 'main', commit: later });
  expect([task('rev-parse', 'main'), task('status', '--porcelain')]).toEqual([later, '']);
  task('fsck', '--strict');
  await rename(join(base, 'cache'), join(base, 'no cache'));
  await rename(join(base, 'shadow.git'), join(base, 'no shadow'));
  task('fsck', '--strict');
});

it('shows as changed what is changed, and reads no file', async () => {
  await writeAll(folder, { 'src/a': 'not committed\n', untracked: 'x\n' });
  const captured = await shadow.capture();
  const old = new Date('2020-02-02T02:02:02Z');
  await utimes(join(folder, 'src/b'), old, old);
  await moveTaskRepository(folder, shadow, { branch: 'main', commit: first });
  expect(task('status', '--porcelain')).toBe(' M src/a\n?? untracked');
  expect(await readFile(join(folder, 'src/a'), 'utf8')).toBe('not committed\n');
  expect((await shadow.capture()).tree).toBe(captured.tree);
});

it('clears what killed processes and a merge under way have left', async () => {
  for (const path of ['index.lock', 'HEAD.lock', 'refs/heads/main.lock', 'packed-refs.lock', 'MERGE_HEAD'])
    await writeFile(own(path), '');
  await mkdir(own('rebase-merge'));
  await writeFile(own('refs/heads/main'), '');
  await moveTaskRepository(folder, shadow, { branch: 'main', commit: first });
  expect(task('status')).toContain('working tree clean');
  task('commit', '-q', '--allow-empty', '-m', 'goes on');
});

it('can be at no branch, and at one without commits', async () => {
  await moveTaskRepository(folder, shadow, { branch: null, commit: first });
  expect(await headOf(folder)).toEqual({ branch: null, commit: first });
  await moveTaskRepository(folder, shadow, { branch: 'unborn', commit: null });
  expect([await headOf(folder), task('ls-files')]).toEqual([{ branch: 'unborn', commit: null }, '']);
});

it('makes a repository where the agent has deleted it', async () => {
  await rm(own('.'), { recursive: true });
  await moveTaskRepository(folder, shadow, { branch: 'main', commit: first });
  expect([task('rev-parse', 'HEAD'), task('status', '--porcelain')]).toEqual([first, '']);
});

it.each(['.git', '.git/objects', '.git/refs', '.git/refs/heads', '.git/objects/pack'])(
  'writes through no link at %s',
  async (path) => {
    await rename(join(folder, path), join(base, 'outside'));
    await symlink(join(base, 'outside'), join(folder, path));
    const moved = moveTaskRepository(folder, shadow, { branch: 'main', commit: first });
    await expect(moved).rejects.toBeInstanceOf(TaskRepositoryUnusable);
  },
);

it('writes through no link below the branches', async () => {
  await mkdir(join(base, 'outside'));
  await writeFile(join(base, 'outside/file'), 'precious\n');
  await symlink(join(base, 'outside'), own('refs/heads/x'));
  const moved = moveTaskRepository(folder, shadow, { branch: 'x/file', commit: first });
  await expect(moved).rejects.toBeInstanceOf(TaskRepositoryUnusable);
  await symlink(join(base, 'outside/file'), own('refs/heads/y'));
  await moveTaskRepository(folder, shadow, { branch: 'y', commit: first });
  expect(await readFile(join(base, 'outside/file'), 'utf8')).toBe('precious\n');
  expect(task('rev-parse', 'y')).toBe(first);
});

it.each(['-d', '--stdin', 'HEAD', '../../config', 'a..b', 'x.lock'])(
  'takes %j for no branch',
  async (branch) => {
    await expect(moveTaskRepository(folder, shadow, { branch, commit: first })).rejects.toThrow(
      'not the name of a branch',
    );
  },
);

it('refuses a branch where another stands, and a commit that it does not have', async () => {
  task('branch', 'a/b');
  await expect(moveTaskRepository(folder, shadow, { branch: 'a', commit: first })).rejects.toThrow(
    'git update-ref',
  );
  const unknown = { branch: 'main', commit: 'f'.repeat(40) };
  await expect(moveTaskRepository(folder, shadow, unknown)).rejects.toThrow('pack-objects');
  expect([await headOf(folder), existsSync(own('HEAD.lock'))]).toEqual([
    { branch: 'main', commit: first },
    false,
  ]);
  await git({ gitDir: own('.') }, ['fsck']);
});
