import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createdId, following } from '#libs/commands/command-context.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { DaemonsAtHand } from '../rewind/daemons-at-hand.process.js';
import { DispatchTask, TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import type { OpenTask, TaskState } from '../task/task.state.js';
import { checkpointOfId } from './checkpoint.queries.js';

/** How long a daemon has to take a checkpoint, and then to send it to the hub; in milliseconds. */
const ANSWER_MS = 10_000;
const POLL_MS = 20;

/** Asks the daemon that has a task's folder for a checkpoint of it as it is. */
@Injectable()
export class FolderCheckpoints {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly daemons: DaemonsAtHand,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /**
   * The id of a checkpoint that shows the folder as it is now, in the hub; null where no daemon that has it is connected,
   * or it does not answer in time.
   */
  async now(taskId: string, { lease }: OpenTask, context: RequestContext): Promise<string | null> {
    if (lease.folderAt === null || !(await this.daemons.isConnected(lease.folderAt))) return null;
    const requestId = createdId(context, `checkpoint of ${taskId} for comparison`);
    const command = { type: 'RequestCheckpoint', requestId, message: 'To compare with' } as const;
    await this.commands.execute(new DispatchTask(taskId, command, following(context, requestId)));
    const until = Date.now() + ANSWER_MS;
    const checkpointId = await this.#answered(taskId, requestId, until);
    return checkpointId !== null && (await this.#isSafe(checkpointId, context, until)) ? checkpointId : null;
  }

  async #answered(taskId: string, requestId: string, until: number): Promise<string | null> {
    while (Date.now() < until) {
      const { state } = await this.states.refresh(taskStream(taskId));
      if (
        state.kind === 'open' &&
        !state.lease.checkpointRequests.some((request) => request.requestId === requestId)
      )
        return state.lease.lastAnswer?.requestId === requestId ? state.lease.lastAnswer.checkpointId : null;
      await sleep(POLL_MS);
    }
    return null;
  }

  async #isSafe(checkpointId: string, { caller }: RequestContext, until: number): Promise<boolean> {
    while (Date.now() < until) {
      const found = await this.reads.read({ caller }, (db) => checkpointOfId(db, checkpointId));
      if (found?.isSafe) return true;
      await sleep(POLL_MS);
    }
    return false;
  }
}
