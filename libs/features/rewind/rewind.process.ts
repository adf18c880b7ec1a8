import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createdId, following } from '#libs/commands/command-context.js';
import type { CommandContext } from '#libs/commands/command-context.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { notFound } from '#libs/kernel/caller.js';
import { positionToken } from '#libs/kernel/position.js';
import { Problem } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { checkpointOfId, type CheckpointView } from '../checkpoint/checkpoint.queries.js';
import { DispatchTask, TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import { visibleTask } from '../task/task.guard.js';
import type { OpenTask, TaskState } from '../task/task.state.js';
import { DaemonsAtHand } from './daemons-at-hand.process.js';
import type { RewindCommand, RewindUnderWay } from './rewind.decider.js';
import { RewindChanges } from './rewind-changes.process.js';
import { RewindPlans, type RewindPlan } from './rewind-plan.process.js';
import type {
  RewindAnswer,
  RewindTaskRequest,
  RewindTaskResponse,
  UndoTaskRewindRequest,
} from './rewind.dto.js';
import { rewindOf, rewindsOf, type RewindView } from './rewind.queries.js';

/** How long a request waits for its rewind to be over, in milliseconds. */
const WAIT_MS = 10_000;
const POLL_MS = 20;

/** Takes code, conversation or both back and forth (SPEC §4.1, DESIGN §6). */
@Injectable()
export class Rewinds {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly daemons: DaemonsAtHand,
    private readonly plans: RewindPlans,
    private readonly changes: RewindChanges,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** SPEC §4.1. */
  async rewind(
    taskId: string,
    request: RewindTaskRequest,
    context: RequestContext,
  ): Promise<RewindTaskResponse> {
    await this.#requireTask(taskId, context);
    const rewindId = createdId(context, `rewind of ${taskId}`);
    const earlier = await this.#earlier(taskId, rewindId, context);
    if (earlier) return earlier;
    await this.reads.catchUpWithLog(['task', 'conversation', 'checkpoint']);
    return this.#carryOut(await this.plans.of(taskId, rewindId, request, context), request.dryRun, context);
  }

  /** Takes a rewind back, also after new work: what it replaced comes back, what came since is kept as a checkpoint. */
  async undo(
    taskId: string,
    request: UndoTaskRewindRequest,
    context: RequestContext,
  ): Promise<RewindTaskResponse> {
    await this.#requireTask(taskId, context);
    const rewindId = createdId(context, `undo in ${taskId}`);
    const earlier = await this.#earlier(taskId, rewindId, context);
    if (earlier) return earlier;
    await this.reads.catchUpWithLog(['task', 'conversation', 'checkpoint']);
    return this.#carryOut(
      await this.plans.undoing(taskId, rewindId, request, context),
      request.dryRun,
      context,
    );
  }

  async list(taskId: string, limit: number, context: RequestContext) {
    const rewinds = await this.reads.read(context, async (db) => {
      await visibleTask(db, context.caller, taskId);
      return rewindsOf(db, taskId, limit);
    });
    return { taskId, rewinds: await Promise.all(rewinds.map((view) => this.#answer(taskId, view, context))) };
  }

  async show(taskId: string, rewindId: string, context: RequestContext) {
    await this.#requireTask(taskId, context);
    const view = await this.reads.read(context, (db) => rewindOf(db, taskId, rewindId));
    if (!view) throw notFound('rewind', rewindId);
    return this.#answer(taskId, view, context);
  }

  /** Gives a rewind up that no daemon has prepared. */
  async cancel(taskId: string, rewindId: string, context: RequestContext) {
    await this.#requireTask(taskId, context);
    const command = { type: 'CancelRewind', rewindId, reason: 'It was called off.' } as const;
    const { position } = await this.commands.execute(new DispatchTask(taskId, command, context));
    return this.show(taskId, rewindId, { ...context, minPosition: position });
  }

  /**
   * Goes on with a rewind that waits for a daemon which is not there, and that nobody works in: it is committed, and the
   * next lease brings the folder to its target; what needs the folder itself is given up, and nothing has changed.
   */
  async goOnAlone(taskId: string, rewindId: string, context: CommandContext): Promise<void> {
    const { lease, rewind } = await this.#stateOf(taskId);
    const { current } = rewind;
    if (current?.rewindId !== rewindId || lease.holder !== null) return;
    if (await this.#isAtHand(lease.folderAt)) return;
    const command = stepAlone(current);
    await this.commands.execute(new DispatchTask(taskId, command, following(context, `go on ${rewindId}`)));
  }

  async #isAtHand(daemonId: string | null): Promise<boolean> {
    return daemonId !== null && (await this.daemons.isConnected(daemonId));
  }

  async #requireTask(taskId: string, { caller }: RequestContext): Promise<void> {
    await this.reads.read({ caller }, (db) => visibleTask(db, caller, taskId));
  }

  /** What this very request did before: its point is not looked for again, for the task has moved since. */
  async #earlier(taskId: string, rewindId: string, context: RequestContext) {
    if (!context.idempotent) return null;
    const command = { type: 'UndoRewind' } as const;
    const { repeated, position } = await this.commands.execute(
      new DispatchTask(taskId, command, context, { onlyIfRepeated: true }),
    );
    if (!repeated) return null;
    await this.goOnAlone(taskId, rewindId, context);
    await this.#over(taskId, rewindId);
    const answer = await this.show(taskId, rewindId, { ...context, minPosition: position });
    return { ...answer, hiddenMessages: 0, dryRun: false, position: positionToken(position) };
  }

  async #carryOut(prepared: RewindPlan, dryRun: boolean, context: RequestContext) {
    const { task, wanted } = prepared;
    const { ifMatch } = context;
    const command = {
      type: 'RequestRewind',
      data: wanted,
      ...(ifMatch === undefined ? {} : { expectedControlVersion: ifMatch }),
    } as const;
    const dispatch = new DispatchTask(task.id, command, context, { dryRun });
    const { lease, rewind } = await this.#stateOf(task.id);
    const isAtHand = await this.#isAtHand(lease.folderAt);
    assertReachable(prepared, { isAtHand, isLeased: lease.holder !== null, code: rewind.code !== null });
    if (dryRun)
      return this.#preview(prepared, (await this.commands.execute(dispatch)).state as OpenTask, context);
    const { position } = await this.commands.execute(dispatch);
    await this.goOnAlone(task.id, wanted.rewindId, context);
    await this.#over(task.id, wanted.rewindId);
    return this.#outcome(prepared, position, context);
  }

  async #preview(
    { task, wanted, checkpoint, hiddenMessages }: RewindPlan,
    state: OpenTask,
    context: RequestContext,
  ) {
    const changes =
      wanted.target && checkpoint ? await this.changes.ofFolder(task, state, checkpoint, context) : null;
    return {
      taskId: task.id,
      rewindId: wanted.rewindId,
      phase: 'requested' as const,
      scope: wanted.scope,
      ...(wanted.target && checkpoint ? { rewindedTo: rewoundTo(checkpoint) } : {}),
      ...(wanted.undoes === null ? {} : { undoes: wanted.undoes }),
      requestedAt: context.now.toISOString(),
      hiddenMessages,
      ...(changes ? { changes } : {}),
      dryRun: true,
      position: positionToken(0n),
    };
  }

  async #outcome(
    { task, wanted, checkpoint, hiddenMessages }: RewindPlan,
    position: bigint,
    context: RequestContext,
  ) {
    await this.reads.catchUpWithLog(['rewind', 'checkpoint']);
    const answer = await this.show(task.id, wanted.rewindId, { ...context, minPosition: position });
    const { beforeCheckpointId: before } = answer;
    const changes =
      before && checkpoint && wanted.target
        ? await this.changes.since(task, before, checkpoint, context)
        : null;
    const nothingDone = answer.phase === 'aborted' || answer.phase === 'failed';
    return {
      ...answer,
      hiddenMessages: nothingDone ? 0 : hiddenMessages,
      ...(changes ? { changes } : {}),
      dryRun: false,
      position: positionToken(position),
    };
  }

  /** Waits until a rewind is over, or for as long as a request may take. */
  async #over(taskId: string, rewindId: string): Promise<void> {
    const until = Date.now() + WAIT_MS;
    while (Date.now() < until) {
      const { rewind } = await this.#stateOf(taskId);
      if (rewind.current?.rewindId !== rewindId) return;
      await sleep(POLL_MS);
    }
  }

  async #stateOf(taskId: string): Promise<OpenTask> {
    const { state } = await this.states.refresh(taskStream(taskId));
    if (state.kind === 'none') throw notFound('task', taskId);
    return state;
  }

  async #answer(taskId: string, view: RewindView, { caller }: RequestContext): Promise<RewindAnswer> {
    const { rewindId, phase, scope, target, before, preservedAs, branch, undoes, reason, failure } = view;
    const checkpoint =
      target && (await this.reads.read({ caller }, (db) => checkpointOfId(db, target.checkpointId)));
    return {
      taskId,
      rewindId,
      phase,
      scope,
      ...(checkpoint ? { rewindedTo: rewoundTo(checkpoint) } : {}),
      ...(before ? { beforeCheckpointId: before.checkpointId } : {}),
      ...(preservedAs ? { preservedAs } : {}),
      ...(branch === null ? {} : { branch }),
      ...(undoes === null ? {} : { undoes }),
      ...(reason === null ? {} : { reason }),
      ...(failure === null ? {} : { failure }),
      requestedAt: view.requestedAt,
      ...(view.endedAt === null ? {} : { endedAt: view.endedAt }),
    };
  }
}

function stepAlone({ rewindId, phase, revert }: RewindUnderWay): RewindCommand {
  if (phase === 'committed') return { type: 'DeferRewind', rewindId };
  return revert
    ? { type: 'CancelRewind', rewindId, reason: 'The daemon that has the folder is lost.' }
    : { type: 'CommitRewind', rewindId, daemonId: null, before: null, result: null };
}

const rewoundTo = ({ id, checkpointNumber, commitSha, message }: CheckpointView) => ({
  checkpointId: id,
  checkpointNumber,
  sha: commitSha,
  message,
});

/** @throws Problem CHECKPOINT_NOT_SAFE, NO_DAEMON */
function assertReachable(
  { wanted, checkpoint, task }: RewindPlan,
  {
    isAtHand,
    isLeased,
    code,
  }: { readonly isAtHand: boolean; readonly isLeased: boolean; readonly code: boolean },
): void {
  if (wanted.revert && !isAtHand)
    throw new Problem(
      'NO_DAEMON',
      'The daemon that has the folder of this task is not connected, and taking one change back needs it. Go back to a checkpoint instead, or try again when it is.',
    );
  const goes = wanted.target ?? wanted.revert?.checkpoint;
  if (!goes || !checkpoint || checkpoint.isSafe) return;
  if ((isAtHand || isLeased) && checkpoint.taskId === task.id && code) return;
  throw new Problem(
    'CHECKPOINT_NOT_SAFE',
    `The code of checkpoint ${checkpoint.checkpointNumber} is not in the server's hub, and the daemon that has it is not connected. Try again when it is.`,
  );
}
