import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { git, GitFailed, type GitOptions, type GitPlace } from './git.js';
import { folderOnDisk } from './on-disk.js';

export interface RepackOptions {
  /** Runs what must not meet somebody who writes a ref, or captures. */
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
  /** Told before each step, for tests. */
  readonly onStep?: (step: RepackStep) => void;
}

export type RepackStep = 'pack' | 'join' | 'remove' | 'refs' | 'prune-refs';

/** Packs stay apart while each is so many times as large as all smaller ones together. */
const TIMES_LARGER = 8;
const MOST_MS = 30 * 60_000;
/** Nobody packs refs for so long: whoever left this lock was killed with all of us. */
const STALE_LOCK_MS = 10 * 60_000;
const PACK = ['pack-objects', '--delta-base-offset', '--non-empty', '--quiet'];

/**
 * Packs what is loose, joins small packs and packs refs, in a repository of ours that others use meanwhile. Nothing is ever
 * dropped, pinned or not: something goes only when what holds it all is on the disk. Wherever it is killed, doing it again
 * goes on from there. One at a time in a repository.
 * @throws GitFailed
 */
export async function repack(place: GitPlace, options: RepackOptions): Promise<void> {
  const packs = join(place.gitDir, 'objects/pack');
  const run = (args: readonly string[], input = ''): Promise<Buffer> => {
    options.signal.throwIfAborted();
    return git(place, args, { input, timeoutMs: MOST_MS, signal: options.signal } satisfies GitOptions);
  };
  await mkdir(packs, { recursive: true, mode: 0o700 });
  await options.exclusive(() => clear(place.gitDir));
  options.onStep?.('pack');
  await packLoose(run, packs);
  options.onStep?.('join');
  await joinPacks(run, packs, options);
  await options.exclusive(() => packRefs(place.gitDir, run, options));
}

/** How much there is that could be packed. */
export interface Scattered {
  readonly packs: number;
  /** Loose objects, guessed from one in 16 of their folders. */
  readonly loose: number;
}

const SAMPLE = [...'0123456789abcdef'].map((digit) => `7${digit}`);

export async function scattered({ gitDir }: GitPlace): Promise<Scattered> {
  const names = async (folder: string): Promise<readonly string[]> =>
    readdir(join(gitDir, 'objects', folder)).catch(() => []);
  const [packs, ...sample] = await Promise.all([names('pack'), ...SAMPLE.map(names)]);
  return { packs: packs.filter((name) => name.endsWith('.pack')).length, loose: sample.flat().length * 16 };
}

type Run = (args: readonly string[], input?: string) => Promise<Buffer>;

/** What killed processes have left: nobody writes such files now. */
async function clear(gitDir: string): Promise<void> {
  const folder = join(gitDir, 'objects/pack');
  const names = await readdir(folder).catch(() => []);
  const packs = new Set(names.filter((name) => name.endsWith('.pack')).map(stemOf));
  for (const name of names)
    if (name.startsWith('tmp_') || (/^pack-.*\.(idx|rev)$/.test(name) && !packs.has(stemOf(name))))
      await rm(join(folder, name), { force: true });
  const [lock] = packedRefsLeft(gitDir);
  const found = await lstat(lock).catch(() => null);
  if (!found || Date.now() - found.mtimeMs > STALE_LOCK_MS) await clearPackedRefs(gitDir);
}

/** What nothing leads to stays as it is. What is borrowed is packed where it is. */
async function packLoose(run: Run, packs: string): Promise<void> {
  const tips = (await run(['rev-list', '--no-walk', '--alternate-refs', '--stdin'])).toString().split('\n');
  const args = [...PACK, '--revs', '--all', '--indexed-objects', '--unpacked', '--incremental'];
  const input = tips
    .filter((tip) => tip !== '')
    .map((tip) => `^${tip}\n`)
    .join('');
  await run([...args, join(packs, 'pack')], input);
  await folderOnDisk(packs);
  await run(['prune-packed', '--quiet']);
}

async function joinPacks(run: Run, packs: string, { onStep }: RepackOptions): Promise<void> {
  const { small, large } = await bySize(packs);
  if (small.length < 2) return;
  const input = [...small.map((name) => `${name}.pack\n`), ...large.map((name) => `^${name}.pack\n`)];
  const written = await run([...PACK, '--stdin-packs', join(packs, 'pack')], input.join(''));
  await folderOnDisk(packs);
  onStep?.('remove');
  const joined = `pack-${written.toString().trim()}`;
  for (const name of small.filter((one) => one !== joined))
    for (const end of ['pack', 'idx', 'rev']) await rm(join(packs, `${name}.${end}`), { force: true });
}

/** So many of the smallest that each of the others is much larger than all smaller ones together. */
async function bySize(
  packs: string,
): Promise<{ readonly small: readonly string[]; readonly large: readonly string[] }> {
  const names = await readdir(packs);
  const found = await Promise.all(
    names
      .filter((name) => name.endsWith('.idx') && names.includes(`${stemOf(name)}.pack`))
      .map(async (name) => {
        const { size } = await lstat(join(packs, `${stemOf(name)}.pack`));
        return { name: stemOf(name), size };
      }),
  );
  const sorted = found.sort((a, b) => a.size - b.size);
  let [end, smaller] = [0, 0];
  for (const [at, { size }] of sorted.entries()) {
    if (size < TIMES_LARGER * smaller) end = at + 1;
    smaller += size;
  }
  const all = sorted.map(({ name }) => name);
  return { small: all.slice(0, end), large: all.slice(end) };
}

/** A ref's file goes only when the list that has it is on the disk. */
async function packRefs(gitDir: string, run: Run, { onStep }: RepackOptions): Promise<void> {
  try {
    onStep?.('refs');
    await run(['pack-refs', '--all', '--no-prune']);
    await folderOnDisk(gitDir);
    onStep?.('prune-refs');
    await run(['pack-refs', '--all', '--prune']);
  } catch (error) {
    // One that was ended from here leaves its lock; one that met another's lock does not.
    if (error instanceof GitFailed && error.exitCode === null) await clearPackedRefs(gitDir);
    throw error;
  }
}

async function clearPackedRefs(gitDir: string): Promise<void> {
  for (const path of packedRefsLeft(gitDir)) await rm(path, { force: true });
}

/** What a killed git leaves, its lock first. */
const packedRefsLeft = (gitDir: string): readonly [string, string] => [
  join(gitDir, 'packed-refs.lock'),
  join(gitDir, 'packed-refs.new'),
];

const stemOf = (name: string): string => name.replace(/\.\w+$/, '');
