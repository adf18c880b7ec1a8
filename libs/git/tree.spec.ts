import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCommit } from './commits.js';
import { meantPaths, shownPath } from './path-bytes.js';
import { ShadowRepository } from './shadow-repository.js';
import { blobOf, entriesAt } from './tree.js';

let base: string;
let shadow: ShadowRepository;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-tree-'));
  await mkdir(join(base, 'work'));
  shadow = await ShadowRepository.open(join(base, 'shadow'), join(base, 'work'));
});
afterEach(() => rm(base, { recursive: true }));

async function commit(...names: readonly string[]): Promise<string> {
  for (const name of names) {
    const bytes = Buffer.from(`${join(base, 'work')}/`, 'latin1');
    const path = Buffer.concat([bytes, Buffer.from(name, 'latin1')]);
    await mkdir(path.subarray(0, path.lastIndexOf('/')), { recursive: true });
    await writeFile(path, name);
  }
  await symlink('nowhere', join(base, 'work/link'));
  const { tree } = await shadow.capture();
  return writeCommit(shadow.place, { tree, parents: [], message: 'c', at: '2026-01-05T10:00:00Z' });
}

it('finds what it has shown, also by names that are no UTF-8', async () => {
  const names = ['a\xff\xfe/b\xff', 'new\nline', '--option', 'x tree missing/y', ':(top)z', '\\xff', 'é'];
  const id = await commit(...names.slice(0, -1), Buffer.from('é').toString('latin1'));
  const asked = async (path: string): Promise<readonly string[]> => {
    for (const meant of meantPaths(path)) {
      const found = await entriesAt(shadow.place, id, meant);
      if (found.length > 0) return found.map((entry) => entry.path);
    }
    return [];
  };
  const walked = async (path: string): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const entry of await entriesAt(shadow.place, id, path)) {
      expect(await asked(shownPath(entry.path))).toContain(
        entry.kind === 'folder' ? (await entriesAt(shadow.place, id, entry.path))[0]!.path : entry.path,
      );
      found.push(...(entry.kind === 'folder' ? await walked(entry.path) : [entry.path]));
    }
    return found;
  };
  expect((await walked('')).length).toBe(names.length + 1);
  expect(
    (await entriesAt(shadow.place, id, 'a\xff\xfe/b\xff')).map(({ kind, size }) => [kind, size]),
  ).toEqual([['file', 9]]);
  const [link] = await entriesAt(shadow.place, id, 'link');
  expect([link?.kind, (await blobOf(shadow.place, link!.id, 100)).toString()]).toEqual([
    'symlink',
    'nowhere',
  ]);
});

it.each(['.', '..', '/', 'a/', '/a', 'a//b', '../a', 'none', 'a/none', 'file/below', 'x\0y', 'a\n'])(
  'finds nothing at %j',
  async (path) => {
    const id = await commit('a/b', 'file');
    expect(await entriesAt(shadow.place, id, path)).toEqual([]);
  },
);
