import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryWith, type AgentGit } from '#libs/testing/agent-git.js';
import { git, gitLine } from './git.js';
import { ShadowRepository } from './shadow-repository.js';
import { headOf, isBranchRef, keepCommit } from './task-head.js';

let base: string;
let folder: string;
let task: AgentGit;
let shadow: ShadowRepository;
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'makima-head-')));
  folder = join(base, 'a "quoted": folder');
  task = await repositoryWith(folder, { file: 'first\n' });
  shadow = await ShadowRepository.open(join(base, 'shadow'), folder);
});
afterEach(() => rm(base, { recursive: true }));

const own = (path: string): string => join(folder, '.git', path);

it('says the branch and the commit, loose, packed, through others, and at none', async () => {
  const commit = task('rev-parse', 'HEAD');
  expect(await headOf(folder)).toEqual({ branch: 'main', commit });
  task('branch', 'mai');
  task('branch', 'xmain');
  task('pack-refs', '--all');
  expect(await headOf(folder)).toEqual({ branch: 'main', commit });
  task('symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
  task('symbolic-ref', 'HEAD', 'refs/heads/alias');
  expect(await headOf(folder)).toEqual({ branch: 'alias', commit });
  task('checkout', '-q', '--detach', 'main');
  expect(await headOf(folder)).toEqual({ branch: null, commit });
  task('checkout', '-q', '--orphan', 'ünborn/x');
  expect(await headOf(folder)).toEqual({ branch: 'ünborn/x', commit: null });
});

it.each<readonly [string, () => Promise<unknown>]>([
  ['no repository', () => rm(own('.'), { recursive: true })],
  ['no HEAD', () => rm(own('HEAD'))],
  ['a HEAD that says nothing', () => writeFile(own('HEAD'), 'hello\n')],
  ['a HEAD that leads out', () => writeFile(own('HEAD'), 'ref: refs/heads/../../../secret\n')],
  ['a HEAD that looks like an option', () => writeFile(own('HEAD'), 'ref: refs/heads/--exec=x\n')],
  ['a HEAD of many bytes', () => writeFile(own('HEAD'), `ref: refs/heads/${'x'.repeat(5_000)}\n`)],
  ['a HEAD of no text', () => writeFile(own('HEAD'), Buffer.from('ref: refs/heads/\xff\n', 'latin1'))],
  [
    'a HEAD that is a link',
    async () => {
      await rename(own('HEAD'), join(base, 'HEAD'));
      await symlink(join(base, 'HEAD'), own('HEAD'));
    },
  ],
  [
    'a HEAD that is a pipe',
    async () => {
      await rm(own('HEAD'));
      execFileSync('mkfifo', [own('HEAD')]);
    },
  ],
  [
    'a .git that is a link',
    async () => {
      await rename(own('.'), join(base, 'elsewhere'));
      await symlink(join(base, 'elsewhere'), join(folder, '.git'));
    },
  ],
  [
    'a .git that is a file',
    async () => {
      await rename(own('.'), join(base, 'elsewhere'));
      await writeFile(join(folder, '.git'), `gitdir: ${join(base, 'elsewhere')}\n`);
    },
  ],
])('says nothing of %s', async (_, spoil) => {
  await spoil();
  expect(await headOf(folder)).toBeNull();
});

it('names no commit where a branch leads round, or is garbage', async () => {
  await writeFile(own('refs/heads/main'), 'ref: refs/heads/main\n');
  expect(await headOf(folder)).toEqual({ branch: 'main', commit: null });
  await writeFile(own('refs/heads/main'), '\0\0\0');
  expect(await headOf(folder)).toEqual({ branch: 'main', commit: null });
});

it.each(['a', 'a/b', 'ü', 'a.b', 'a@b', 'x-'])('takes %j for a branch, as git does', (name) => {
  expect(isBranchRef(`refs/heads/${name}`)).toBe(true);
  task('check-ref-format', '--branch', name);
});

it.each([
  '',
  '-a',
  'HEAD',
  'a..b',
  '.a',
  'a/.b',
  'a.lock',
  'a.lock/b',
  'a b',
  'a~1',
  'a^',
  'a:b',
  'a?',
  'a*',
  'a[',
  'a\\b',
  'a@{0}',
  '/a',
  'a/',
  'a//b',
  'a.',
  'a\n',
  'a\x7f',
])('takes %j for none, as git does', (name) => {
  expect(isBranchRef(`refs/heads/${name}`)).toBe(false);
  expect(() => task('check-ref-format', '--branch', name)).toThrow();
});

it('copies a commit with all that it leads to, so that it outlives the folder', async () => {
  task('commit', '-q', '--allow-empty', '-m', 'second');
  const commit = task('rev-parse', 'HEAD');
  expect(await keepCommit(shadow.place, folder, commit)).toBe(true);
  expect(await keepCommit(shadow.place, folder, commit)).toBe(true);
  await rm(own('.'), { recursive: true });
  await git({ gitDir: shadow.place.gitDir }, ['fsck', '--connectivity-only']);
  expect(await gitLine(shadow.place, ['cat-file', 'blob', `${commit}:file`])).toBe('first');
  expect(await readdir(join(base, 'shadow/objects/info')).catch(() => [])).not.toContain('alternates');
});

it('takes nothing that is not what its name says, or not whole', async () => {
  const blob = task('rev-parse', 'HEAD:file');
  const commit = task('rev-parse', 'HEAD');
  const path = (id: string): string => own(`objects/${id.slice(0, 2)}/${id.slice(2)}`);
  await writeFile(join(folder, 'other'), 'poison\n');
  const other = task('hash-object', '-w', 'other');
  await rename(path(other), path(blob));
  expect(await keepCommit(shadow.place, folder, commit)).toBe(false);
  await rm(path(blob));
  expect(await keepCommit(shadow.place, folder, commit)).toBe(false);
  expect(await keepCommit(shadow.place, folder, 'f'.repeat(40))).toBe(false);
  await writeFile(join(folder, 'file'), 'first\n');
  const { tree } = await shadow.capture();
  expect(await gitLine(shadow.place, ['cat-file', 'blob', `${tree}:file`])).toBe('first');
  expect(await readdir(join(base, 'shadow/incoming'))).toEqual([]);
});

it('believes no graph of commits that somebody else wrote', async () => {
  task('commit', '-q', '--allow-empty', '-m', 'second');
  task('commit-graph', 'write', '--reachable');
  const graph = own('objects/info/commit-graph');
  execFileSync('chmod', ['u+w', graph]);
  await writeFile(graph, 'CGPH no graph');
  expect(
    await keepCommit(shadow.place, folder, task('-c', 'core.commitGraph=false', 'rev-parse', 'HEAD')),
  ).toBe(true);
});
