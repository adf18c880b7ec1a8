import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentGit, repositoryWith, writeAll, type AgentGit } from '#libs/testing/agent-git.js';
import { writeCommit } from './commits.js';
import { gitLine } from './git.js';
import { Hub } from './hub.js';
import { packOf } from './packs.js';
import { BranchRefused, createBranch, createBranchIn } from './people-branch.js';
import { RepositoryCache } from './repository-cache.js';
import type { ShadowRepository } from './shadow-repository.js';
import { openTaskFolder } from './task-folder.js';
import { headOf } from './task-head.js';

let base: string;
let folder: string;
let shadow: ShadowRepository;
let task: AgentGit;
let parent: string;
const AT = '2026-01-05T10:00:00Z';
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'makima-branch-')));
  folder = join(base, 'folder');
  const source = join(base, 'source');
  const origin = await repositoryWith(source, {
    '.gitattributes': '*.bat text eol=crlf\n*.txt text=auto\n*.bin -text\n*.big filter=lfs\nident ident\n',
    'run.bat': 'one\r\ntwo\r\n',
    'a.txt': 'a\n',
    'stored.txt': 'kept\n',
    'x.bin': 'x\r\n',
    ident: '$Id$\n',
    gone: 'gone\n',
  });
  origin('update-index', '--add', '--cacheinfo', `160000,${origin('rev-parse', 'HEAD')},module`);
  origin('commit', '-q', '-m', 'module');
  const cache = await new RepositoryCache(join(base, 'cache')).refresh(source);
  ({ shadow } = await openTaskFolder(cache, folder, join(base, 'shadow.git')));
  task = agentGit(folder);
  parent = task('rev-parse', 'HEAD');
});
afterEach(() => rm(base, { recursive: true }));

const branch = async (
  name: string,
): Promise<{ name: string; tree: string; parent: string; message: string; at: string }> => ({
  name,
  tree: (await shadow.capture()).tree,
  parent,
  message: 'what the agent did',
  at: AT,
});

it('commits what git itself would, ends of lines and all, and touches no file', async () => {
  expect(task('rev-parse', `${await createBranch(folder, shadow, await branch('same'))}^{tree}`)).toBe(
    task('rev-parse', 'HEAD^{tree}'),
  );
  await writeAll(folder, {
    'a.txt': 'changed\r\nlines\r\n',
    'new.txt': 'new\r\n',
    'run.bat': 'three\r\n',
    'x.bin': 'changed\r\n',
    'x.big': 'large\r\n',
    'sub/.gitattributes': '*.md text\n',
    'sub/read.md': 'read\r\n',
    '--option': 'x\n',
  });
  await rm(join(folder, 'gone'));
  const status = task('status', '--porcelain');
  const commit = await createBranch(folder, shadow, await branch('people/one'));
  expect([await headOf(folder), task('status', '--porcelain')]).toEqual([
    { branch: 'main', commit: parent },
    status,
  ]);
  expect(task('log', '--format=%H %P %s', '-1', 'people/one')).toBe(`${commit} ${parent} what the agent did`);
  task('add', '-A');
  task('commit', '-q', '-m', 'by git itself');
  expect(task('diff-tree', '-r', commit, 'HEAD')).toBe('');
});

it('makes the same branch again, and no other of its name', async () => {
  const commit = await createBranch(folder, shadow, await branch('one'));
  expect(await createBranch(folder, shadow, await branch('one'))).toBe(commit);
  await writeAll(folder, { new: 'new\n' });
  await expect(createBranch(folder, shadow, await branch('one'))).rejects.toBeInstanceOf(BranchRefused);
  await expect(createBranch(folder, shadow, await branch('one/two'))).rejects.toBeInstanceOf(BranchRefused);
  expect(task('rev-parse', 'one')).toBe(commit);
});

it.each(['', '-d', '--force', 'HEAD', 'a..b', 'a b', '../x', 'x.lock', 'a\n', 'refs/../x'])(
  'refuses the name %j',
  async (name) => {
    await expect(createBranch(folder, shadow, await branch(name))).rejects.toBeInstanceOf(BranchRefused);
    await expect(createBranchIn(shadow.place, await branch(name))).rejects.toBeInstanceOf(BranchRefused);
  },
);

it('does the same in a hub, from the commit of a checkpoint', async () => {
  await writeAll(folder, { 'new.txt': 'new\r\n' });
  const wanted = await branch('from the hub'.replaceAll(' ', '-'));
  const local = await createBranch(folder, shadow, wanted);
  const checkpoint = await writeCommit(shadow.place, {
    tree: wanted.tree,
    parents: [parent],
    message: 'c',
    at: AT,
  });
  const hub = await Hub.open(join(base, 'hub'));
  await hub.receive(packOf(shadow.place, checkpoint, []), {
    ref: 'refs/makima/checkpoints/1',
    commit: checkpoint,
  });
  const commit = await createBranchIn(hub.place, { ...wanted, tree: checkpoint });
  expect([commit, await createBranchIn(hub.place, { ...wanted, tree: checkpoint })]).toEqual([local, local]);
  expect(await gitLine(hub.place, ['cat-file', 'blob', `${wanted.name}:new.txt`])).toBe('new');
  const other = createBranchIn(hub.place, { ...wanted, message: 'another' });
  await expect(other).rejects.toBeInstanceOf(BranchRefused);
  const { name, message, at, tree } = wanted;
  const root = await createBranchIn(hub.place, { name: `${name}2`, message, at, tree, parent: null });
  expect(await gitLine(hub.place, ['rev-list', '--count', root])).toBe('1');
});
