import { execFileSync } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { EMPTY_TREE } from './changes.js';
import { RestoreBlocked } from './restore.js';
import { ShadowRepository } from './shadow-repository.js';

let base: string;
let folder: string;
let shadow: ShadowRepository;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-shadow-'));
  folder = join(base, 'work');
  await mkdir(folder);
  shadow = await ShadowRepository.open(join(base, 'shadow'), folder);
});
afterEach(() => rm(base, { recursive: true }));

const at = (path: string): string => join(folder, path);

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), content);
}

/** A repository of the agent's own making, in the folder or below it. */
function repository(path = '.'): (...args: readonly string[]) => string {
  const run = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=agent', '-c', 'user.email=agent@example.org', ...args], {
      cwd: at(path),
      encoding: 'utf8',
      stdio: 'pipe',
    });
  run('init', '-q', '-b', 'main', '.');
  return run;
}

const shown = async (path: string): Promise<string> => readFile(at(path), 'utf8');
const isThere = (path: string): Promise<boolean> =>
  lstat(at(path)).then(
    () => true,
    () => false,
  );

it('captures everything that is there, whoever made it, and puts it back', async () => {
  await write('kept', 'same\n');
  await write('src/changed', 'before\n');
  await write('gone later', 'here\n');
  const before = await shadow.capture();
  await write('src/changed', 'after\n');
  await write('new/deep/file', 'new\n');
  await rm(at('gone later'));
  const after = await shadow.capture();
  expect((await shadow.changes(before.tree, after.tree)).map(({ path, action }) => [path, action])).toEqual([
    ['gone later', 'deleted'],
    ['new/deep/file', 'added'],
    ['src/changed', 'modified'],
  ]);
  await shadow.restore(after.tree, before.tree);
  expect([await shown('src/changed'), await shown('gone later'), await isThere('new')]).toEqual([
    'before\n',
    'here\n',
    false,
  ]);
  expect((await shadow.capture()).tree).toBe(before.tree);
});

describe('what goes there and back', () => {
  it.each<readonly [string, () => Promise<void>]>([
    ['bytes that are no text', () => write('file', Buffer.from([0, 255, 13, 10, 0xc3, 0x28]))],
    [
      'CRLF, whatever the attributes say',
      async () => {
        await write(
          '.gitattributes',
          '* text=auto eol=crlf ident\n*.bin filter=lfs diff=lfs merge=lfs -text\n',
        );
        await write('file', 'one\r\ntwo\n$Id$\n');
        await write('file.bin', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n');
      },
    ],
    ['a symlink out of the folder', () => symlink('/etc/passwd', at('file'))],
    ['a symlink that leads nowhere', () => symlink('../nowhere', at('file'))],
    [
      'an executable file',
      async () => {
        await write('file', '#!/bin/sh\n');
        await chmod(at('file'), 0o755);
      },
    ],
    [
      'names that look like options, and have newlines, tabs, quotes',
      async () => {
        for (const name of ['-rf', '--exec=x', 'new\nline', 'tab\t', '"quoted"', 'b\\slash', ':(top)x', '*'])
          await write(name, name);
      },
    ],
    [
      'names that are not ASCII',
      async () => {
        for (const name of ['é composed', 'e\u0301 decomposed', '日本', '👩‍💻']) await write(name, name);
      },
    ],
    [
      'a file where a folder was',
      async () => {
        await rm(at('file'), { recursive: true, force: true });
        await write('file', 'now a file');
      },
    ],
    [
      'a folder where a file was',
      async () => {
        await rm(at('other'), { recursive: true, force: true });
        await write('other/inside', 'now a folder');
      },
    ],
    ['a name in another case', () => rename(at('other'), at('OTHER'))],
    ['3 MB', () => write('file', Buffer.alloc(3_000_000, 'abc'))],
    [
      'a file that is tracked in spite of .gitignore',
      async () => {
        await write('.gitignore', 'other\n');
        await write('other', 'changed all the same');
      },
    ],
  ])('%s', async (_, change) => {
    await write('file/in a folder', 'first\n');
    await write('other', 'first\n');
    const before = await shadow.capture();
    await rm(at('file'), { recursive: true });
    await change();
    const after = await shadow.capture();
    expect(after.leftOut).toEqual([]);
    const state = await snapshotOf();
    await shadow.restore(after.tree, before.tree);
    expect((await shadow.capture()).tree).toBe(before.tree);
    await shadow.restore(before.tree, after.tree);
    expect((await shadow.capture()).tree).toBe(after.tree);
    expect(await snapshotOf()).toEqual(state);
  });
});

/** Names, modes and contents of all files, read without git. */
async function snapshotOf(): Promise<readonly (readonly string[])[]> {
  const names = execFileSync('find', ['.', '-not', '-type', 'd', '-print0'], {
    cwd: folder,
    encoding: 'latin1',
  });
  const files: string[][] = [];
  for (const name of names.split('\0').filter(Boolean).sort()) {
    const path = Buffer.from(`${folder}/${Buffer.from(name, 'latin1').toString('utf8')}`);
    const found = await lstat(path);
    const content = found.isSymbolicLink() ? await readlink(path) : (await readFile(path)).toString('hex');
    files.push([name, String(found.mode & 0o111), content]);
  }
  return files;
}

it('neither reads, changes nor deletes what is ignored', async () => {
  await write('.gitignore', 'secret\nbuild/\n');
  await write('tracked', '1');
  const before = await shadow.capture();
  await write('secret', 'key');
  await write('build/out', 'artifact');
  await write('tracked', '2');
  const after = await shadow.capture();
  expect((await shadow.changes(before.tree, after.tree)).map(({ path }) => path)).toEqual(['tracked']);
  await shadow.restore(after.tree, before.tree);
  expect([await shown('secret'), await shown('build/out'), await shown('tracked')]).toEqual([
    'key',
    'artifact',
    '1',
  ]);
});

it('leaves unchanged files alone: their times stay', async () => {
  await write('kept', 'same');
  await write('changed', '1');
  const long = new Date('2020-02-02T02:02:02Z');
  await utimes(at('kept'), long, long);
  const before = await shadow.capture();
  await write('changed', '2');
  await shadow.restore((await shadow.capture()).tree, before.tree);
  expect((await lstat(at('kept'))).mtime).toEqual(long);
});

it('says what it left out', async () => {
  await write('kept', '1');
  await mkdir(at('empty'));
  await write('nested/file', 'x');
  repository('nested');
  await write('bare repository/HEAD', 'ref: refs/heads/main\n');
  const small = await ShadowRepository.open(join(base, 'shadow'), folder, { maxFileBytes: 10 });
  await write('large', 'more than ten bytes');
  const { tree, leftOut } = await small.capture();
  expect(leftOut).toEqual([
    { path: 'bare repository/HEAD', reason: 'too_large' },
    { path: 'empty', reason: 'empty_folder' },
    { path: 'large', reason: 'too_large' },
    { path: 'nested', reason: 'nested_repository' },
  ]);
  expect((await small.changes(EMPTY_TREE, tree)).map(({ path }) => path)).toEqual(['kept']);
});

it('changes nothing when a file that no capture holds is in the way', async () => {
  await write('file', '1');
  await write('other', '1');
  const before = await shadow.capture();
  await rm(at('file'));
  await write('other', '2');
  await write('.gitignore', 'file\n');
  const after = await shadow.capture();
  await write('file', 'never captured: it is ignored now');
  await expect(shadow.restore(after.tree, before.tree)).rejects.toEqual(new RestoreBlocked(['file']));
  expect([await shown('file'), await shown('other')]).toEqual(['never captured: it is ignored now', '2']);
});

it('leaves out what git takes no name of, and says so', async () => {
  for (const path of ['git~1', '.GIT/data', 'sub/.Git/x', '.git /z', 'kept']) await write(path, path);
  const { tree, leftOut } = await shadow.capture();
  const held = (await shadow.changes(EMPTY_TREE, tree)).map(({ path }) => path);
  expect([...held, ...leftOut.map(({ path }) => path)].sort()).toEqual(
    ['git~1', '.GIT/data', 'sub/.Git/x', '.git /z', 'kept'].sort(),
  );
  expect(leftOut).toContainEqual({ path: 'sub/.Git/x', reason: 'refused_name' });
});

it('leaves alone what the folder’s own repository excludes', async () => {
  repository();
  await write('.git/info/exclude', 'secret\n');
  await write('secret', 'key');
  const { tree } = await shadow.capture();
  await shadow.restore(tree, EMPTY_TREE);
  expect(await shown('secret')).toBe('key');
});

it('goes on where a git was killed', async () => {
  await write('file', '1');
  await shadow.capture();
  await writeFile(join(base, 'shadow/index.lock'), '');
  expect((await shadow.capture()).leftOut).toEqual([]);
});

it('changes nothing where a link took the place of a folder that it would write into', async () => {
  await write('p/a', '1');
  await write('p/b', '2');
  const before = await shadow.capture();
  await write('p/a', '11');
  const after = await shadow.capture();
  await rm(at('p'), { recursive: true });
  await mkdir(join(base, 'outside'));
  await symlink(join(base, 'outside'), at('p'));
  await expect(shadow.restore(after.tree, before.tree)).rejects.toEqual(new RestoreBlocked(['p']));
  expect(await readlink(at('p'))).toBe(join(base, 'outside'));
});

it('never writes through a symlink', async () => {
  await write('folder/file', 'inside');
  const before = await shadow.capture();
  await rm(at('folder'), { recursive: true });
  await mkdir(join(base, 'outside'));
  await symlink(join(base, 'outside'), at('folder'));
  const after = await shadow.capture();
  await shadow.restore(after.tree, before.tree);
  expect([await shown('folder/file'), await lstat(join(base, 'outside/file')).catch(() => null)]).toEqual([
    'inside',
    null,
  ]);
});
