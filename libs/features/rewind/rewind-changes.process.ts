import { Injectable } from '@nestjs/common';
import { diffOf } from '#libs/git/diff.js';
import { shownPath } from '#libs/git/path-bytes.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { checkpointOfId, type CheckpointView } from '../checkpoint/checkpoint.queries.js';
import { FolderCheckpoints } from '../checkpoint/folder-checkpoints.process.js';
import { Hubs } from '../checkpoint/hubs.process.js';
import type { TaskView } from '../task/task.view.js';
import type { OpenTask } from '../task/task.state.js';
import type { RewoundFileAnswer, RewoundFilesAnswer } from './rewind.dto.js';

/** Files that an answer names. */
const MOST_FILES = 1_000;

/** What a rewind does to the files of a folder, as the hub has them. */
@Injectable()
export class RewindChanges {
  constructor(
    private readonly reads: ReadModels,
    private readonly hubs: Hubs,
    private readonly folders: FolderCheckpoints,
  ) {}

  /** What would become of the folder as it is now; null where neither side is in the hub. */
  async ofFolder(
    task: TaskView,
    state: OpenTask,
    target: CheckpointView,
    context: RequestContext,
  ): Promise<RewoundFilesAnswer | null> {
    const now = await this.folders.now(task.id, state, context);
    const basedOn = now ?? state.rewind.code?.checkpointId;
    return basedOn === undefined
      ? null
      : this.#between(task, basedOn, target, { isFolder: now !== null }, context);
  }

  /** What became of what was there before. */
  async since(
    task: TaskView,
    before: string,
    target: CheckpointView,
    context: RequestContext,
  ): Promise<RewoundFilesAnswer | null> {
    return this.#between(task, before, target, { isFolder: true }, context);
  }

  async #between(
    { contractId }: TaskView,
    basedOn: string,
    target: CheckpointView,
    { isFolder }: { readonly isFolder: boolean },
    { caller }: RequestContext,
  ): Promise<RewoundFilesAnswer | null> {
    const from = await this.reads.read({ caller }, (db) => checkpointOfId(db, basedOn));
    if (!from?.isSafe || !target.isSafe) return null;
    const hub = await this.hubs.of({ ownerId: caller.ownerId, contractId });
    const files: RewoundFileAnswer[] = [];
    const totals = { filesChanged: 0, insertions: 0, deletions: 0 };
    for await (const file of diffOf(hub.place, from.commitSha, target.commitSha, { context: 0 })) {
      const { action, additions, deletions } = file;
      totals.filesChanged += 1;
      totals.insertions += additions;
      totals.deletions += deletions;
      if (files.length < MOST_FILES) files.push({ path: shownPath(file.path), action, additions, deletions });
    }
    return { ...totals, files, basedOn, isFolder };
  }
}
