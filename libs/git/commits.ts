import { dirname, join } from 'node:path';
import { git, gitLine, isObjectId, type GitPlace } from './git.js';
import { folderOnDisk } from './on-disk.js';

/** Names of refs that are ours: letters, digits, and what git allows between them. */
const REF = /^refs\/makima(?:\/[0-9a-z][0-9a-z-]*)+$/;

export interface NewCommit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** ISO 8601. */
  readonly at: string;
}

const AUTHOR = 'makima';
const EMAIL = 'makima@localhost';

/** Writes a commit. The same one has the same id, so writing it twice changes nothing. @throws GitFailed */
export async function writeCommit(
  place: GitPlace,
  { tree, parents, message, at }: NewCommit,
): Promise<string> {
  const date = `@${Math.floor(Date.parse(at) / 1_000)} +0000`;
  const args = [
    'commit-tree',
    assertId(tree),
    ...parents.flatMap((parent) => ['-p', assertId(parent)]),
    '-F',
    '-',
  ];
  return gitLine(place, args, {
    input: message,
    environment: {
      GIT_AUTHOR_NAME: AUTHOR,
      GIT_AUTHOR_EMAIL: EMAIL,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: AUTHOR,
      GIT_COMMITTER_EMAIL: EMAIL,
      GIT_COMMITTER_DATE: date,
    },
  });
}

/**
 * Keeps a commit, and all that it leads to, from being collected, and waits until that is on the disk: git alone loses
 * the name of a ref in a power cut.
 * @param ref `refs/makima/…`
 * @throws GitFailed, if the ref names another commit already.
 */
export async function pin(place: GitPlace, ref: string, commit: string): Promise<void> {
  if (!REF.test(ref)) throw new TypeError(`not the name of a ref of ours: ${ref}`);
  await createRef(place, ref, commit);
}

/**
 * Makes a ref, or leaves one that names this commit, and waits until it is on the disk.
 * @param ref a name that was checked.
 * @throws GitFailed, if it names another commit already.
 */
export async function createRef(place: GitPlace, ref: string, commit: string): Promise<void> {
  const { gitDir } = place;
  await git(place, ['update-ref', ref, assertId(commit), '0'.repeat(commit.length)]).catch(
    async (error: unknown) => {
      // It is pinned already, perhaps by somebody else at this moment.
      if ((await pinned(place, ref)) !== commit) throw error;
    },
  );
  for (let folder = dirname(join(gitDir, ref)); folder.length >= gitDir.length; folder = dirname(folder))
    await folderOnDisk(folder);
}

/** The commit that a ref of ours names; null: there is none. */
export async function pinned(place: GitPlace, ref: string): Promise<string | null> {
  const found = await gitLine(place, ['for-each-ref', '--format=%(objectname) %(refname)', ref]);
  // Git lists what stands below such a name, too.
  const line = found.split('\n').find((one) => one.endsWith(` ${ref}`));
  return line?.split(' ', 1)[0] ?? null;
}

/** The tree of a commit, or the tree itself. @throws GitFailed */
export const treeOf = (place: GitPlace, id: string): Promise<string> =>
  gitLine(place, ['rev-parse', '--verify', `${assertId(id)}^{tree}`]);

function assertId(id: string): string {
  if (!isObjectId(id)) throw new TypeError(`not an object id: ${id}`);
  return id;
}
