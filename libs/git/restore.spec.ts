import { execFileSync } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentGit, repositoryWith, writeAll } from '#libs/testing/agent-git.js';
import { RestoreBlocked } from './restore.js';
import { ShadowRepository } from './shadow-repository.js';

let base: string;
let folder: string;
let shadow: ShadowRepository;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-restore-'));
  folder = join(base, 'work');
  await mkdir(folder);
  shadow = await ShadowRepository.open(join(base, 'shadow'), folder);
});
afterEach(() => rm(base, { recursive: true }));

type Files = Readonly<Record<string, string>>;
async function captured(files: Files, ...gone: readonly string[]): Promise<string> {
  await writeAll(folder, files);
  for (const path of gone) await rm(join(folder, path), { recursive: true });
  return (await shadow.capture()).tree;
}
const shown = (path: string): Promise<string | null> =>
  readFile(join(folder, path), 'utf8').catch(() => null);

it('keeps what was captured and is ignored where it goes', async () => {
  const before = await captured({
    '.gitignore': '.env\nout/\n*.log\n!kept.log\n',
    'sub/.gitignore': '/local\n/[*]\n/:(top)x\n',
    'sub/file': '1',
  });
  const ignored = {
    '.env': 'key',
    'out/deep/x': 'x',
    'a.log': 'a',
    'sub/local': 'local',
    'new/b.log': 'b',
    'sub/*': 'x',
    'sub/:(top)x': 'x',
  };
  const after = await captured(
    { ...ignored, 'kept.log': 'gone', 'sub/deep/local': 'gone', other: 'gone', '.gitignore': '' },
    'sub/.gitignore',
  );
  expect((await shadow.changes(before, after)).length).toBe(12);
  await shadow.restore(after, before);
  for (const [path, content] of Object.entries(ignored))
    expect([path, await shown(path)]).toEqual([path, content]);
  for (const path of ['kept.log', 'sub/deep/local', 'other'])
    expect([path, await shown(path)]).toEqual([path, null]);
  expect((await shadow.capture()).tree).toBe(before);
  // Forward again they stand where the captured ones go, and are the same.
  await rm(join(folder, '.env'));
  await writeAll(folder, { 'a.log': 'changed' });
  await expect(shadow.restore(before, after)).rejects.toBeInstanceOf(RestoreBlocked);
});

it('goes there and back where nothing that it kept was changed', async () => {
  const before = await captured({ '.gitignore': '.env\n', file: '1' });
  const after = await captured({ '.gitignore': '', '.env': 'key', file: '2' });
  await shadow.restore(after, before);
  await shadow.restore((await shadow.capture()).tree, after);
  expect([await shown('.env'), await shown('file'), (await shadow.capture()).tree]).toEqual([
    'key',
    '2',
    after,
  ]);
});

it('keeps what the folder’s own repository excludes', async () => {
  const before = await captured({ file: '1' });
  const after = await captured({ file: '2', secret: 'key' });
  agentGit(folder)('init', '-q', '.');
  await writeAll(folder, { '.git/info/exclude': 'secret\n' });
  await shadow.restore(after, before);
  expect([await shown('secret'), await shown('file')]).toEqual(['key', '1']);
});

it('removes what is ignored where a file of the tree itself goes', async () => {
  const before = await captured({ '.gitignore': 'x\ny\n' });
  await rm(join(folder, '.gitignore'));
  const other = await captured({ 'x/inside': '1', y: '1' });
  await writeAll(folder, { '.gitignore': '' });
  const task = await repositoryWith(join(base, 'forced'), {
    '.gitignore': 'x\ny\n',
    x: 'file',
    'y/inside': 'file',
  });
  const to = task('rev-parse', 'HEAD^{tree}');
  execFileSync('cp', ['-r', join(base, 'forced/.git/objects'), join(base, 'shadow')]);
  await rm(join(folder, '.gitignore'));
  await shadow.restore(other, to);
  expect([await shown('x'), await shown('y/inside'), before.length]).toEqual(['file', 'file', 40]);
});

it('obeys no .gitignore that is a link', async () => {
  await writeAll(base, { rules: 'secret\n' });
  await symlink(join(base, 'rules'), join(folder, '.gitignore'));
  const before = await captured({ file: '1' });
  const after = await captured({ secret: 'x' });
  await shadow.restore(after, before);
  expect(await shown('secret')).toBeNull();
});

it('names twenty of many files that stand in the way', async () => {
  const names = Array.from({ length: 30 }, (_, at) => `file${at}`);
  const before = await captured(Object.fromEntries(names.map((name) => [name, '1'])));
  const after = await captured({ '.gitignore': 'file*\n' }, ...names);
  await writeAll(folder, Object.fromEntries(names.map((name) => [name, 'not captured'])));
  const error: unknown = await shadow.restore(after, before).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RestoreBlocked);
  const { message, paths } = error as RestoreBlocked;
  expect([paths.length, message.match(/file\d+/g)?.length, message.includes('and 10 more')]).toEqual([
    30,
    20,
    true,
  ]);
});

it('leaves out a folder that became a repository after it was captured, and leaves it alone', async () => {
  const before = await captured({ 'lib/a': '1', 'lib/deep/b': '1', 'library/c': '1', file: '1' });
  const again = await ShadowRepository.open(join(base, 'shadow'), folder);
  await repositoryWith(join(folder, 'lib'), { a: '2' });
  for (const one of [shadow, again, again]) {
    const { tree, leftOut } = await one.capture();
    expect(leftOut).toEqual([{ path: 'lib', reason: 'nested_repository' }]);
    expect((await shadow.changes(before, tree)).map(({ path }) => path)).toEqual(['lib/a', 'lib/deep/b']);
    await expect(one.restore(tree, before)).rejects.toBeInstanceOf(RestoreBlocked);
  }
  await rm(join(folder, 'lib/.git'), { recursive: true });
  expect((await shadow.capture()).leftOut).toEqual([]);
  await writeAll(folder, { 'lib/a': '1' });
  expect((await shadow.capture()).tree).toBe(before);
});

it('captures a folder with something in it that is called .git and is none', async () => {
  await mkdir(join(folder, 'lib/.git'), { recursive: true });
  const before = await captured({ 'lib/a': '1', 'other/a': '1' });
  await writeAll(folder, { 'other/.git': 'not a link to a repository\n' });
  expect((await shadow.capture()).tree).toBe(before);
  expect((await shadow.capture()).leftOut).toEqual([]);
});

it('lists everything that it leaves out at once', async () => {
  const small = await ShadowRepository.open(join(base, 'shadow'), folder, { maxFileBytes: 10 });
  await writeAll(folder, {
    'new/file': '1',
    'new/deep/file': '1',
    'big/large': 'more than ten bytes',
    '.gitignore': 'ignored\n',
  });
  for (const path of ['new/empty/er', 'new/deep/empty', 'big/empty', 'ignored/empty', 'new/ignored/empty'])
    await mkdir(join(folder, path), { recursive: true });
  await repositoryWith(join(folder, 'new/nested'), { a: '1' });
  await repositoryWith(join(folder, 'big/nested'), { a: '1' });
  const { leftOut } = await small.capture();
  expect(leftOut).toEqual([
    { path: 'big/empty', reason: 'empty_folder' },
    { path: 'big/large', reason: 'too_large' },
    { path: 'big/nested', reason: 'nested_repository' },
    { path: 'new/deep/empty', reason: 'empty_folder' },
    { path: 'new/empty', reason: 'empty_folder' },
    { path: 'new/nested', reason: 'nested_repository' },
  ]);
  expect((await small.capture()).leftOut).toEqual(leftOut);
  expect((await lstat(join(folder, 'big/large'))).size).toBe(19);
});
