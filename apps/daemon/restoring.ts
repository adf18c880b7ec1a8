import { shownPath } from '#libs/git/path-bytes.js';
import type { Journal } from './journal.js';
import type { CodePoint } from './protocol.js';
import { untilAnswered } from './retry.js';
import type { ServerApi } from './server-api.js';
import type { Captured, TaskCode } from './task-code.js';

/** A restore did not lead where it should: the message says what differs. */
export class NotRestored extends Error {
  override readonly name = 'NotRestored';
}

export interface FetchOptions {
  readonly code: TaskCode;
  readonly api: Pick<ServerApi, 'pack'>;
  readonly journal: Journal;
  readonly signal: AbortSignal;
}

/** Brings the code of a checkpoint here if it is not. @returns its tree. @throws ApiError, PackRefused */
export async function fetched(
  point: Pick<CodePoint, 'taskId' | 'checkpointId' | 'commitSha'>,
  { code, api, journal, signal }: FetchOptions,
): Promise<string> {
  if (!(await code.has(point.commitSha)))
    await untilAnswered(
      async () => {
        const pack = await api.pack(point, [...journal.state.safe, ...(await headHere(code))]);
        await code.receive(pack, point.checkpointId, point.commitSha);
      },
      { signal },
    );
  return code.treeOf(point.commitSha);
}

/** A new folder begins with the contract's repository, of which the hub need send nothing. */
async function headHere(code: TaskCode): Promise<readonly string[]> {
  const commit = (await code.head())?.commit;
  return commit != null && (await code.has(commit)) ? [commit] : [];
}

/**
 * Makes the folder, and its own repository, what a checkpoint says, and looks whether they are.
 * @param from what was captured last.
 * @throws RestoreBlocked, if nothing was changed; NotRestored; TaskRepositoryUnusable
 */
export async function restoreTo(
  code: TaskCode,
  from: Captured,
  target: Pick<CodePoint, 'headSha' | 'branchName'>,
  tree: string,
): Promise<void> {
  if (from.tree !== tree) await code.restore(from.tree, tree);
  await moveTo(code, target);
  const after = await code.capture();
  if (after.tree === tree) return;
  const { files } = await code.changes(tree, after.tree);
  const named = files.slice(0, 5).map(({ path }) => shownPath(path));
  throw new NotRestored(`${files.length} files are not as the checkpoint has them: ${named.join(', ')}`);
}

/** A checkpoint of a folder without a repository says nothing of one. */
async function moveTo(
  code: TaskCode,
  { headSha, branchName }: Pick<CodePoint, 'headSha' | 'branchName'>,
): Promise<void> {
  if (headSha !== null) await code.moveRepository({ branch: branchName, commit: headSha });
  else if (branchName !== null && (await code.head()))
    await code.moveRepository({ branch: branchName, commit: null });
}
