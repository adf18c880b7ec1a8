import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from './git.js';
import type { CachedRepository } from './repository-cache.js';
import { shownAddress } from './repository-url.js';
import type { TaskHead } from './task-head.js';

const CORE = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = false
	logallrefupdates = true
`;

/** Writes a repository without commits, hooks or templates. */
export async function emptyRepository(gitDir: string, config = ''): Promise<void> {
  for (const folder of ['objects/pack', 'objects/info', 'refs/heads', 'refs/tags', 'info'])
    await mkdir(join(gitDir, folder), { recursive: true });
  await writeFile(join(gitDir, 'config'), CORE + config);
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/main\n');
}

/**
 * Writes what `git clone` would have, without a checkout: branches of the origin, tags, and one branch. The objects are
 * copies (which cost nothing where the file system shares blocks): whoever writes into them harms nobody else.
 */
export async function clonedRepository(
  gitDir: string,
  { address, place, head }: CachedRepository,
  { branch, commit }: TaskHead,
): Promise<void> {
  const remote = `[remote "origin"]\n\turl = ${quoted(shownAddress(address))}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`;
  const tracking =
    branch === null
      ? ''
      : `[branch ${quoted(branch)}]\n\tremote = origin\n\tmerge = ${quoted(`refs/heads/${branch}`)}\n`;
  await emptyRepository(gitDir, remote + tracking);
  const [refs] = await Promise.all([refsOf(place.gitDir), copyPacks(place.gitDir, gitDir)]);
  if (branch !== null && commit !== null) refs.push([`refs/heads/${branch}`, commit]);
  await writeFile(join(gitDir, 'packed-refs'), packedRefs(refs));
  await mkdir(join(gitDir, 'refs/remotes/origin'), { recursive: true });
  if (head.branch !== null)
    await writeFile(join(gitDir, 'refs/remotes/origin/HEAD'), `ref: refs/remotes/origin/${head.branch}\n`);
  if (branch !== null) await writeFile(join(gitDir, 'HEAD'), `ref: refs/heads/${branch}\n`);
  else if (commit !== null) await writeFile(join(gitDir, 'HEAD'), `${commit}\n`);
}

async function copyPacks(from: string, to: string): Promise<void> {
  const names = await readdir(join(from, 'objects/pack'));
  // What is not whole yet has no index.
  for (const name of names.filter((one) => names.includes(one.replace(/\.\w+$/, '.idx'))))
    await copyFile(
      join(from, 'objects/pack', name),
      join(to, 'objects/pack', name),
      constants.COPYFILE_FICLONE,
    );
}

type Ref = readonly [name: string, id: string, peeled?: string];

/** The cache's branches as the origin's, and its tags. */
async function refsOf(gitDir: string): Promise<Ref[]> {
  const format = '--format=%(refname)%00%(objectname)%00%(*objectname)';
  const answer = await git({ gitDir }, ['for-each-ref', format, 'refs/heads/', 'refs/tags/']);
  return answer
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name, id, peeled] = line.split('\0') as [string, string, string];
      return [name.replace(/^refs\/heads\//, 'refs/remotes/origin/'), id, peeled];
    });
}

/** Sorted by bytes, as its head says: git looks for names by halves. */
function packedRefs(refs: readonly Ref[]): string {
  const sorted = [...refs].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const lines = sorted.map(
    ([name, id, peeled = '']) => `${id} ${name}\n${peeled === '' ? '' : `^${peeled}\n`}`,
  );
  return `# pack-refs with: peeled fully-peeled sorted \n${lines.join('')}`;
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
