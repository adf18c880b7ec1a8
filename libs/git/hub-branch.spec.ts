import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createWriteStream } from 'node:fs';
import { writeCommit } from './commits.js';
import { branchTip, bundleOf, isBranchName } from './hub-branch.js';
import { BranchRefused, createBranchIn } from './people-branch.js';
import { ShadowRepository } from './shadow-repository.js';

const AT = '2026-01-05T10:00:00Z';
let base: string;
let shadow: ShadowRepository;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-branch-'));
  await mkdir(join(base, 'work'));
  shadow = await ShadowRepository.open(join(base, 'shadow'), join(base, 'work'));
});
afterEach(() => rm(base, { recursive: true }));

async function commit(content: string, parents: readonly string[] = []): Promise<string> {
  await writeFile(join(base, 'work/file'), content);
  const { tree } = await shadow.capture();
  return writeCommit(shadow.place, { tree, parents, message: 'x', at: AT });
}

const gitTakes = (name: string): boolean =>
  spawnSync('git', ['check-ref-format', '--branch', name]).status === 0;

it.each([
  'main',
  'a/b',
  'feature/x-1',
  'ü',
  '日本語',
  'a.b',
  'x@y',
  '{x}',
  'a-',
  'lock',
  'a#b',
  "it's",
  'a&b|c;d',
  '$(x)',
])('takes %j, as git does', (name) => expect([isBranchName(name), gitTakes(name)]).toEqual([true, true]));

it.each([
  ...[
    '',
    '-d',
    '--upload-pack=x',
    '.a',
    'a/.b',
    'a..b',
    'a.lock',
    'a.lock/b',
    'a/',
    '/a',
    'a//b',
    'a.',
    '@{-1}',
  ],
  ...['a b', 'a~1', 'a^', 'a:b', 'a?', 'a*', 'a[', 'a\\b', 'a\nb', 'a\x7f', 'a@{1}', 'HEAD'],
])('refuses %j, as git does', (name) => expect([isBranchName(name), gitTakes(name)]).toEqual([false, false]));

it.each(['@', 'a\u202eb', 'a\u200bb', 'a\0', 'a\ud800', 'x'.repeat(201), 'ü'.repeat(101)])(
  'refuses %j, which git would take or cut',
  (name) => expect(isBranchName(name)).toBe(false),
);

describe('a branch for people', () => {
  const make = (name: string, tree: string, parent: string | null = null): Promise<string> =>
    createBranchIn(shadow.place, { name, tree, parent, message: 'a checkpoint', at: AT });

  it('never moves one that is there, nor one that stands in its way', async () => {
    const [first, second] = [await commit('1'), await commit('2')];
    const tip = await make('a/b', first);
    expect(await make('a/b', first)).toBe(tip);
    for (const [name, tree] of [['a/b', second] as const, ['a', first] as const, ['a/b/c', first] as const])
      await expect(make(name, tree)).rejects.toBeInstanceOf(BranchRefused);
    const tips = await Promise.all(['a/b', 'a', 'none'].map((name) => branchTip(shadow.place, name)));
    expect(tips).toEqual([tip, null, null]);
  });

  it.each([[false], [true]])('comes in a bundle, also when all of it is there (%s)', async (isThere) => {
    const head = await commit('head\n');
    const checkpoint = await commit('changed\n', [head]);
    const tip = await make('b', checkpoint, head);
    const [file, clone] = [join(base, 'bundle'), join(base, 'clone')];
    const have = isThere ? [head, tip, 'f'.repeat(40)] : [];
    await pipeline(await bundleOf(shadow.place, 'b', have), createWriteStream(file));
    await chmod(file, 0o600);
    execFileSync('git', ['init', '-q', clone]);
    execFileSync('git', ['-C', clone, 'fetch', '-q', file, 'b:b']);
    expect(execFileSync('git', ['-C', clone, 'show', 'b:file']).toString()).toBe('changed\n');
  });
});
