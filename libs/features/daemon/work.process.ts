import { Inject, Injectable } from '@nestjs/common';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels } from '#libs/projections/read-models.js';
import type { RewindUnderWay } from '../rewind/rewind.decider.js';
import { TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import type { OpenTask, TaskState } from '../task/task.state.js';
import type { OrderAnswer, RewindOrder } from './daemon.dto.js';
import type { HeldTask } from './daemon.messages.js';
import { Daemons } from './daemon.process.js';
import { workFor } from './daemon.queries.js';

/** What there is for a daemon to do, and what it does not hold any more. */
@Injectable()
export class DaemonWork {
  constructor(
    private readonly reads: ReadModels,
    private readonly daemons: Daemons,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** Which tasks it may be about comes from the read model; what is to be done, from the tasks' own streams. */
  async of(daemonId: string, context: RequestContext) {
    const { caller } = context;
    await this.daemons.assertKnown(daemonId, caller);
    await this.reads.catchUpWithLog(['task']);
    const found = await this.reads.read({ caller }, (db) => workFor(db, daemonId));
    const orders = await this.#tasks(found.orders, caller.ownerId);
    const held = await this.#tasks(found.held, caller.ownerId);
    return {
      offers: found.offers.map((taskId) => ({ taskId })),
      orders: orders.flatMap((task) => ordersOf(task, daemonId)),
      held: held
        .filter(({ lease }) => lease.holder === daemonId)
        .map(({ taskId, lease }) => ({ taskId, epoch: lease.epoch })),
    };
  }

  /** Those of the tasks that the daemon does not hold under the epoch it names. */
  async stale(daemonId: string, ownerId: string, tasks: readonly HeldTask[]): Promise<readonly string[]> {
    const current = await this.#tasks(
      tasks.map(({ taskId }) => taskId),
      ownerId,
    );
    const holds = ({ taskId, epoch }: HeldTask): boolean =>
      current.some(
        (task) => task.taskId === taskId && task.lease.holder === daemonId && task.lease.epoch === epoch,
      );
    return tasks.filter((task) => !holds(task)).map(({ taskId }) => taskId);
  }

  /** The owner's tasks among these, as their streams have them now. */
  async #tasks(taskIds: readonly string[], ownerId: string): Promise<readonly OpenTask[]> {
    const states = await Promise.all(taskIds.map((id) => this.states.refresh(taskStream(id))));
    return states.flatMap((one) => (one.ownerId === ownerId && one.state.kind === 'open' ? [one.state] : []));
  }
}

/** What is to be done with a task's folder: the rewind, then each checkpoint that is asked for. */
function ordersOf({ taskId, lease, rewind }: OpenTask, daemonId: string): readonly OrderAnswer[] {
  if (lease.folderAt !== daemonId) return [];
  const epoch = lease.holder === daemonId ? lease.epoch : null;
  const order = rewind.current && rewindOrder(rewind.current);
  return [
    ...(order ? [{ taskId, epoch, rewind: order }] : []),
    ...lease.checkpointRequests.map(({ requestId, message }) => ({
      taskId,
      epoch,
      checkpoint: { requestId, message },
    })),
  ];
}

/** For a rewind of the conversation alone, too: the agent is stopped, and its last words come before it. */
function rewindOrder({ rewindId, phase, target, revert, preserve, before }: RewindUnderWay): RewindOrder {
  return {
    rewindId,
    phase,
    kind: revert ? 'revert' : target ? 'checkpoint' : 'conversation',
    target,
    ...(revert
      ? { revert: { commitSha: revert.checkpoint.commitSha, previousSha: revert.previousSha } }
      : {}),
    preserve,
    before: before && { checkpointId: before.checkpointId, commitSha: before.commitSha },
  };
}
