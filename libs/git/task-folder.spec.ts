import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentGit, repositoryWith, writeAll, type AgentGit } from '#libs/testing/agent-git.js';
import { pin, writeCommit } from './commits.js';
import { git, gitLine } from './git.js';
import { RepositoryCache } from './repository-cache.js';
import { openTaskFolder, type TaskFolder } from './task-folder.js';

let base: string;
let source: string;
let origin: AgentGit;
let cache: RepositoryCache;
const FILES = {
  'src/a': 'a\n',
  'src/b': 'b\n',
  'ignored.log': 'tracked all the same\n',
  '.gitignore': '*.log\n',
};
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'makima-folder-')));
  source = join(base, 'source');
  origin = await repositoryWith(source, FILES);
  cache = new RepositoryCache(join(base, 'cache'));
});
afterEach(() => rm(base, { recursive: true }));

const folder = (): string => join(base, 'task/folder');
const shadowDir = (): string => join(base, 'task/shadow.git');

async function opened(): Promise<TaskFolder> {
  return openTaskFolder(await cache.refresh(source), folder(), shadowDir());
}

it('is what git clone makes', async () => {
  origin('tag', '-a', 'v1', '-m', 'v1');
  origin('branch', 'feature/x');
  await opened();
  agentGit(base)('clone', '-q', source, 'plain');
  const [ours, plain] = [agentGit(folder()), agentGit(join(base, 'plain'))];
  for (const question of [
    ['status', '--porcelain', '--branch'],
    ['for-each-ref'],
    ['rev-parse', 'HEAD'],
    ['symbolic-ref', 'HEAD'],
    ['remote', '-v'],
    ['ls-files', '-s'],
    ['config', 'branch.main.merge'],
  ])
    expect([question, ours(...question)]).toEqual([question, plain(...question)]);
  expect(await readdir(join(folder(), '.git/hooks')).catch(() => [])).toEqual([]);
  ours('fsck', '--strict');
});

it('begins with a capture that is the tree of HEAD, and writes nothing', async () => {
  const { shadow, isNew } = await opened();
  const { tree, leftOut } = await shadow.capture();
  expect([isNew, tree, leftOut]).toEqual([true, origin('rev-parse', 'HEAD^{tree}'), []]);
  expect(await gitLine(shadow.place, ['count-objects'])).toBe('0 objects, 0 kilobytes');
  await writeAll(folder(), { 'ignored.log': 'changed\n' });
  const after = await shadow.capture();
  expect((await shadow.changes(tree, after.tree)).map(({ path }) => path)).toEqual(['ignored.log']);
});

it('captures what is there where git writes other bytes than it stores', async () => {
  await writeAll(source, {
    '.gitattributes': '*.bat text eol=crlf\nident ident\nutf16 working-tree-encoding=UTF-16LE\n',
    'run.bat': 'one\ntwo\n',
    ident: '$Id$\n',
    utf16: Buffer.from('text\n', 'utf16le'),
  });
  origin('add', '.');
  origin('commit', '-q', '-m', 'attributes');
  const { shadow } = await opened();
  expect(await readFile(join(folder(), 'run.bat'), 'utf8')).toBe('one\r\ntwo\r\n');
  const { tree } = await shadow.capture();
  for (const path of ['run.bat', 'ident', 'utf16', 'src/a'])
    expect([path, await git(shadow.place, ['cat-file', 'blob', `${tree}:${path}`])]).toEqual([
      path,
      await readFile(join(folder(), path)),
    ]);
  expect(agentGit(folder())('status', '--porcelain')).toBe('');
});

it('leaves submodules alone', async () => {
  const id = origin('rev-parse', 'HEAD');
  origin('update-index', '--add', '--cacheinfo', `160000,${id},module`);
  await writeAll(source, {
    '.gitmodules': '[submodule "module"]\n\tpath = module\n\turl = ext::sh -c "touch ran"\n',
  });
  origin('add', '.gitmodules');
  origin('commit', '-q', '-m', 'module');
  const { shadow } = await opened();
  const { tree } = await shadow.capture();
  expect(await gitLine(shadow.place, ['ls-tree', '--name-only', tree])).not.toContain('module\n');
  expect(await readdir(join(folder(), 'module'))).toEqual([]);
});

it('keeps the cache from whoever writes into the task’s objects', async () => {
  await opened();
  const packs = join(folder(), '.git/objects/pack');
  for (const name of await readdir(packs)) {
    const path = join(packs, name);
    expect((await lstat(path)).nlink).toBe(1);
    await chmod(path, 0o600);
    await writeFile(path, 'spoilt');
  }
  const { place, head } = (await cache.kept(source))!;
  expect(await gitLine(place, ['cat-file', 'blob', `${head.commit}:src/a`])).toBe('a');
  // A hard link, as a plain local clone makes, would have spoilt both.
  await link(join(base, 'source/src/a'), join(base, 'linked'));
  await writeFile(join(base, 'linked'), 'spoilt');
  expect(await readFile(join(source, 'src/a'), 'utf8')).toBe('spoilt');
});

it('is made again where a killed process had begun, and left alone where it is', async () => {
  await mkdir(`${folder()}.making/.git/objects`, { recursive: true });
  await writeFile(`${folder()}.making/half`, '');
  expect((await opened()).isNew).toBe(true);
  expect(await readdir(join(base, 'task'))).toEqual(['folder', 'shadow.git']);
  await writeFile(join(folder(), 'new'), 'work\n');
  const { isNew, shadow } = await opened();
  const { tree } = await shadow.capture();
  expect([isNew, await gitLine(shadow.place, ['cat-file', 'blob', `${tree}:new`])]).toEqual([false, 'work']);
});

it('is an empty folder without a repository', async () => {
  const { shadow, isNew } = await openTaskFolder(null, folder(), shadowDir());
  expect([isNew, await readdir(folder()), (await shadow.capture()).leftOut]).toEqual([true, [], []]);
});

it('can begin at another commit, of a repository without one, and of one at no branch', async () => {
  const first = origin('rev-parse', 'HEAD');
  origin('commit', '-q', '--allow-empty', '-m', 'second');
  const kept = await cache.refresh(source);
  await openTaskFolder(kept, folder(), shadowDir(), { head: { branch: 'other', commit: first } });
  expect(agentGit(folder())('log', '--format=%H', 'other')).toBe(first);
  agentGit(base)('init', '-q', '-b', 'trunk', 'none');
  const none = await cache.refresh(join(base, 'none'));
  await openTaskFolder(none, join(base, 'b/folder'), join(base, 'b/shadow.git'));
  expect(agentGit(join(base, 'b/folder'))('status', '--porcelain')).toBe('');
  origin('checkout', '-q', '--detach', first);
  await openTaskFolder(await cache.refresh(source), join(base, 'c/folder'), join(base, 'c/shadow.git'));
  expect(agentGit(join(base, 'c/folder'))('rev-parse', 'HEAD')).toBe(first);
});

it('keeps every checkpoint through a collection of garbage in the task’s repository', async () => {
  const { shadow } = await opened();
  const task = agentGit(folder());
  await writeAll(folder(), { 'src/a': 'changed\n', new: 'new\n' });
  task('add', '-A');
  task('commit', '-q', '-m', 'work');
  const lost = task('rev-parse', 'HEAD');
  const { tree } = await shadow.capture();
  const checkpoint = await writeCommit(shadow.place, {
    tree,
    parents: [],
    message: 'c',
    at: '2026-01-05T10:00:00Z',
  });
  await pin(shadow.place, 'refs/makima/checkpoints/1', checkpoint);
  task('checkout', '-q', '--orphan', 'empty');
  task('branch', '-D', 'main');
  task('update-ref', '-d', 'refs/remotes/origin/main');
  task('update-ref', '-d', 'refs/remotes/origin/HEAD');
  task('rm', '-q', '-r', '-f', '.');
  task('reflog', 'expire', '--expire=now', '--all');
  task('gc', '-q', '--prune=now');
  expect(() => task('cat-file', '-e', lost)).toThrow();
  await git(shadow.place, ['fsck', '--connectivity-only']);
  for (const [path, content] of [
    ['src/a', 'changed'],
    ['src/b', 'b'],
    ['new', 'new'],
  ])
    expect(await gitLine(shadow.place, ['cat-file', 'blob', `${checkpoint}:${path}`])).toBe(content);
});

it('captures what is added in spite of being ignored, and nothing that an index invents', async () => {
  const { shadow } = await opened();
  const before = await shadow.capture();
  await writeAll(folder(), { 'secret.log': 'no\n', 'wanted.log': 'yes\n', 'deep/er/wanted.log': 'yes\n' });
  const task = agentGit(folder());
  task('add', '-f', 'wanted.log', 'deep/er/wanted.log');
  const after = await shadow.capture();
  const paths = async (): Promise<readonly string[]> =>
    (await shadow.changes(before.tree, (await shadow.capture()).tree)).map(({ path }) => path);
  expect((await shadow.changes(before.tree, after.tree)).map(({ path }) => path)).toEqual([
    'deep/er/wanted.log',
    'wanted.log',
  ]);
  await writeAll(folder(), { 'wanted.log': 'still followed\n' });
  expect((await shadow.capture()).tree).not.toBe(after.tree);
  await rm(join(folder(), 'deep'), { recursive: true });
  await writeFile(join(folder(), '.git/index'), 'no index');
  expect(await paths()).toEqual(['wanted.log']);
});
