import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import { diffOf, type FileDiff } from '#libs/git/diff.js';
import { GitFailed } from '#libs/git/git.js';
import type { Hub } from '#libs/git/hub.js';
import { packOf, PackRefused } from '#libs/git/packs.js';
import { EMPTY_TREE } from '#libs/git/changes.js';
import { meantPaths, type PathBytes } from '#libs/git/path-bytes.js';
import { blobPart, entriesAt, entryAt, type TreeEntry } from '#libs/git/tree.js';
import type { ByteSource } from '#libs/http/byte-range.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { notFound, reaches } from '#libs/kernel/caller.js';
import { isUuid } from '#libs/kernel/ids.js';
import { invalidField, Problem } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { checkpointInContract } from '../resume/resume.queries.js';
import { ActivityRecorder } from '../task/activity.process.js';
import { visibleTask } from '../task/task.guard.js';
import { taskOf } from '../task/task.queries.js';
import type { TaskView } from '../task/task.view.js';
import type { TaskCheckpoint } from './checkpoint.dto.js';
import { checkpointBefore, checkpointBy, checkpointOfId, wholeCheckpoint } from './checkpoint.queries.js';
import { Hubs, type HubOwner } from './hubs.process.js';

/** A checkpoint that the caller may see, and the hub that its code is in or will be. */
export interface FoundCheckpoint {
  readonly checkpoint: TaskCheckpoint;
  readonly task: TaskView;
  readonly hub: Hub;
}

export interface CheckpointDiff {
  readonly checkpoint: TaskCheckpoint;
  /** What it is compared with; null: no checkpoint. */
  readonly previous: TaskCheckpoint | null;
  /** The commit that it is compared with; null: an empty folder. */
  readonly base: string | null;
  readonly files: AsyncIterable<FileDiff>;
}

/** The code of checkpoints: takes it in from daemons, and shows it. */
@Injectable()
export class CheckpointCode {
  constructor(
    private readonly reads: ReadModels,
    private readonly hubs: Hubs,
    private readonly recorder: ActivityRecorder,
    @Inject(BlobStore) private readonly blobs: BlobStore,
  ) {}

  /**
   * Takes in the pack of a checkpoint that was recorded: from then on it is safe.
   * @throws Problem PACK_INVALID
   */
  async secure(
    taskId: string,
    checkpointId: string,
    pack: Readable,
    context: RequestContext,
  ): Promise<TaskCheckpoint> {
    await this.reads.catchUpWithLog(['task', 'checkpoint']);
    const { checkpoint, hub } = await this.#find(taskId, checkpointId, context);
    await hub
      .receive(pack, { ref: `refs/makima/checkpoints/${checkpointId}`, commit: checkpoint.commitSha })
      .catch((error: unknown) => {
        throw notReceived(error, checkpoint);
      });
    const id = deriveId('checkpoint secured', checkpointId);
    const activity = { type: 'SecureCheckpoint', checkpointId } as const;
    const occurredAt = context.now.toISOString();
    const { position } = await this.recorder.record(taskId, [{ id, occurredAt, activity }], context);
    const after = await this.#find(taskId, checkpointId, { ...context, minPosition: position });
    return after.checkpoint;
  }

  /**
   * A pack of all that a checkpoint's commit leads to.
   * @param have commits that the reader has: what they lead to is left out. Those that the hub lacks are passed over.
   * @throws Problem CHECKPOINT_NOT_SAFE
   */
  async pack(
    taskId: string,
    checkpointId: string,
    have: readonly string[],
    context: RequestContext,
  ): Promise<Readable> {
    const { checkpoint, hub } = await this.safe(taskId, checkpointId, context);
    return packOf(hub.place, checkpoint.commitSha, have);
  }

  /**
   * @param against another checkpoint of the contract; without it, the one before.
   * @throws Problem CHECKPOINT_NOT_SAFE
   */
  async diff(
    taskId: string,
    checkpointId: string,
    { against, context: lines }: { readonly against?: string | undefined; readonly context: number },
    context: RequestContext,
    signal: AbortSignal,
  ): Promise<CheckpointDiff> {
    const { checkpoint, task, hub } = await this.safe(taskId, checkpointId, context);
    const previous = await this.#previous(task, checkpoint, against, context);
    const base = previous?.commitSha ?? (against === undefined ? checkpoint.previousSha : null);
    const options = { context: lines, signal };
    const files = diffOf(hub.place, base ?? EMPTY_TREE, checkpoint.commitSha, options);
    return { checkpoint, previous, base, files };
  }

  /** The entries of a folder, or of a file the one that it is. */
  async tree(
    taskId: string,
    checkpointId: string,
    path: string,
    context: RequestContext,
  ): Promise<{ readonly checkpoint: TaskCheckpoint; readonly entries: readonly TreeEntry[] }> {
    const { checkpoint, hub } = await this.safe(taskId, checkpointId, context);
    const { entries } = await entriesMeant(hub, checkpoint, path);
    if (entries.length === 0 && path !== '') throw notFound('path', path);
    return { checkpoint, entries };
  }

  /** A file's bytes; of a symlink where it leads. */
  async file(
    taskId: string,
    checkpointId: string,
    path: string,
    context: RequestContext,
  ): Promise<ByteSource> {
    const { checkpoint, hub } = await this.safe(taskId, checkpointId, context);
    for (const meant of meantPaths(path)) {
      const entry = await entryAt(hub.place, checkpoint.commitSha, meant);
      if (entry?.size == null) continue;
      const { id, size } = entry;
      return { size, tag: id, open: (from, to) => blobPart(hub.place, id, from, to) };
    }
    throw notFound('file', path);
  }

  /** Where the code is of a contract's checkpoints, or of an owner's without a contract. */
  hubOf = (owner: HubOwner): Promise<Hub> => this.hubs.of(owner);

  async #find(taskId: string, wanted: string, context: RequestContext): Promise<FoundCheckpoint> {
    const { ownerId } = context.caller;
    const found = await this.reads.read(context, async (db) => {
      const task = await visibleTask(db, context.caller, taskId);
      return { task, checkpoint: await wholeCheckpoint(db, this.blobs, { taskId, wanted, ownerId }) };
    });
    const { task, checkpoint } = found;
    if (!checkpoint) throw notFound('checkpoint', wanted);
    return { task, checkpoint, hub: await this.hubs.of({ ownerId, contractId: task.contractId }) };
  }

  /** A checkpoint whose code is there. @throws Problem CHECKPOINT_NOT_SAFE */
  async safe(taskId: string, wanted: string, context: RequestContext): Promise<FoundCheckpoint> {
    const found = await this.#find(taskId, wanted, context);
    assertSafe(found.checkpoint);
    return found;
  }

  async #previous(
    task: TaskView,
    checkpoint: TaskCheckpoint,
    against: string | undefined,
    context: RequestContext,
  ): Promise<TaskCheckpoint | null> {
    const previous = await this.reads.read(context, async (db) => {
      if (against === undefined)
        return checkpoint.previousSha === null
          ? checkpointBefore(db, task.id, checkpoint.checkpointNumber)
          : checkpointInContract(db, task.contractId, checkpoint.previousSha);
      const other = await (isUuid(against)
        ? checkpointOfId(db, against)
        : checkpointBy(db, task.id, against));
      if (!other) throw notFound('checkpoint', against);
      const itsTask = await taskOf(db, other.taskId);
      if (!itsTask || !reaches(context.caller, itsTask.contractId)) throw notFound('checkpoint', against);
      if (itsTask.contractId !== task.contractId)
        throw invalidField('against', 'must be a checkpoint of a task of the same contract');
      return other;
    });
    if (previous) assertSafe(previous);
    return previous;
  }
}

/** Why a pack was not taken in, as a Problem where there is something to be done about it. */
function notReceived(cause: unknown, { id, commitSha }: TaskCheckpoint): unknown {
  if (cause instanceof PackRefused)
    return new Problem(
      'PACK_INVALID',
      `The pack is damaged, or lacks something that commit ${commitSha} leads to: ${cause.message}. Send all that no safe checkpoint of this task holds.`,
      { cause },
    );
  if (!(cause instanceof GitFailed)) return cause;
  if (cause.isDiskFull)
    return new Problem('UNAVAILABLE', 'The disk of the hub is full: make room, and send the pack again.', {
      cause,
    });
  if (cause.command !== 'update-ref') return cause;
  return new Problem(
    'CHECKPOINT_TAKEN',
    `A checkpoint of another task has the id ${id} and another commit. Record this one under an id of its own.`,
    { cause },
  );
}

function assertSafe({ id, isSafe }: Pick<TaskCheckpoint, 'id' | 'isSafe'>): void {
  if (isSafe) return;
  throw new Problem(
    'CHECKPOINT_NOT_SAFE',
    `The code of checkpoint ${id} is not in the server's hub: its daemon has not sent it yet. Try again when the checkpoint is safe.`,
  );
}

/** What is at a path that somebody was shown: a name that is no UTF-8 is asked for as it is shown. */
async function entriesMeant(
  { place }: Hub,
  { commitSha }: TaskCheckpoint,
  shown: string,
): Promise<{ readonly meant: PathBytes; readonly entries: readonly TreeEntry[] }> {
  for (const meant of meantPaths(shown)) {
    const entries = await entriesAt(place, commitSha, meant);
    if (entries.length > 0) return { meant, entries };
  }
  return { meant: '', entries: [] };
}
