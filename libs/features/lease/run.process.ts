import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createdId } from '#libs/commands/command-context.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { EventCodec } from '#libs/event-store/codec.js';
import type { RequestContext } from '#libs/http/request-context.js';
import type { Caller } from '#libs/kernel/caller.js';
import { positionToken } from '#libs/kernel/position.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { checkpointOfId } from '../checkpoint/checkpoint.queries.js';
import { Daemons } from '../daemon/daemon.process.js';
import { DispatchTask } from '../task/task.commands.js';
import type { TaskCommand } from '../task/task.decider.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import { visibleTask } from '../task/task.guard.js';
import { WaitingForDaemons } from '../task/waiting.process.js';
import type { OpenTask } from '../task/task.state.js';
import type { RequestCheckpointRequest, StartTaskRequest, StopTaskRequest } from './lease.dto.js';
import { ended } from './lease.process.js';
import { runnerOf } from './runner-choice.js';

/** How long a request for a checkpoint waits for its daemon. */
const PATIENCE_MS = 5_000;

type Answered = Extract<TaskEvent, { type: 'CheckpointRequestAnswered' }>['data'];

/** What people ask of a task's agent: to start, to stop, to show the folder as it is. */
@Injectable()
export class Runs {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly daemons: Daemons,
    private readonly waiting: WaitingForDaemons,
    @Inject(EventStore) private readonly store: EventStore,
    @Inject(EventCodec) private readonly codec: EventCodec,
  ) {}

  /** @throws Problem TASK_RUNNING */
  async start(taskId: string, request: StartTaskRequest, context: RequestContext) {
    const { runner, prompt = null, targetDaemonId = null } = request;
    const data = { runner: runner ? runnerOf(runner) : null, prompt, targetDaemonId };
    const { state, position } = await this.#dispatch(taskId, { type: 'RequestStart', data }, context);
    return {
      taskId,
      ...(await this.waiting.answer(state as OpenTask, targetDaemonId, context.caller)),
      position: positionToken(position),
    };
  }

  /** @throws Problem TASK_NOT_RUNNING */
  async stop(taskId: string, { reason, status }: StopTaskRequest, context: RequestContext) {
    const command = { type: 'EndLease', end: 'revoked', held: null, status, reason: reason ?? null } as const;
    const { state, position } = await this.#dispatch(taskId, command, context);
    return ended(state as OpenTask, position);
  }

  /**
   * Asks the daemon that has the task's folder for a checkpoint, and waits a little for it where that daemon is connected.
   * @throws Problem NO_FOLDER, TOO_MANY_CHECKPOINT_REQUESTS
   */
  async requestCheckpoint(taskId: string, { message }: RequestCheckpointRequest, context: RequestContext) {
    const { caller } = context;
    const requestId = createdId(context, 'checkpoint request');
    const command = { type: 'RequestCheckpoint', requestId, message: message ?? null } as const;
    const { state, version, position } = await this.#dispatch(taskId, command, context);
    const { folderAt } = (state as OpenTask).lease;
    if (!(await this.daemons.isConnected(caller, folderAt))) {
      const detail = `Recorded. Daemon ${folderAt}, which has the folder, is not connected: it takes the checkpoint when it is.`;
      return { taskId, requestId, checkpoint: null, detail, position: positionToken(position) };
    }
    const answer = await this.#answerTo(taskId, requestId, version);
    if (!answer) {
      const detail = 'Recorded. The daemon has not taken the checkpoint yet.';
      return { taskId, requestId, checkpoint: null, detail, position: positionToken(position) };
    }
    const checkpoint = await this.#checkpoint(answer, caller);
    const detail = 'Taken.';
    return { taskId, requestId, checkpoint, detail, position: positionToken(answer.position) };
  }

  /** The answer to a request that stands in the stream at a version; null when none comes in time. */
  async #answerTo(taskId: string, requestId: string, version: number) {
    const stream = taskStream(taskId);
    const end = AbortSignal.timeout(PATIENCE_MS);
    let after = version;
    for await (const _ of this.reads.positions(end, ['task'])) {
      const events = await this.store.readStream(stream, { after });
      const found = events.find(
        ({ type, body }) => type === 'CheckpointRequestAnswered' && Buffer.from(body).includes(requestId),
      );
      if (found) return { ...(this.codec.decode(found).event.data as Answered), position: found.position };
      after = events.at(-1)?.version ?? after;
      await delay(20, undefined, { signal: end }).catch(() => undefined);
    }
    return null;
  }

  async #checkpoint({ checkpointId, position }: Answered & { readonly position: bigint }, caller: Caller) {
    return this.reads.read({ caller, minPosition: position }, (db) => checkpointOfId(db, checkpointId));
  }

  async #dispatch(taskId: string, command: TaskCommand, context: RequestContext) {
    const { caller } = context;
    if (caller.contractId) await this.reads.read({ caller }, (db) => visibleTask(db, caller, taskId));
    return this.commands.execute(new DispatchTask(taskId, command, context));
  }
}
