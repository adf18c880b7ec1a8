import { access, constants, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changesBetween, EMPTY_TREE, GITLINK, type TreeChange } from './changes.js';
import { FollowedIndex } from './followed-index.js';
import { git, gitLine, type GitPlace } from './git.js';
import { inTheWay } from './in-the-way.js';
import { clearIncoming } from './packs.js';
import { absolutePath, pathInput, pathsIn, shownPath, type PathBytes } from './path-bytes.js';

/** Why something of a folder is not in a capture. `refused_name`: git takes none like it (`.git` in any case). */
export type LeftOutReason =
  'nested_repository' | 'too_large' | 'unreadable' | 'special_file' | 'empty_folder' | 'refused_name';

export interface LeftOut {
  readonly path: PathBytes;
  readonly reason: LeftOutReason;
}

export interface Capture {
  /** The tree of everything that is there, is not ignored, and is not left out. */
  readonly tree: string;
  readonly leftOut: readonly LeftOut[];
}

export interface ShadowOptions {
  /** Files of more bytes are left out (default 100 MiB). */
  readonly maxFileBytes?: number;
}

/** Files in the folder that a restore would have to overwrite, and that no capture holds: nothing was changed. */
export class RestoreBlocked extends Error {
  override readonly name = 'RestoreBlocked';

  constructor(readonly paths: readonly PathBytes[]) {
    super(
      `not restored, and nothing was changed: ${paths.map(shownPath).join(', ')} would be overwritten, and no checkpoint holds it`,
    );
  }
}

const MAX_FILE_BYTES = 100 * 1024 * 1024;

/** Byte for byte, whatever attributes a folder's own files set: these come before them. */
export const BYTE_FOR_BYTE = '* -text -filter -ident -working-tree-encoding\n';

/** What a file system can hold, git takes. */
export const FILES_AS_THEY_ARE = `[core]
	repositoryformatversion = 0
	bare = false
	fileMode = true
	symlinks = true
	ignoreCase = false
	precomposeUnicode = false
	autocrlf = false
	protectNTFS = false
	protectHFS = false
	logAllRefUpdates = false
[index]
	version = 4
`;

/**
 * The daemon's own repository beside a folder in which an agent works: captures what is in the folder and puts it back.
 * It has its own configuration, index and objects, and reads no configuration of a repository in the folder, which the
 * agent may have written. One process uses it at a time.
 */
export class ShadowRepository {
  private constructor(
    readonly place: GitPlace & { readonly workTree: string },
    private readonly maxFileBytes: number,
  ) {
    this.#followed = new FollowedIndex(place);
  }

  readonly #followed: FollowedIndex;

  /** Opens a folder's shadow, or makes it. */
  static async open(
    gitDir: string,
    workTree: string,
    { maxFileBytes = MAX_FILE_BYTES }: ShadowOptions = {},
  ): Promise<ShadowRepository> {
    for (const folder of ['refs', 'objects', 'info'])
      await mkdir(join(gitDir, folder), { recursive: true, mode: 0o700 });
    await writeFile(join(gitDir, 'config'), FILES_AS_THEY_ARE);
    await writeFile(join(gitDir, 'info/attributes'), BYTE_FOR_BYTE);
    await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
    await clearIncoming(gitDir);
    return new ShadowRepository({ gitDir, workTree }, maxFileBytes);
  }

  /**
   * Writes everything that is in the folder, whoever made it, as a tree.
   * @throws GitFailed
   */
  async capture(): Promise<Capture> {
    await this.#unlock();
    const others = ['ls-files', '-z', '--others', '--exclude-standard', ...(await this.#ownExcludes())];
    const [known, files, folders] = await Promise.all([
      git(this.place, ['diff-files', '-z', '--name-status', '--ignore-submodules=all']).then(pathsIn),
      git(this.place, others).then(pathsIn),
      git(this.place, [...others, '--directory']).then(pathsIn),
    ]);
    const { gone, changed } = sorted(known);
    const leftOut = [...emptyAmong(folders, files), ...files.filter(isFolder).map(nested)];
    const taken: PathBytes[] = [];
    const followed = await this.#followed.beyond(files);
    for (const path of new Set([...changed, ...files.filter((path) => !isFolder(path)), ...followed])) {
      const reason = await this.#hindrance(path);
      if (reason === null) taken.push(path);
      else leftOut.push({ path, reason });
    }
    await this.#index('--force-remove', [...gone, ...leftOut.map(({ path }) => path)]);
    await this.#index('--add', taken);
    leftOut.push(...(await this.#refusedOf(files, taken)));
    return { tree: await this.#writeTree(leftOut), leftOut: leftOut.sort(byPath) };
  }

  /**
   * Makes the folder what a tree says, from what was captured last: touches what differs, and nothing else.
   * @param from the tree of that capture.
   * @throws RestoreBlocked
   * @throws GitFailed
   */
  async restore(from: string, to: string): Promise<void> {
    await this.#unlock();
    const blocking = await inTheWay(this.place.workTree, await this.changes(from, to));
    if (blocking.length > 0) throw new RestoreBlocked(blocking);
    await git(this.place, ['read-tree', '-m', '-u', from, to]);
  }

  /** What differs between two trees. */
  changes(from: string, to: string): Promise<readonly TreeChange[]> {
    return changesBetween(this.place, from, to);
  }

  /** A folder that became a repository of its own while it was read would be a link in the tree: it is left out, too. */
  async #writeTree(leftOut: LeftOut[]): Promise<string> {
    const tree = await gitLine(this.place, ['write-tree']);
    const links = (await this.#linksIn(tree)).map(nested);
    if (links.length === 0) return tree;
    leftOut.push(...links);
    await this.#index(
      '--force-remove',
      links.map(({ path }) => path),
    );
    return gitLine(this.place, ['write-tree']);
  }

  async #linksIn(tree: string): Promise<readonly PathBytes[]> {
    const changes = await changesBetween(this.place, this.#clean, tree);
    const links = changes.filter(({ newMode }) => newMode === GITLINK).map(({ path }) => path);
    if (links.length === 0) this.#clean = tree;
    return links;
  }

  /** A tree that is known to have no links. */
  #clean = EMPTY_TREE;

  /** What git has passed over without a word. */
  async #refusedOf(files: readonly PathBytes[], taken: readonly PathBytes[]): Promise<readonly LeftOut[]> {
    const suspects = files.filter((path) => SUSPECT.test(path));
    if (suspects.length === 0) return [];
    const known = new Set(pathsIn(await git(this.place, ['ls-files', '-z', '--', ...suspects.map(asText)])));
    const asked = new Set(taken);
    return suspects
      .filter((path) => asked.has(path) && !known.has(path))
      .map((path) => ({ path, reason: 'refused_name' }));
  }

  /** What the folder's own repository ignores besides its .gitignore files. */
  async #ownExcludes(): Promise<readonly string[]> {
    const path = join(this.place.workTree, '.git/info/exclude');
    const found = await lstat(path).catch(() => null);
    return found?.isFile() ? [`--exclude-from=${path}`] : [];
  }

  /** A git that was killed leaves its lock, and nobody else uses this repository. */
  #unlock(): Promise<void> {
    return rm(join(this.place.gitDir, 'index.lock'), { force: true });
  }

  async #index(how: '--add' | '--force-remove', paths: readonly PathBytes[]): Promise<void> {
    if (paths.length === 0) return;
    // What is gone by the time that git looks is removed; a file takes the place of the folder of its name.
    const args = [
      'update-index',
      '-z',
      ...(how === '--add' ? ['--add', '--remove', '--replace'] : [how]),
      '--stdin',
    ];
    await git(this.place, args, { input: pathInput(paths) });
  }

  /** Why a path cannot be captured; null: it can, or it is gone. */
  async #hindrance(path: PathBytes): Promise<LeftOutReason | null> {
    const absolute = absolutePath(this.place.workTree, path);
    const found = await lstat(absolute).catch(() => null);
    if (!found || found.isSymbolicLink() || found.isDirectory()) return null;
    if (!found.isFile()) return 'special_file';
    if (found.size > this.maxFileBytes) return 'too_large';
    return access(absolute, constants.R_OK).then(
      () => null,
      () => 'unreadable',
    );
  }
}

/** What git's own files are called, in any case and with what file systems of others take for the same. */
const SUSPECT = /(^|\/)\.?git/i;
const asText = (path: PathBytes): string => Buffer.from(path, 'latin1').toString('utf8');

const isFolder = (path: PathBytes): boolean => path.endsWith('/');
const nested = (path: PathBytes): LeftOut => ({ path: path.replace(/\/$/, ''), reason: 'nested_repository' });
const byPath = (a: LeftOut, b: LeftOut): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

/** Folders that git lists and finds no files in. */
function emptyAmong(folders: readonly PathBytes[], files: readonly PathBytes[]): LeftOut[] {
  const withFiles = new Set<PathBytes>();
  for (const file of files)
    for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1))
      withFiles.add(file.slice(0, at + 1));
  return folders
    .filter((path) => isFolder(path) && !withFiles.has(path))
    .map((path) => ({ path: path.slice(0, -1), reason: 'empty_folder' }));
}

/** An answer of --name-status. */
function sorted(answer: readonly string[]): { readonly gone: PathBytes[]; readonly changed: PathBytes[] } {
  const gone: PathBytes[] = [];
  const changed: PathBytes[] = [];
  for (let at = 0; at + 1 < answer.length; at += 2)
    (answer[at] === 'D' ? gone : changed).push(answer[at + 1]!);
  return { gone, changed };
}
