import type { Readable } from 'node:stream';
import { pinned } from './commits.js';
import { git, readableOf, startGit, type GitPlace } from './git.js';
import { knownAmong } from './packs.js';
import { isBranchRef } from './task-head.js';

/** What shows a name as another one. */
const MISLEADING = /[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const MOST_BYTES = 200;

/** Whether git takes a name for a branch, and people see it as it is; at most 200 bytes. */
export const isBranchName = (name: string): boolean =>
  isBranchRef(refOf(name)) && Buffer.byteLength(name) <= MOST_BYTES && name !== '@' && !MISLEADING.test(name);

const refOf = (name: string): string => `refs/heads/${name}`;

/** The commit of a branch in a repository of ours; null: there is none of this name. */
export const branchTip = (place: GitPlace, name: string): Promise<string | null> =>
  pinned(place, refOf(name));

/**
 * A bundle of a branch that is there, which `git fetch` reads like a repository.
 * @param have commits that the reader has: what they lead to is left out; what is unknown here is passed over.
 */
export async function bundleOf(place: GitPlace, name: string, have: readonly string[]): Promise<Readable> {
  if (!isBranchName(name)) throw new TypeError(`not the name of a branch: ${name}`);
  const without = (await knownAmong(place, have, {})).map((id) => `^${id}`);
  // Git makes no bundle of nothing.
  const isAnyLeft = (await git(place, ['rev-list', '--max-count=1', refOf(name), ...without])).length > 0;
  const running = startGit(place, [
    ...['bundle', 'create', '--quiet', '-', refOf(name)],
    ...(isAnyLeft ? without : []),
  ]);
  running.stdin.end();
  return readableOf(running);
}
