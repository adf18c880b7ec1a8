import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentGit, writeAll } from '#libs/testing/agent-git.js';
import { EMPTY_TREE } from './changes.js';
import { gitLine } from './git.js';
import { revertTree } from './revert.js';
import { ShadowRepository } from './shadow-repository.js';

let base: string;
let folder: string;
let shadow: ShadowRepository;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-revert-'));
  folder = join(base, 'work');
  await mkdir(folder);
  shadow = await ShadowRepository.open(join(base, 'shadow'), folder);
});
afterEach(() => rm(base, { recursive: true }));

async function captured(
  files: Readonly<Record<string, string | Buffer>>,
  ...gone: string[]
): Promise<string> {
  await writeAll(folder, files);
  for (const path of gone) await rm(join(folder, path));
  return (await shadow.capture()).tree;
}
const lines = (...changed: string[]): string =>
  Array.from({ length: 30 }, (_, at) => `${changed.find((one) => one.startsWith(`${at} `)) ?? at}\n`).join(
    '',
  );
const shown = (tree: string, path: string): Promise<string> =>
  gitLine(shadow.place, ['cat-file', 'blob', `${tree}:${path}`]);

it('takes back one change, and keeps what came later', async () => {
  const before = await captured({ file: lines(), gone: 'gone\n' });
  const change = await captured({ file: lines('3 changed'), new: 'new\n' }, 'gone');
  const ours = await captured({ file: lines('3 changed', '25 later'), later: 'later\n' });
  const reverted = await revertTree(shadow.place, { ours, change, before });
  const tree = 'tree' in reverted ? reverted.tree : '';
  expect((await shadow.changes(before, tree)).map(({ path }) => path)).toEqual(['file', 'later']);
  expect(`${await shown(tree, 'file')}\n`).toBe(lines('25 later'));
  expect(await revertTree(shadow.place, { ours: change, change, before })).toEqual({ tree: before });
  expect(await revertTree(shadow.place, { ours: before, change: before, before: EMPTY_TREE })).toEqual({
    tree: EMPTY_TREE,
  });
});

it('names what later changes touch, too, and decides nothing', async () => {
  const before = await captured({ 'a b\n"': lines(), bin: Buffer.from([0, 1]), new: '' }, 'new');
  const change = await captured({ 'a b\n"': lines('3 changed'), bin: Buffer.from([0, 2]), new: 'new\n' });
  const ours = await captured({ 'a b\n"': lines('3 again'), bin: Buffer.from([0, 3]), new: 'changed\n' });
  expect(await revertTree(shadow.place, { ours, change, before })).toEqual({
    conflicts: ['a b\n"', 'bin', 'new'],
  });
});

it('runs no driver, and asks no attributes of the folder', async () => {
  const ran = join(base, 'ran');
  const task = agentGit(folder);
  task('init', '-q', '-b', 'main', '.');
  task('config', 'merge.x.driver', `touch ${ran}`);
  const attributes = { '.gitattributes': 'file merge=x\nother merge=union\n' };
  const before = await captured({ ...attributes, file: lines(), other: lines() });
  const change = await captured({ file: lines('3 changed'), other: lines('3 changed') });
  const ours = await captured({ file: lines('3 again'), other: lines('3 again') });
  expect(await revertTree(shadow.place, { ours, change, before })).toEqual({ conflicts: ['file', 'other'] });
  expect(existsSync(ran)).toBe(false);
  // Git in the folder does.
  await writeFile(join(folder, 'file'), lines());
  task('add', '-A');
  task('commit', '-q', '-m', 'base');
  task('checkout', '-q', '-b', 'side');
  await writeFile(join(folder, 'file'), lines('3 side'));
  task('commit', '-q', '-a', '-m', 'side');
  task('checkout', '-q', 'main');
  await writeFile(join(folder, 'file'), lines('3 main'));
  task('commit', '-q', '-a', '-m', 'main');
  expect(() => task('merge', '-q', 'side')).not.toThrow();
  expect(existsSync(ran)).toBe(true);
});

it.each(['-x', '--end-of-options', 'HEAD', 'refs/heads/none'])('takes %j for no tree', async (id) => {
  const ours = await captured({ file: 'x\n' });
  await expect(revertTree(shadow.place, { ours, change: id, before: ours })).rejects.toThrow(
    'not an object id',
  );
});
