import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { following } from '#libs/commands/command-context.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { positionToken } from '#libs/kernel/position.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { DaemonsAtHand } from '../rewind/daemons-at-hand.process.js';
import { Forks } from '../task/fork.process.js';
import { DispatchTask, TASK_STATES } from '../task/task.commands.js';
import { ForkTaskRequest } from '../task/task.dto.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import { visibleTask } from '../task/task.guard.js';
import type { TaskState } from '../task/task.state.js';
import { shapeOf } from './context-options.js';
import { assertSafe } from './lease-codes.process.js';
import { ResumeContexts } from './resume-context.process.js';
import { ResumePoints } from './resume-points.js';
import { goesOnFrom } from './resume.process.js';
import type { ResumeFromCheckpointRequest } from './resume.dto.js';

/** Begins new tasks where a checkpoint stands (SPEC §3.3): each is a fork of its source there. */
@Injectable()
export class NewTasks {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly contexts: ResumeContexts,
    private readonly points: ResumePoints,
    private readonly forks: Forks,
    private readonly daemons: DaemonsAtHand,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** @throws Problem CHECKPOINT_UNKNOWN; CHECKPOINT_NOT_SAFE where it is to start and no daemon could have the code. */
  async fromCheckpoint(
    taskId: string,
    checkpointId: string,
    request: ResumeFromCheckpointRequest,
    context: RequestContext,
  ) {
    const { plan, includeConversation, targetDaemonId, start, dryRun } = request;
    await this.reads.catchUpWithLog(['task', 'conversation', 'checkpoint']);
    const { checkpoint, keepUpTo } = await this.points.find(taskId, { checkpointId }, context);
    if (start) assertSafe(checkpoint);
    const wish = {
      mode: 'with_context',
      prompt: null,
      plan,
      shape: shapeOf({}, undefined),
      keepUpTo: includeConversation ? keepUpTo : null,
    } as const;
    const { told, prompt } = await this.contexts.for(taskId, wish, context);
    const fork = await this.forks.fork(
      taskId,
      Object.assign(new ForkTaskRequest(), {
        forkFrom: { type: 'checkpoint', value: checkpoint.id },
        newTask: {
          name: request.taskName ?? (await this.#nameFor(taskId, checkpoint.checkpointNumber, context)),
          plan,
          includeConversation,
        },
        dryRun,
      }),
      context,
    );
    const starts = start && !dryRun;
    const { position } = starts
      ? await this.#start(taskId, fork.newTaskId, targetDaemonId ?? null, context)
      : { position: null };
    const { checkpointNumber: number, commitSha: sha, message } = checkpoint;
    return {
      newTaskId: fork.newTaskId,
      sourceTaskId: taskId,
      checkpointUsed: { number, sha, message },
      status: start ? ('starting' as const) : ('pending' as const),
      told,
      prompt,
      checkpoint: goesOnFrom(checkpoint),
      daemon: targetDaemonId
        ? { daemonId: targetDaemonId, isConnected: await this.daemons.isConnected(targetDaemonId) }
        : null,
      dryRun,
      position: position === null ? fork.position : positionToken(position),
    };
  }

  async #nameFor(taskId: string, number: number, { caller }: RequestContext): Promise<string> {
    const { name } = await this.reads.read({ caller }, (db) => visibleTask(db, caller, taskId));
    return `${name.slice(0, 160)} from checkpoint ${number}`;
  }

  /** It runs what its source ran. Asked for again with the same key, it is asked for once. */
  async #start(sourceTaskId: string, taskId: string, targetDaemonId: string | null, context: RequestContext) {
    const { state } = await this.states.refresh(taskStream(sourceTaskId));
    const runner = state.kind === 'open' ? state.lease.runner : null;
    const command = { type: 'RequestStart', data: { runner, prompt: null, targetDaemonId } } as const;
    const then = { ...following(context, 'its start'), idempotent: context.idempotent };
    const outcome = await this.commands.execute(new DispatchTask(taskId, command, then));
    await this.reads.settle(outcome.position);
    return outcome;
  }
}
