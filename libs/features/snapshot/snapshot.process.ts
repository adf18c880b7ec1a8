import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createdId } from '#libs/commands/command-context.js';
import type { Queryable } from '#libs/database/database.js';
import { notFound } from '#libs/kernel/caller.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { positionToken } from '#libs/kernel/position.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { MAX_MESSAGES, type MessagesQuery } from '../conversation/conversation.dto.js';
import { ConversationReader } from '../conversation/conversation.page.js';
import { headMoved } from '../conversation/conversation.process.js';
import { shownAt } from '../conversation/conversation.queries.js';
import { openCallsAt } from '../conversation/open-calls.js';
import { DispatchTask } from '../task/task.commands.js';
import type { OpenTask } from '../task/task.state.js';
import { visibleTask } from '../task/task.guard.js';
import type { RestoreSnapshotRequest, SnapshotsQuery, TakeSnapshotRequest } from './snapshot.dto.js';
import type { SnapshotEvent } from './snapshot.events.js';
import { snapshotBy, snapshotsOf, type HeldSnapshot, type SnapshotView } from './snapshot.queries.js';

/** Keeps what conversations show at a moment, and shows it again. */
@Injectable()
export class Snapshots {
  constructor(
    private readonly reads: ReadModels,
    private readonly cursors: CursorCodec,
    private readonly commands: CommandBus,
    private readonly reader: ConversationReader,
  ) {}

  async take(taskId: string, { note, dryRun }: TakeSnapshotRequest, context: RequestContext) {
    await this.#assertVisible(taskId, context);
    const snapshotId = createdId(context, `snapshot of ${taskId}`);
    const wanted = {
      type: 'TakeSnapshot',
      snapshotId,
      snapshotType: 'manual',
      checkpointId: null,
      note: note ?? null,
      heldAt: context.now.toISOString(),
    } as const;
    const outcome = await this.commands.execute(new DispatchTask(taskId, wanted, context, { dryRun }));
    const position = positionToken(outcome.position);
    const { controlVersion } = outcome.state as OpenTask;
    if (dryRun) {
      const { data } = outcome.events[0] as SnapshotEvent;
      return { ...previewOf(taskId, data, context), dryRun, controlVersion, position };
    }
    await this.reads.catchUp(outcome.position);
    const { last: _, ...taken } = await this.reads.read({ caller: context.caller }, (db) =>
      requireSnapshot(db, taskId, snapshotId),
    );
    return { ...taken, dryRun, controlVersion, position };
  }

  async list(taskId: string, query: SnapshotsQuery, context: RequestContext) {
    const binding = { ownerId: context.caller.ownerId, route: `snapshots/${taskId}/1`, filters: query };
    const before = query.cursor ? BigInt(this.cursors.open(binding, query.cursor)[0] as string) : null;
    const { type: types, limit } = query;
    const found = await this.reads.read(context, async (db, at) => {
      await visibleTask(db, context.caller, taskId, at);
      return snapshotsOf(db, taskId, { types, limit: limit + 1, before }, at);
    });
    const snapshots = found.slice(0, limit);
    const last = found.length > limit ? snapshots.at(-1) : undefined;
    return { taskId, snapshots, ...(last ? { cursor: this.cursors.seal(binding, [last.position]) } : {}) };
  }

  /** A snapshot with its messages, as they stood when it was taken. */
  async show(taskId: string, snapshotId: string, query: MessagesQuery, context: RequestContext) {
    const { caller } = context;
    const binding = { ownerId: caller.ownerId, route: `snapshot/${taskId}/${snapshotId}/1`, filters: query };
    const start = query.cursor ? (this.cursors.open(binding, query.cursor)[0] as number) : null;
    return this.reads.read(context, async (db) => {
      const { controlVersion } = await visibleTask(db, caller, taskId);
      const { last, ...snapshot } = await requireSnapshot(db, taskId, snapshotId);
      const shown = { branch: snapshot.branch, ...(await shownAt(db, last)) };
      const page = await this.reader.page(db, caller.ownerId, shown, BigInt(snapshot.position), {
        order: query.order,
        limit: query.limit ?? MAX_MESSAGES,
        start,
        includeToolCalls: query.include_tool_calls,
        includeToolResults: query.include_tool_results,
      });
      return {
        ...snapshot,
        conversationState: shown.segments,
        controlVersion,
        messages: page.messages,
        ...(page.next === null ? {} : { cursor: this.cursors.seal(binding, [page.next]) }),
      };
    });
  }

  /** Shows again what a snapshot holds. Like a rewind it hides nothing for good, and can be undone. */
  async restore(
    taskId: string,
    snapshotId: string,
    request: RestoreSnapshotRequest,
    context: RequestContext,
  ) {
    const { reason, dryRun } = request;
    await this.reads.catchUpWithLog();
    const { last, messageCount, openCalls } = await this.reads.read(
      { caller: context.caller },
      async (db) => {
        await visibleTask(db, context.caller, taskId);
        const snapshot = await requireSnapshot(db, taskId, snapshotId);
        const { segments } = await shownAt(db, snapshot.last);
        return { ...snapshot, openCalls: await openCallsAt(db, segments) };
      },
    );
    const command = {
      type: 'RestoreConversation',
      keepUpTo: last,
      keptMessages: messageCount,
      point: { kind: 'snapshot', value: snapshotId },
      reason: reason ?? null,
      openCalls,
      ...(context.ifMatch === undefined ? {} : { expectedControlVersion: context.ifMatch }),
    } as const;
    const outcome = await this.commands.execute(new DispatchTask(taskId, command, context, { dryRun }));
    await this.reads.catchUp(outcome.position);
    return { ...headMoved(taskId, outcome, dryRun), snapshotId };
  }

  async #assertVisible(taskId: string, { caller }: RequestContext): Promise<void> {
    await this.reads.catchUpWithLog();
    await this.reads.read({ caller }, (db) => visibleTask(db, caller, taskId));
  }
}

/** @throws Problem NOT_FOUND */
async function requireSnapshot(db: Queryable, taskId: string, snapshotId: string): Promise<HeldSnapshot> {
  const snapshot = await snapshotBy(db, taskId, snapshotId);
  if (!snapshot) throw notFound('snapshot', snapshotId);
  return snapshot;
}

/** The snapshot as it would be taken. */
function previewOf(
  taskId: string,
  { snapshotId, checkpointId, snapshotType, messageCount, branch, seq, note }: SnapshotEvent['data'],
  { actor, now }: RequestContext,
): Omit<SnapshotView, 'position'> {
  return {
    id: snapshotId,
    taskId,
    checkpointId,
    snapshotType,
    messageCount,
    branch,
    seq,
    note,
    takenBy: actor,
    createdAt: now.toISOString(),
  };
}
