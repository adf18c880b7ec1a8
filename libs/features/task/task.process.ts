import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createdId } from '#libs/commands/command-context.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { hydrate } from '#libs/event-store/long-values.js';
import { isInnerPath } from '#libs/git/inner-path.js';
import { notFound, reaches } from '#libs/kernel/caller.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { positionToken } from '#libs/kernel/position.js';
import { invalidField, Problem } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels, type ReadContext } from '#libs/projections/read-models.js';
import { DispatchContract } from '../contract/contract.commands.js';
import { contractOf } from '../contract/contract.queries.js';
import { Daemons } from '../daemon/daemon.process.js';
import type { LeaseHeld } from '../lease/lease.decider.js';
import type { RecordActivityRequest } from './activity.dto.js';
import { ActivityRecorder } from './activity.process.js';
import { activitiesOf } from './activity.js';
import { DispatchTask } from './task.commands.js';
import type { TaskCommand } from './task.decider.js';
import type { OpenTask } from './task.state.js';
import type { CreateTaskRequest, ReassignTaskRequest, ReportTestsRequest, TasksQuery } from './task.dto.js';
import { taskStream } from './task.events.js';
import { visibleTask } from './task.guard.js';
import { taskProjection } from './task.projection.js';
import { tasksBy, wholeTask } from './task.queries.js';
import { taskFrom, type TaskRow, type WholeTask } from './task.view.js';
import { WaitingForDaemons } from './waiting.process.js';

/** What tasks are asked to do over HTTP. */
@Injectable()
export class Tasks {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly cursors: CursorCodec,
    private readonly recorder: ActivityRecorder,
    private readonly waiting: WaitingForDaemons,
    private readonly daemons: Daemons,
    @Inject(BlobStore) private readonly blobs: BlobStore,
  ) {}

  async create(request: CreateTaskRequest, context: RequestContext) {
    const { parentTaskId, continueFromTaskId } = request;
    assertInnerPaths(request.copyFiles ?? []);
    // A tool key works in its contract.
    const contractId = request.contractId ?? context.caller.contractId;
    await this.reads.catchUpWithLog();
    await this.#requireKnown(context, contractId, [parentTaskId, continueFromTaskId]);
    const taskId = createdId(context, 'task');
    let { position } = await this.#dispatch(
      taskId,
      {
        type: 'CreateTask',
        data: {
          taskId,
          contractId: contractId ?? null,
          parentTaskId: parentTaskId ?? null,
          name: request.name,
          plan: request.plan,
          isSupervisor: request.isSupervisor,
          continueFromTaskId: continueFromTaskId ?? null,
          checkpointSha: request.checkpointSha ?? null,
          copyFiles: request.copyFiles ?? [],
          source: null,
        },
      },
      context,
    );
    if (request.isSupervisor && contractId !== undefined) {
      const set = { type: 'SetSupervisor', taskId } as const;
      const supervised = await this.commands.execute(
        new DispatchContract(contractId, set, { ...context, idempotent: false }),
      );
      if (supervised.position > position) position = supervised.position;
    }
    const task = await this.reads.afterwards(position, taskProjection, {
      shown: () => this.show(taskId, { caller: context.caller }),
      logged: async () => {
        const row = await this.reads.rowInLog<TaskRow>(taskProjection, taskStream(taskId));
        return hydrate(this.blobs, context.caller.ownerId, taskFrom(row!));
      },
    });
    return { ...task, position: positionToken(position) };
  }

  async list(query: TasksQuery, context: RequestContext) {
    const binding = { ownerId: context.caller.ownerId, route: 'tasks/1', filters: query };
    const after = query.cursor ? (this.cursors.open(binding, query.cursor) as [string, string]) : undefined;
    const { contractId: only } = context.caller;
    const contractId = query.contract_id ?? only;
    if (only !== undefined && contractId !== only) return { tasks: [] };
    const tasks = await this.reads.read(context, (db) =>
      tasksBy(db, {
        contractId,
        parentTaskId: query.parent_task_id,
        status: query.status,
        limit: query.limit,
        after,
      }),
    );
    const last = tasks.length === query.limit ? tasks.at(-1) : undefined;
    return { tasks, ...(last ? { cursor: this.cursors.seal(binding, [last.createdAt, last.id]) } : {}) };
  }

  /** @throws Problem NOT_FOUND for a task of another owner, or outside of a tool key's contract. */
  async show(taskId: string, context: ReadContext): Promise<WholeTask> {
    const { caller } = context;
    return this.reads.read(context, async (db, at) => {
      const task = await visibleTask(db, caller, taskId, at);
      if (!task.truncated) return task;
      return (await wholeTask(db, this.blobs, { taskId, ownerId: caller.ownerId, at })) ?? task;
    });
  }

  /** @param lease the one that a daemon speaks under. @throws Problem LEASE_STALE, which is put on record. */
  async record(
    taskId: string,
    request: RecordActivityRequest,
    context: RequestContext,
    lease: LeaseHeld | undefined,
  ) {
    const activities = activitiesOf(request.items);
    if (context.caller.contractId) await this.show(taskId, { caller: context.caller });
    const happenings = request.items.map(({ id, occurredAt }, index) => ({
      id,
      occurredAt: (occurredAt ?? context.now).toISOString(),
      activity: activities[index]!,
    }));
    const underLease = lease ?? (context.caller.kind === 'daemon' ? null : undefined);
    const { position, ...outcome } = await this.recorder
      .record(taskId, happenings, context, underLease)
      .catch(async (error: unknown) => {
        if (lease && error instanceof Problem && error.code === 'LEASE_STALE') {
          const refused = {
            taskId,
            epoch: lease.epoch,
            items: happenings.length,
            firstId: happenings[0]!.id,
          };
          await this.daemons.noteRefused(lease.daemonId, refused, context);
        }
        throw error;
      });
    return { taskId, ...outcome, position: positionToken(position) };
  }

  async reassign(taskId: string, request: ReassignTaskRequest, context: RequestContext) {
    const command = { type: 'Reassign', targetDaemonId: request.targetDaemonId ?? null } as const;
    const { state, position } = await this.#dispatch(taskId, command, context);
    return {
      taskId,
      targetDaemonId: command.targetDaemonId,
      ...(await this.waiting.answer(state as OpenTask, command.targetDaemonId, context.caller)),
      position: positionToken(position),
    };
  }

  /** What a rewind to the last green checkpoint goes by. */
  async reportTests(taskId: string, { passed, summary }: ReportTestsRequest, context: RequestContext) {
    await this.show(taskId, { caller: context.caller });
    const requestId = createdId(context, `tests of ${taskId}`);
    const command = { type: 'ReportTests', passed, summary: summary ?? null, requestId } as const;
    const { events, position } = await this.#dispatch(taskId, command, context);
    const asksForCheckpoint = events.some(({ type }) => type === 'CheckpointRequested');
    return { taskId, passed, ...(asksForCheckpoint ? { requestId } : {}), position: positionToken(position) };
  }

  async #dispatch(taskId: string, command: TaskCommand, context: RequestContext) {
    if (context.caller.contractId && command.type !== 'CreateTask')
      await this.show(taskId, { caller: context.caller });
    return this.commands.execute(new DispatchTask(taskId, command, context));
  }

  async #requireKnown(
    context: RequestContext,
    contractId: string | undefined,
    taskIds: readonly (string | undefined)[],
  ) {
    if (contractId !== undefined && !reaches(context.caller, contractId))
      throw notFound('contract', contractId);
    await this.reads.read({ caller: context.caller }, async (db) => {
      if (contractId !== undefined && !(await contractOf(db, contractId)))
        throw notFound('contract', contractId);
      for (const id of taskIds) if (id !== undefined) await visibleTask(db, context.caller, id);
    });
  }
}

/** @throws Problem VALIDATION_FAILED for paths that lead out of a folder, or into git's own. */
function assertInnerPaths(paths: readonly string[]): void {
  const wrong = paths.findIndex((path) => !isInnerPath(path));
  if (wrong >= 0)
    throw invalidField(
      `copyFiles[${wrong}]`,
      'must be a path below the folder: relative, without .. and .git',
    );
}
