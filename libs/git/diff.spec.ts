import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMPTY_TREE } from './changes.js';
import { diffOf, type FileDiff } from './diff.js';
import { ShadowRepository } from './shadow-repository.js';

let folder: string;
let shadow: ShadowRepository;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'makima-diff-'));
  shadow = await ShadowRepository.open(join(folder, '.shadow'), folder);
  await put('.gitignore', '.shadow\n.gitignore\n');
});
afterEach(() => rm(folder, { recursive: true }));

const put = (path: string, content: string | Buffer): Promise<void> => writeFile(join(folder, path), content);

async function diff(from: string, to: string): Promise<readonly FileDiff[]> {
  const files: FileDiff[] = [];
  for await (const file of diffOf(shadow.place, from, to)) files.push(file);
  return files;
}

async function tree(change: () => Promise<unknown>): Promise<string> {
  await change();
  return (await shadow.capture()).tree;
}

it('has every kind of change, with its lines', async () => {
  const numbers = Array.from({ length: 30 }, (_, n) => `${n}\n`).join('');
  const before = await tree(async () => {
    await put('text', 'a\nb\nc\n');
    await put('gone', 'x\n');
    await put('turned', 'x\n');
    await put('moved', numbers);
    await put('mode', 'm\n');
    await put('bytes', Buffer.from([0, 1]));
  });
  const after = await tree(async () => {
    await put('text', 'a\nB\nc');
    await rm(join(folder, 'gone'));
    await rm(join(folder, 'turned'));
    await symlink('text', join(folder, 'turned'));
    await rm(join(folder, 'moved'));
    await put('moved to', numbers.replace('15\n', 'fifteen\n'));
    await chmod(join(folder, 'mode'), 0o755);
    await put('bytes', Buffer.from([0, 2]));
    await put('t\tab "quoted"', 'new\n');
  });
  const files = await diff(before, after);
  expect(
    files.map(({ path, from, action, additions, deletions, binary, oldMode, newMode, hunks }) => [
      path,
      from,
      action,
      additions,
      deletions,
      binary,
      `${oldMode} ${newMode}`,
      hunks.length,
    ]),
  ).toEqual([
    ['bytes', null, 'modified', 0, 0, true, '100644 100644', 0],
    ['gone', null, 'deleted', 0, 1, false, '100644 000000', 1],
    ['mode', null, 'modified', 0, 0, false, '100644 100755', 0],
    ['moved to', 'moved', 'renamed', 1, 1, false, '100644 100644', 1],
    ['t\tab "quoted"', null, 'added', 1, 0, false, '000000 100644', 1],
    ['text', null, 'modified', 2, 2, false, '100644 100644', 1],
    ['turned', null, 'modified', 1, 1, false, '100644 120000', 2],
  ]);
  expect(files.find(({ path }) => path === 'text')?.hunks).toEqual([
    {
      oldStart: 1,
      oldLines: 3,
      newStart: 1,
      newLines: 3,
      heading: '',
      lines: [
        { kind: 'context', text: 'a' },
        { kind: 'deleted', text: 'b' },
        { kind: 'deleted', text: 'c' },
        { kind: 'added', text: 'B' },
        { kind: 'added', text: 'c', noNewline: true },
      ],
    },
  ]);
});

it('takes no line of a file for one of its own', async () => {
  const lines = [
    'diff --git a b',
    '--- a',
    '+++ b',
    '@@ -1 +1 @@',
    'Binary files a and b differ',
    '\\ No newline',
    '',
  ];
  const before = await tree(() => put('file', `${lines.join('\n')}\n`));
  const after = await tree(() => put('file', `${lines.toReversed().join('\n')}\n`));
  const [file, ...others] = await diff(before, after);
  expect(others).toEqual([]);
  const side = (kind: 'added' | 'deleted'): readonly string[] =>
    file!.hunks.flatMap((hunk) =>
      hunk.lines.flatMap((line) => (line.kind === kind || line.kind === 'context' ? [line.text] : [])),
    );
  expect([side('deleted'), side('added')]).toEqual([lines, lines.toReversed()]);
});

it('counts what git counts, in a hundred random files', async () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  const text = (): string =>
    Array.from({ length: random(60) }, () => `line ${random(12)}${random(20) === 0 ? '\r' : ''}\n`).join('');
  const fill = async (): Promise<void> => {
    for (let n = 0; n < 100; n += 1) if (random(3) > 0) await put(`file ${n}`, text());
  };
  const before = await tree(fill);
  const after = await tree(fill);
  const env = { ...process.env, GIT_DIR: shadow.place.gitDir };
  const counted = execFileSync('git', ['diff-tree', '-r', '-M', '--numstat', before, after], {
    env,
    encoding: 'utf8',
  });
  const ours = (await diff(before, after)).map(({ additions, deletions }) => `${additions}\t${deletions}`);
  expect(ours).toEqual(
    counted
      .trim()
      .split('\n')
      .map((line) => line.split('\t').slice(0, 2).join('\t')),
  );
});

it('gives the first lines of what is long, and the beginning of a long line', async () => {
  const whole = await tree(() => put('file', `${'é'.repeat(20_000)}\n${'x\n'.repeat(30_000)}x`));
  const [file] = await diff(EMPTY_TREE, whole);
  const lines = file!.hunks[0]!.lines;
  expect([file!.additions, file!.cut, file!.hunks.length, lines.length]).toEqual([30_002, true, 1, 20_000]);
  expect(lines[0]!.text).toBe('é'.repeat(4_999));
  expect(lines.at(-1)).toEqual({ kind: 'added', text: 'x' });
});

it('stops when nobody reads on, and says what went wrong', async () => {
  const full = await tree(() => put('file', 'x\n'.repeat(200_000)));
  for await (const file of diffOf(shadow.place, EMPTY_TREE, full)) {
    expect(file.additions).toBe(200_000);
    break;
  }
  await expect(diff(full, '0'.repeat(40))).rejects.toThrow('git diff-tree ended with 128');
  expect(await diff(full, full)).toEqual([]);
});
