import { copyFile, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changesBetween, GITLINK, type TreeChange } from './changes.js';
import { FollowedIndex } from './followed-index.js';
import { git, gitLine, type GitPlace } from './git.js';
import { inTheWay } from './in-the-way.js';
import {
  byPath,
  emptyAmong,
  hindrance,
  isFolderName,
  nested,
  repositoriesAmong,
  type LeftOut,
} from './left-out.js';
import { clearIncoming } from './packs.js';
import { parentsOf, pathInput, pathsIn, type PathBytes } from './path-bytes.js';
import { ignoredThere, RestoreBlocked } from './restore.js';

export interface Capture {
  /** The tree of everything that is there, is not ignored, and is not left out. */
  readonly tree: string;
  readonly leftOut: readonly LeftOut[];
}

export interface ShadowOptions {
  /** Files of more bytes are left out (default 100 MiB). */
  readonly maxFileBytes?: number;
}

const EMPTY_BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';
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
    const others = [...(await this.#ownExcludes()), 'ls-files', '-z', '--others', '--exclude-standard'];
    const [known, files, folders] = await Promise.all([
      git(this.place, ['diff-files', '-z', '--name-status', '--ignore-submodules=all']).then(pathsIn),
      git(this.place, others).then(pathsIn),
      git(this.place, [...others, '--directory']).then(pathsIn),
    ]);
    const { gone, changed } = sorted(known);
    const leftOut = files.filter(isFolderName).map(nested);
    const followed = await this.#followed.beyond(files);
    const taken: PathBytes[] = [];
    for (const path of new Set([...changed, ...files.filter((path) => !isFolderName(path)), ...followed])) {
      const reason = await hindrance(this.place.workTree, path, this.maxFileBytes);
      if (reason === null) taken.push(path);
      else leftOut.push({ path, reason });
    }
    await this.#index('--force-remove', [...gone, ...leftOut.map(({ path }) => path)]);
    await this.#index('--add', taken);
    leftOut.push(...(await this.#refusedOf(files, taken)));
    const { empty, others: hiding } = emptyAmong(folders, files);
    leftOut.push(
      ...(hiding.length === 0 ? empty : await this.#emptyNow([...others, '--directory'], leftOut)),
    );
    return { tree: await this.#writeTree(leftOut), leftOut: leftOut.sort(byPath) };
  }

  /** Of a folder in which it knows no file, git says nothing but that: it is told of those that are left out. */
  async #emptyNow(question: readonly string[], leftOut: readonly LeftOut[]): Promise<readonly LeftOut[]> {
    const index = join(this.place.gitDir, 'told-index');
    const environment = { GIT_INDEX_FILE: index };
    await rm(`${index}.lock`, { force: true });
    await copyFile(join(this.place.gitDir, 'index'), index).catch(() => rm(index, { force: true }));
    const told = leftOut.filter(({ reason }) => reason !== 'refused_name').map(({ path }) => path);
    const lines = told.map((path) => `100644 ${EMPTY_BLOB}\t${path}`);
    await git(this.place, ['update-index', '-z', '--index-info'], { environment, input: pathInput(lines) });
    const folders = pathsIn(await git(this.place, question, { environment }));
    return emptyAmong(
      folders,
      leftOut.map(({ path }) => `${path}/`),
    ).empty;
  }

  /**
   * Makes the folder what a tree says, from what was captured last: touches what differs, and nothing else. What that
   * tree ignores stays where it is.
   * @param from the tree of that capture.
   * @throws RestoreBlocked
   * @throws GitFailed
   */
  async restore(from: string, to: string): Promise<void> {
    await this.#unlock();
    const changes = await this.changes(from, to);
    const kept = new Set(await ignoredThere(this.place, to, changes, await this.#ownExcludes()));
    const blocking = await inTheWay(
      this.place.workTree,
      changes.filter(({ path }) => !kept.has(path)),
    );
    if (blocking.length > 0) throw new RestoreBlocked(blocking);
    await this.#index('--force-remove', [...kept]);
    const without = kept.size === 0 ? from : await gitLine(this.place, ['write-tree']);
    await git(this.place, ['read-tree', '-m', '-u', without, to]);
  }

  /** What differs between two trees. */
  changes(from: string, to: string): Promise<readonly TreeChange[]> {
    return changesBetween(this.place, from, to);
  }

  /**
   * A folder that became a repository of its own, before or while it was read, would be a link in the tree, or files of
   * somebody else: it is left out, too.
   */
  async #writeTree(leftOut: LeftOut[]): Promise<string> {
    const tree = await gitLine(this.place, ['write-tree']);
    const links = await this.#linksIn(tree);
    const repositories = await repositoriesAmong(this.place.workTree, this.#folders);
    if (links.length === 0 && repositories.length === 0) return tree;
    const below = pathsIn(await git(this.place, ['ls-files', '-z'])).filter((path) =>
      repositories.some((repository) => path.startsWith(`${repository}/`)),
    );
    await this.#index('--force-remove', [...links, ...below]);
    for (const repository of repositories) this.#folders.delete(repository);
    leftOut.push(...[...links, ...repositories].map(nested));
    return (this.#known = await gitLine(this.place, ['write-tree']));
  }

  /** Learns what folders are in a tree. */
  async #linksIn(tree: string): Promise<readonly PathBytes[]> {
    const changed =
      this.#known === null
        ? await foldersOf(this.place, tree)
        : await changesBetween(this.place, this.#known, tree);
    this.#known = tree;
    for (const { path } of changed) for (const parent of parentsOf(path)) this.#folders.add(parent);
    return changed.filter(({ newMode }) => newMode === GITLINK).map(({ path }) => path);
  }

  /** The tree of the capture before, which has no links, and the folders that were in captures. */
  #known: string | null = null;
  readonly #folders = new Set<PathBytes>();

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
    return found?.isFile() ? ['-c', `core.excludesFile=${path}`] : [];
  }

  /** A git that was killed leaves its lock, and nobody else uses this repository. */
  #unlock(): Promise<void> {
    return rm(join(this.place.gitDir, 'index.lock'), { force: true });
  }

  async #index(how: '--add' | '--force-remove', paths: readonly PathBytes[]): Promise<void> {
    if (paths.length === 0) return;
    // What is gone by the time that git looks is removed; a file takes the place of the folder of its name.
    const args = [
      ...(paths.length < PACK_FROM ? [] : INTO_A_PACK),
      'update-index',
      '--index-version=4',
      '-z',
      ...(how === '--add' ? ['--add', '--remove', '--replace'] : [how]),
      '--stdin',
    ];
    await git(this.place, args, { input: pathInput(paths) });
  }
}

/**
 * What git takes for large it writes into one pack, for which it waits once: of many files it would wait for each, and each
 * would take a block of the disk.
 */
const INTO_A_PACK = ['-c', 'core.bigFileThreshold=1'];
const PACK_FROM = 10;

/** What git's own files are called, in any case and with what file systems of others take for the same. */
const SUSPECT = /(^|\/)\.?git/i;
const asText = (path: PathBytes): string => Buffer.from(path, 'latin1').toString('utf8');

/** The folders of a tree, each as if something in it had changed, and its links: a fraction of what is in it. */
async function foldersOf(
  place: GitPlace,
  tree: string,
): Promise<readonly { readonly path: PathBytes; readonly newMode: string }[]> {
  const entries = pathsIn(await git(place, ['ls-tree', '-r', '-d', '-z', tree]));
  return entries.map((line) => {
    const newMode = line.slice(0, GITLINK.length);
    const path = line.slice(line.indexOf('\t') + 1);
    return { newMode, path: newMode === GITLINK ? path : `${path}/` };
  });
}

/** An answer of --name-status. */
function sorted(answer: readonly string[]): { readonly gone: PathBytes[]; readonly changed: PathBytes[] } {
  const gone: PathBytes[] = [];
  const changed: PathBytes[] = [];
  for (let at = 0; at + 1 < answer.length; at += 2)
    (answer[at] === 'D' ? gone : changed).push(answer[at + 1]!);
  return { gone, changed };
}
