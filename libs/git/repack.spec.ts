import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pin, pinned, writeCommit } from './commits.js';
import { git } from './git.js';
import { Hub } from './hub.js';
import { packOf } from './packs.js';
import { repack, scattered, type RepackStep } from './repack.js';
import { ShadowRepository } from './shadow-repository.js';
import { Upkeep } from './upkeep.js';

const AT = '2026-01-05T10:00:00Z';
const FILES = 30;
const exclusive = <T>(work: () => Promise<T>): Promise<T> => work();
const never = new AbortController().signal;

let base: string;
let shadow: ShadowRepository;
let commits: string[];
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-repack-'));
  await mkdir(join(base, 'work'));
  shadow = await ShadowRepository.open(join(base, 'shadow'), join(base, 'work'));
  commits = [];
  for (let n = 0; n < FILES; n += 1) await writeFile(join(base, `work/file${n}`), text(n, 'first'));
});
afterEach(() => rm(base, { recursive: true }));

/** Lines that no two files share. */
const text = (file: number, mark: string): string =>
  Array.from({ length: 80 }, (_, line) => `${file} ${line} ${(file * 7919 + line * 104_729) % 65_537}`).join(
    '\n',
  ) + mark;
const ref = (number: number): string => `refs/makima/checkpoints/${number}`;

/** Writes so many checkpoints, each with one file changed. */
async function checkpoints(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const number = commits.length;
    await writeFile(join(base, `work/file${number % FILES}`), text(number % FILES, `changed ${number}`));
    const { tree } = await shadow.capture();
    const parents = commits.slice(-1);
    const commit = await writeCommit(shadow.place, { tree, parents, message: `${number}`, at: AT });
    await pin(shadow.place, ref(number), commit);
    commits.push(commit);
  }
}

/** Ids of all objects that a repository has of its own, whatever leads to them. */
async function objectsIn(gitDir: string): Promise<readonly string[]> {
  const all = ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)'];
  return (await git({ gitDir }, all)).toString().trim().split('\n');
}

async function assertWhole(gitDir: string, before: readonly string[]): Promise<void> {
  expect(await objectsIn(gitDir)).toEqual(expect.arrayContaining([...before]));
  await git({ gitDir }, ['fsck', '--full', '--strict', '--no-dangling']);
  for (const [number, commit] of commits.entries())
    expect(await pinned({ gitDir }, ref(number))).toBe(commit);
}

const packsIn = async (gitDir: string): Promise<readonly string[]> =>
  (await readdir(join(gitDir, 'objects/pack')).catch(() => [])).filter((name) => name.endsWith('.pack'));

/** A blob that nothing leads to, as there is one between a capture and its commit. */
const unpinned = (gitDir: string): Buffer =>
  execFileSync('git', ['hash-object', '-w', '--stdin'], {
    input: 'nobody knows',
    env: { ...process.env, GIT_DIR: gitDir },
  });

it('packs what is loose and the refs, and drops nothing, pinned or not', async () => {
  await checkpoints(40);
  const { gitDir } = shadow.place;
  const lost = unpinned(gitDir).toString().trim();
  const before = await objectsIn(gitDir);
  await repack(shadow.place, { exclusive, signal: never });
  await assertWhole(gitDir, before);
  expect(await packsIn(gitDir)).toHaveLength(1);
  expect((await git({ gitDir }, ['count-objects'])).toString()).toMatch(/^1 objects/);
  expect(
    (await readdir(join(gitDir, 'refs'), { recursive: true })).filter((name) => /\d$/.test(name)),
  ).toEqual([]);
  // What git itself would have done to it.
  await git({ gitDir }, ['prune', '--expire=now']);
  expect(await objectsIn(gitDir)).not.toContain(lost);
  await checkpoints(3);
  await repack(shadow.place, { exclusive, signal: never });
  await assertWhole(gitDir, []);
});

it('finds many files of a capture in one pack, byte for byte, and few loose', async () => {
  await writeFile(join(base, 'work/empty'), '');
  await writeFile(join(base, 'work/one'), '1');
  await writeFile(join(base, 'work/windows'), 'a\r\nb\r\n');
  await writeFile(join(base, 'work/.gitattributes'), '* text=auto eol=lf\n');
  const { tree } = await shadow.capture();
  const { gitDir } = shadow.place;
  expect(await packsIn(gitDir)).toHaveLength(1);
  const read = async (path: string): Promise<string> =>
    (await git({ gitDir }, ['cat-file', 'blob', `${tree}:${path}`])).toString();
  expect(await read('file7')).toBe(text(7, 'first'));
  expect([await read('empty'), await read('one'), await read('windows')]).toEqual(['', '1', 'a\r\nb\r\n']);
  await checkpoints(1);
  expect(await packsIn(gitDir)).toHaveLength(1);
});

it('joins the packs that a hub takes, while others come', async () => {
  const hub = await Hub.open(join(base, 'hub'), { mostPacks: 10 });
  await checkpoints(60);
  const send = (number: number, have: readonly string[]): Promise<void> =>
    hub.receive(packOf(shadow.place, commits[number]!, have), { ref: ref(number), commit: commits[number]! });
  await send(0, []);
  for (let number = 1; number < 60; number += 2)
    await Promise.all([number, number + 1].filter((one) => one < 60).map((one) => send(one, [commits[0]!])));
  await hub.idle();
  await assertWhole(hub.place.gitDir, await objectsIn(shadow.place.gitDir));
  expect((await packsIn(hub.place.gitDir)).length).toBeLessThan(20);
  await hub.close();
});

it.each<RepackStep>(['pack', 'join', 'remove', 'refs', 'prune-refs'])(
  'loses nothing when it is killed before step %s, and goes on from there',
  async (killed) => {
    const { gitDir } = shadow.place;
    for (const count of [20, 5]) {
      await checkpoints(count);
      await git(shadow.place, ['repack', '-q']);
    }
    await checkpoints(5);
    unpinned(gitDir);
    const before = await objectsIn(gitDir);
    const onStep = (step: RepackStep): void => {
      if (step === killed) throw new Error('killed');
    };
    await expect(repack(shadow.place, { exclusive, signal: never, onStep })).rejects.toThrow('killed');
    await assertWhole(gitDir, before);
    await repack(shadow.place, { exclusive, signal: never });
    await assertWhole(gitDir, before);
    expect(await packsIn(gitDir)).toHaveLength(1);
  },
);

it('loses nothing when its git is killed at any moment', async () => {
  const { gitDir } = shadow.place;
  let ended = 0;
  for (let round = 0; round < 25; round += 1) {
    await checkpoints(2);
    if (round % 2 === 0) await git(shadow.place, ['repack', '-q']);
    const before = await objectsIn(gitDir);
    const kill = new AbortController();
    void delay(round * 6).then(() => kill.abort(new Error('killed')));
    await repack(shadow.place, { exclusive, signal: kill.signal }).catch(() => (ended += 1));
    await assertWhole(gitDir, before);
  }
  expect(ended).toBeGreaterThan(5);
  await repack(shadow.place, { exclusive, signal: never });
  await assertWhole(gitDir, []);
  expect((await readdir(join(gitDir, 'objects/pack'))).filter((name) => name.startsWith('tmp_'))).toEqual([]);
});

it('goes on after a kill of all that left a half-written list of refs, and half a pack', async () => {
  await checkpoints(3);
  const { gitDir } = shadow.place;
  const [lock, list, pack] = ['packed-refs.lock', 'packed-refs.new', 'objects/pack/tmp_pack_AbCdEf'].map(
    (name) => join(gitDir, name),
  ) as [string, string, string];
  for (const path of [lock, list, pack]) await writeFile(path, 'half');
  await expect(repack(shadow.place, { exclusive, signal: never })).rejects.toThrow('packed-refs.lock');
  await utimes(lock, new Date(0), new Date(0));
  await repack(shadow.place, { exclusive, signal: never });
  await assertWhole(gitDir, []);
  const left = await readdir(gitDir, { recursive: true });
  expect(left.filter((name) => /tmp_|\.lock$|\.new$/.test(name))).toEqual([]);
});

it('is seen by the checks of these tests when it does lose something', async () => {
  await checkpoints(10);
  const { gitDir } = shadow.place;
  const before = await objectsIn(gitDir);
  await git({ gitDir }, ['update-ref', '-d', ref(9)]);
  await git({ gitDir }, ['read-tree', commits[0]!]);
  await git({ gitDir }, ['repack', '-a', '-d', '-q']);
  await git({ gitDir }, ['prune', '--expire=now']);
  await expect(assertWhole(gitDir, before)).rejects.toThrow();
});

it('begins when there is too much, and not again for what it has left', async () => {
  await checkpoints(20);
  const failures: unknown[] = [];
  const options = { exclusive, signal: never, onFailure: (error: unknown) => failures.push(error) };
  const patient = new Upkeep(shadow.place, options);
  patient.wake();
  await patient.idle();
  // That of the first capture.
  expect(await packsIn(shadow.place.gitDir)).toHaveLength(1);
  for (let n = 0; n < 3; n += 1) await git(shadow.place, ['repack', '-q']).then(() => checkpoints(1));
  const upkeep = new Upkeep(shadow.place, { ...options, mostPacks: 1 });
  upkeep.wake();
  await upkeep.idle();
  const { packs } = await scattered(shadow.place);
  const names = await packsIn(shadow.place.gitDir);
  upkeep.wake();
  await upkeep.idle();
  expect(packs).toBe(1);
  expect(await packsIn(shadow.place.gitDir)).toEqual(names);
  const over = new Upkeep(shadow.place, { ...options, signal: AbortSignal.abort() });
  over.wake();
  await over.idle();
  expect(failures).toEqual([]);
});
