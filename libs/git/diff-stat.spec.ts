import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMPTY_TREE } from './changes.js';
import { diffStatOf } from './diff-stat.js';
import { diffOf } from './diff.js';
import { ShadowRepository } from './shadow-repository.js';

it('counts the lines of every file that differs, as the whole difference does', async () => {
  const base = await mkdtemp(join(tmpdir(), 'makima-stat-'));
  const at = (path: string): string => join(base, 'work', path);
  try {
    await mkdir(at('.'), { recursive: true });
    const { place, ...shadow } = await shadowOf(base);
    await writeFile(at('moved\tfrom'), 'a line\nand another one\nand a third\n');
    await writeFile(at('1\t2\tlike numbers'), 'x\n');
    await writeFile(at('binary'), Buffer.from([0, 1, 2]));
    await writeFile(at('gone\n'), 'x\ny\n');
    const before = await shadow.capture();
    await rename(at('moved\tfrom'), at('moved to'));
    await writeFile(at('moved to'), 'a line\nand another one\nand a third\nand more\n');
    await writeFile(at('1\t2\tlike numbers'), 'y\nz\n');
    await writeFile(at('binary'), Buffer.from([0, 1, 3]));
    await rm(at('gone\n'));
    const after = await shadow.capture();
    for (const [from, to] of [[before, after] as const, [EMPTY_TREE, after] as const]) {
      const whole = [];
      for await (const { hunks: _, cut: __, ...file } of diffOf(place, from, to)) whole.push(file);
      expect(await diffStatOf(place, from, to)).toEqual(whole);
      expect(whole.length).toBeGreaterThan(2);
    }
    expect(await diffStatOf(place, after, after)).toEqual([]);
  } finally {
    await rm(base, { recursive: true });
  }
});

async function shadowOf(base: string) {
  const shadow = await ShadowRepository.open(join(base, 'shadow'), join(base, 'work'));
  return { place: shadow.place, capture: async () => (await shadow.capture()).tree };
}
