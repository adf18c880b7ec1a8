import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blameOf, firstParents } from './blame.js';
import { writeCommit } from './commits.js';
import { ShadowRepository } from './shadow-repository.js';

const AT = '2026-01-05T10:00:00Z';
let base: string;
let shadow: ShadowRepository;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-blame-'));
  await mkdir(join(base, 'work'));
  shadow = await ShadowRepository.open(join(base, 'shadow'), join(base, 'work'));
});
afterEach(() => rm(base, { recursive: true }));

const at = (path: string): string => join(base, 'work', path);

async function commit(message: string, parents: readonly string[] = []): Promise<string> {
  const { tree } = await shadow.capture();
  return writeCommit(shadow.place, { tree, parents, message, at: AT });
}

type Lines = readonly [from: number, to: number];

const blame = async (id: string, path: string, since: string | null = null, lines: Lines = [1, 100]) =>
  (await blameOf(shadow.place, { commit: id, path, since, lines })).map((one) => [
    one.line,
    one.text,
    one.commit,
    one.path,
  ]);

it('tells who brought each line, through a change of name', async () => {
  await writeFile(at('old "name"\n'), 'one\ntwo\nthree\nfour\n');
  const first = await commit('1');
  await rename(at('old "name"\n'), at('new'));
  await writeFile(at('new'), 'one\n2\nthree\nfour\nno end');
  const second = await commit('2', [first]);
  expect(await blame(second, 'new')).toEqual([
    [1, 'one', first, 'old "name"\n'],
    [2, '2', second, 'new'],
    [3, 'three', first, 'old "name"\n'],
    [4, 'four', first, 'old "name"\n'],
    [5, 'no end', second, 'new'],
  ]);
  expect(await blame(second, 'new', null, [2, 2])).toEqual([[2, '2', second, 'new']]);
  await expect(blame(second, 'new', null, [6, 6])).rejects.toThrow('has only 5 lines');
});

it('goes back by first parents alone, and no further than it is told', async () => {
  await writeFile(at('file'), 'before\n');
  const before = await commit('before');
  await writeFile(at('file'), 'before\nfirst\n');
  const first = await commit('1', [before]);
  await writeFile(at('file'), 'before\nfirst\nsecond\n');
  const byTheAgent = await commit('by the agent', [before]);
  const second = await commit('2', [first, byTheAgent]);
  expect(await firstParents(shadow.place, second, 10)).toEqual([second, first, before]);
  expect((await blame(second, 'file')).map(([, , id]) => id)).toEqual([before, first, second]);
  expect((await blame(second, 'file', first)).map(([, , id]) => id)).toEqual([first, first, second]);
});

it('runs no program that a configuration names for a kind of file, and takes no path for an option', async () => {
  const [trap, gitDir] = [join(base, 'trap'), join(base, 'shadow')];
  await writeFile(at('--contents=x'), 'a line\n');
  const first = await commit('1');
  await appendFile(join(gitDir, 'config'), `[diff "evil"]\n\ttextconv = touch ${trap}; cat\n`);
  await writeFile(join(gitDir, 'info/attributes'), '* diff=evil\n');
  expect((await blame(first, '--contents=x')).map(([, text]) => text)).toEqual(['a line']);
  expect(existsSync(trap)).toBe(false);
  execFileSync('git', ['--git-dir', gitDir, 'blame', first, '--', '--contents=x']);
  expect(existsSync(trap)).toBe(true);
});
