import type { RepositoryCache, CachedRepository } from '#libs/git/repository-cache.js';
import type { Checkpoints, Recording } from './checkpoints.js';
import { failpoint } from './failpoint.js';
import type { TaskPlace } from './home.js';
import type { Journal } from './journal.js';
import type { Lease } from './protocol.js';
import { fetched, restoreTo } from './restoring.js';
import { reasonIn, untilAnswered } from './retry.js';
import type { ServerApi } from './server-api.js';
import type { TaskCode } from './task-code.js';

export interface WorkFolderTools {
  readonly place: TaskPlace;
  readonly cache: RepositoryCache;
  readonly journal: Journal;
  readonly api: Pick<ServerApi, 'pack' | 'completed'>;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** A task's repository, fetched now; as it was before if it cannot be. */
export async function repositoryOf(
  { repository }: Pick<Lease, 'repository'>,
  { cache, log }: Pick<WorkFolderTools, 'cache' | 'log'>,
): Promise<CachedRepository | null> {
  if (repository === null) return null;
  return cache.refresh(repository).catch(async (error: unknown) => {
    const kept = await cache.kept(repository);
    if (!kept) throw error;
    log(`the repository is taken as it was fetched last: ${reasonIn(error)}`);
    return kept;
  });
}

/**
 * Brings the folder to where the lease says that the code is. What is in it otherwise is kept as a checkpoint first.
 * @throws GitFailed, RestoreBlocked, NotRestored, PackRefused, ApiError: for people, why the task cannot be run here
 */
export async function prepareFolder(
  lease: Lease,
  code: TaskCode,
  checkpoints: Checkpoints,
  recording: Recording,
  tools: WorkFolderTools,
): Promise<void> {
  const { journal } = tools;
  const isNew = code.isNew || !journal.state.isPrepared;
  failpoint('folder-half-made');
  const { checkpoint, restore, rewindId } = lease.code;
  if (checkpoint && (restore || isNew)) await restoreAt(lease, code, checkpoints, recording, tools);
  else if (checkpoint && !journal.state.code && (await code.has(checkpoint.commitSha)))
    await journal.update({ code: { ...checkpoint, tree: await code.treeOf(checkpoint.commitSha) } });
  if (isNew) await addTo(lease, code, tools);
  const begun = isNew ? { begunAt: (await code.head())?.commit ?? null } : {};
  await journal.update({ isPrepared: true, ...begun });
  if (rewindId) {
    const { tree } = await code.capture();
    await untilAnswered(() => tools.api.completed(lease.taskId, rewindId, tree), tools);
  }
}

async function restoreAt(
  { code: { checkpoint } }: Lease,
  code: TaskCode,
  checkpoints: Checkpoints,
  recording: Recording,
  tools: WorkFolderTools,
): Promise<void> {
  if (!checkpoint) return;
  const tree = await fetched(checkpoint, { code, ...tools });
  if (!code.isNew && tools.journal.state.isPrepared) {
    const message = `Before the folder goes to checkpoint ${checkpoint.checkpointId}`;
    await checkpoints.take(recording, { trigger: 'safety', message, isAside: true });
    // Half-way there the folder is nowhere: what is killed is done again, and nobody takes it for the code.
    await tools.journal.update({ isPrepared: false });
  }
  // A clone that was made now is at its commit: only its files are not.
  const head = code.isNew ? await code.head() : null;
  const isAtCommit = head?.commit === checkpoint.headSha && head?.branch === checkpoint.branchName;
  const repository = isAtCommit ? { headSha: null, branchName: null } : checkpoint;
  await restoreTo(code, await code.capture(), repository, tree);
  await tools.journal.update({ code: { ...checkpoint, tree } });
}

/** What a new folder gets besides: a branch of its own, and files of another task. */
async function addTo(
  { code: { branchName, copyFiles } }: Lease,
  code: TaskCode,
  tools: WorkFolderTools,
): Promise<void> {
  const head = await code.head();
  if (branchName !== null && head && head.branch !== branchName)
    await code.moveRepository({ branch: branchName, commit: head.commit });
  if (!copyFiles) return;
  await fetched(copyFiles, { code, ...tools });
  const { tree } = await code.capture();
  await code.restore(tree, await code.overlaid(tree, copyFiles.commitSha, copyFiles.paths));
}
