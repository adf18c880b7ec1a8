import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pin, pinned } from './commits.js';
import { git, GitFailed, gitLine, startGit, type GitPlace } from './git.js';
import { folderOnDisk } from './on-disk.js';

export interface HubLimits {
  /** Bytes of one pack at most (default 2 GiB). */
  readonly packBytes?: number;
}

/** What was sent is no pack, is too large, or lacks something that it needs: nothing of it was kept. */
export class PackRefused extends Error {
  override readonly name = 'PackRefused';
}

const PACK_BYTES = 2 * 1024 ** 3;

const CONFIG = `[core]
	repositoryformatversion = 0
	bare = true
	logAllRefUpdates = false
[pack]
	writeReverseIndex = true
[transfer]
	fsckObjects = true
`;

/**
 * The server's repository of all checkpoints of one contract's repository: what is in it survives the machine of the
 * daemon. Nothing is ever checked out of it.
 */
export class Hub {
  private constructor(
    readonly place: GitPlace,
    private readonly packBytes: number,
  ) {}

  /** Opens a hub, or makes it; clears what a killed process had not finished receiving. */
  static async open(gitDir: string, { packBytes = PACK_BYTES }: HubLimits = {}): Promise<Hub> {
    for (const folder of ['refs', 'objects/pack', 'incoming'])
      await mkdir(join(gitDir, folder), { recursive: true, mode: 0o700 });
    await writeFile(join(gitDir, 'config'), CONFIG);
    await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
    for (const name of await readdir(join(gitDir, 'incoming')))
      await rm(join(gitDir, 'incoming', name), { recursive: true });
    return new Hub({ gitDir }, packBytes);
  }

  /**
   * Takes a commit that a pack brings, with all that it leads to: reads it apart from the rest, checks that it is whole,
   * and only then takes it over and pins it. Sending it again changes nothing.
   * @param ref `refs/makima/…`; a commit that it names already is never replaced.
   * @throws PackRefused
   * @throws GitFailed, if the ref names another commit, or the disk is full.
   */
  async receive(
    pack: Readable,
    { ref, commit }: { readonly ref: string; readonly commit: string },
  ): Promise<void> {
    if ((await pinned(this.place, ref)) === commit) {
      pack.resume();
      return;
    }
    const incoming = join(this.place.gitDir, 'incoming', randomUUID());
    await mkdir(join(incoming, 'pack'), { recursive: true });
    try {
      const apart = {
        GIT_OBJECT_DIRECTORY: incoming,
        GIT_ALTERNATE_OBJECT_DIRECTORIES: join(this.place.gitDir, 'objects'),
      };
      await this.#index(pack, apart);
      await assertCommit(this.place, commit, apart);
      await git(this.place, ['rev-list', '--objects', '--quiet', commit, '--not', '--all'], {
        environment: apart,
      }).catch(refused);
      await this.#takeOver(join(incoming, 'pack'));
    } finally {
      await rm(incoming, { recursive: true, force: true });
    }
    await pin(this.place, ref, commit);
  }

  async #index(pack: Readable, environment: Readonly<Record<string, string>>): Promise<void> {
    const args = [
      'index-pack',
      '--stdin',
      `--strict=${NOT_CHECKED}`,
      '--fix-thin',
      `--max-input-size=${this.packBytes}`,
    ];
    const running = startGit(this.place, args, environment);
    running.stdout.resume();
    const lost = (): void => {
      if (!pack.readableEnded) running.stop('the sender has gone');
    };
    pack.once('error', lost).once('close', lost);
    pack.pipe(running.stdin);
    await running.ended.catch(refused).finally(() => {
      // What is left is read and thrown away, so that a sender who has not finished hears the answer.
      pack.unpipe(running.stdin).off('error', lost).off('close', lost);
      pack.on('error', () => undefined).resume();
    });
  }

  /** The pack comes before its index: without the latter git does not see it. */
  async #takeOver(folder: string): Promise<void> {
    const target = join(this.place.gitDir, 'objects/pack');
    const names = (await readdir(folder)).filter((name) => !name.endsWith('.keep'));
    for (const name of names.sort((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx'))))
      await rename(join(folder, name), join(target, name));
    await folderOnDisk(target);
  }
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
async function assertCommit(
  place: GitPlace,
  id: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const type = await gitLine(place, ['cat-file', '-t', id], { environment }).catch(refused);
  if (type !== 'commit') throw new PackRefused(`${id} is a ${type}, and no commit`);
}

function refused(error: unknown): never {
  throw error instanceof GitFailed && !error.isDiskFull
    ? new PackRefused(error.stderr.trim(), { cause: error })
    : error;
}

/**
 * A pack of what a commit leads to and others do not.
 * @param have commits that the receiver has.
 */
export function packOf(place: GitPlace, commit: string, have: readonly string[]): Readable {
  const args = ['pack-objects', '--revs', '--thin', '--stdout', '--delta-base-offset', '--quiet'];
  const running = startGit(place, args);
  running.stdin.end([commit, ...have.map((id) => `^${id}`), ''].join('\n'));
  // Node throws away what is not read of a process that has ended.
  const pack = new PassThrough();
  running.stdout.pipe(pack, { end: false });
  running.ended.then(
    () => pack.end(),
    (error: Error) => pack.destroy(error),
  );
  pack.on('close', () => running.stop('nobody reads it any more'));
  return pack;
}
