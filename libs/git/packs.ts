import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pin, pinned } from './commits.js';
import { alternate, git, GitFailed, gitLine, startGit, type Environment, type GitPlace } from './git.js';
import { folderOnDisk } from './on-disk.js';

/** What was sent is no pack, is too large, or lacks something that it needs: nothing of it was kept. */
export class PackRefused extends Error {
  override readonly name = 'PackRefused';
}

const PACK_BYTES = 2 * 1024 ** 3;
/** Milliseconds that a pack may be on its way. */
const MOST_MS = 30 * 60_000;
/** Where packs are until they are checked. */
export const INCOMING = 'incoming';

export interface Wanted {
  /** `refs/makima/…`; a commit that it names already is never replaced. */
  readonly ref: string;
  readonly commit: string;
  /** Bytes of the pack at most (default 2 GiB). */
  readonly maxBytes?: number;
  /** Waits until the ref may be written. */
  readonly exclusive?: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Takes a commit that a pack brings, with all that it leads to, into a repository of ours: reads it apart from the rest,
 * checks that it is whole, and only then takes it over and pins it. Doing it again changes nothing.
 * @throws PackRefused
 * @throws GitFailed, if the ref names another commit, or the disk is full.
 */
export async function takePack(
  place: GitPlace,
  pack: Readable,
  { ref, commit, maxBytes = PACK_BYTES, exclusive = (work) => work() }: Wanted,
): Promise<void> {
  if ((await pinned(place, ref)) === commit) {
    pack.on('error', () => undefined).resume();
    return;
  }
  const incoming = join(place.gitDir, INCOMING, randomUUID());
  await mkdir(join(incoming, 'pack'), { recursive: true });
  try {
    const apart = {
      GIT_OBJECT_DIRECTORY: incoming,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: alternate(join(place.gitDir, 'objects')),
    };
    await indexed(place, pack, maxBytes, apart);
    await assertCommit(place, commit, apart);
    await git(place, ['rev-list', '--objects', '--quiet', commit, '--not', '--all'], {
      environment: apart,
    }).catch(refused);
    await takeOver(join(incoming, 'pack'), join(place.gitDir, 'objects/pack'));
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  await exclusive(() => pin(place, ref, commit));
}

/** Clears what a killed process had not finished receiving. */
export async function clearIncoming(gitDir: string): Promise<void> {
  await rm(join(gitDir, INCOMING), { recursive: true, force: true });
  await mkdir(join(gitDir, INCOMING), { mode: 0o700 });
}

async function indexed(
  place: GitPlace,
  pack: Readable,
  maxBytes: number,
  environment: Environment,
): Promise<void> {
  const args = [
    'index-pack',
    '--stdin',
    `--strict=${NOT_CHECKED}`,
    '--fix-thin',
    `--max-input-size=${maxBytes}`,
  ];
  const running = startGit(place, args, { environment });
  const timer = setTimeout(() => running.stop(`it took longer than ${MOST_MS} ms`), MOST_MS);
  running.stdout.resume();
  const lost = (): void => {
    if (!pack.readableEnded) running.stop('the sender has gone');
  };
  pack.once('error', lost).once('close', lost);
  if (pack.destroyed) lost();
  pack.pipe(running.stdin);
  await running.ended.catch(refused).finally(() => {
    clearTimeout(timer);
    // What is left is read and thrown away, so that a sender who has not finished hears the answer.
    pack.unpipe(running.stdin).off('error', lost).off('close', lost);
    pack.on('error', () => undefined).resume();
  });
}

/** The pack comes before its index: without the latter git does not see it. */
async function takeOver(folder: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  const names = (await readdir(folder)).filter((name) => !name.endsWith('.keep'));
  for (const name of names.sort((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx'))))
    await rename(join(folder, name), join(target, name));
  await folderOnDisk(target);
}

/** What may be in a folder, and matters only to who checks it out with submodules and attributes: nobody here does. */
const NOT_CHECKED = [
  ...['Url', 'Name', 'Path', 'Update', 'Blob', 'Missing', 'Large', 'Parse', 'Symlink'].map(
    (of) => `gitmodules${of}`,
  ),
  ...['LineLength', 'Blob', 'Missing', 'Large', 'Symlink'].map((of) => `gitattributes${of}`),
  ...['gitignoreSymlink', 'mailmapSymlink'],
]
  .map((what) => `${what}=ignore`)
  .join();

/** A tree or a blob has an id of the same form. */
async function assertCommit(place: GitPlace, id: string, environment: Environment): Promise<void> {
  const type = await gitLine(place, ['cat-file', '-t', id], { environment }).catch(refused);
  if (type !== 'commit') throw new PackRefused(`${id} is a ${type}, and no commit`);
}

function refused(error: unknown): never {
  throw error instanceof GitFailed && !error.isDiskFull
    ? new PackRefused(error.stderr.trim(), { cause: error })
    : error;
}

export interface PackOptions {
  readonly environment?: Environment;
  /** Milliseconds (default: as long as somebody reads it). */
  readonly timeoutMs?: number;
}

/**
 * A pack of what a commit leads to and others do not.
 * @param have commits that the receiver has; what is unknown here is passed over.
 */
export function packOf(
  place: GitPlace,
  commit: string,
  have: readonly string[],
  { environment = {}, timeoutMs }: PackOptions = {},
): Readable {
  // Whoever reads it hears of an error also when it comes first.
  const pack = new PassThrough().on('error', () => undefined);
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  signal?.addEventListener('abort', () => pack.destroy(new PackRefused('it took too long to be read')));
  knownAmong(place, have, environment).then(
    (known) => {
      if (pack.destroyed) return;
      const running = startGit(place, PACK, { environment });
      running.stdin.end([commit, ...known.map((id) => `^${id}`), ''].join('\n'));
      // Node throws away what is not read of a process that has ended.
      running.stdout.pipe(pack, { end: false });
      running.ended.then(
        () => pack.end(),
        (error: Error) => pack.destroy(error),
      );
      pack.on('close', () => running.stop('nobody reads it any more'));
    },
    (error: Error) => pack.destroy(error),
  );
  return pack;
}

/** Of what another repository lies about, nothing is believed: graphs of commits and bitmaps are not looked at. */
const PACK = [
  ...['-c', 'core.commitGraph=false', '-c', 'pack.useBitmaps=false', '-c', 'core.multiPackIndex=false'],
  ...['pack-objects', '--revs', '--thin', '--stdout', '--delta-base-offset', '--quiet'],
];

/** Those of some commits that are there. */
export async function knownAmong(
  place: GitPlace,
  ids: readonly string[],
  environment: Environment,
): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const answer = await gitLine(place, ['cat-file', '--batch-check=%(objectname) %(objecttype)'], {
    input: ids.map((id) => `${id}\n`).join(''),
    environment,
  });
  return answer
    .split('\n')
    .filter((line) => line.endsWith(' commit'))
    .map((line) => line.split(' ')[0]!);
}
