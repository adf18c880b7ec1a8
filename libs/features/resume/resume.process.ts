import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { following } from '#libs/commands/command-context.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { positionToken } from '#libs/kernel/position.js';
import { invalidField, Problem } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import type { CheckpointView } from '../checkpoint/checkpoint.queries.js';
import { DaemonsAtHand } from '../rewind/daemons-at-hand.process.js';
import { RewindTaskRequest, type RewindTaskResponse } from '../rewind/rewind.dto.js';
import { Rewinds } from '../rewind/rewind.process.js';
import { DispatchTask, TASK_STATES } from '../task/task.commands.js';
import { taskStream, type ContextOptions, type TaskEvent } from '../task/task.events.js';
import { visibleTask } from '../task/task.guard.js';
import type { OpenTask, TaskState } from '../task/task.state.js';
import { WaitingForDaemons } from '../task/waiting.process.js';
import { shapeOf, type ResumeMode } from './context-options.js';
import { assertSafe, LeaseCodes } from './lease-codes.process.js';
import { ResumeContexts } from './resume-context.process.js';
import { ResumePoints } from './resume-points.js';
import type { ContinueTaskRequest } from './resume.dto.js';

/** How a task is to go on, for whichever route asks. */
export interface GoingOn {
  readonly mode: ResumeMode;
  /** For from_checkpoint: its id or its commit. */
  readonly checkpoint: { readonly checkpointId: string } | { readonly checkpointSha: string } | null;
  readonly targetDaemonId: string | null;
  readonly contextOptions: ContextOptions;
  readonly maxTokens: number | undefined;
  readonly prompt: string | null;
  readonly dryRun: boolean;
}

/** Lets tasks go on (SPEC §3.1, §3.2). */
@Injectable()
export class Resumes {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly contexts: ResumeContexts,
    private readonly codes: LeaseCodes,
    private readonly points: ResumePoints,
    private readonly rewinds: Rewinds,
    private readonly daemons: DaemonsAtHand,
    private readonly waiting: WaitingForDaemons,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** SPEC §3.2. */
  async continue(taskId: string, request: ContinueTaskRequest, context: RequestContext) {
    const { resumeMode, checkpointSha, targetDaemonId, contextOptions, maxTokens, prompt, dryRun } = request;
    if (resumeMode === 'from_checkpoint' && checkpointSha === undefined)
      throw invalidField('checkpointSha', 'is required for from_checkpoint', 'REQUIRED');
    const { state, ...answer } = await this.goOn(
      taskId,
      {
        mode: resumeMode,
        checkpoint: resumeMode === 'from_checkpoint' ? { checkpointSha: checkpointSha! } : null,
        targetDaemonId: targetDaemonId ?? null,
        contextOptions: { ...contextOptions },
        maxTokens,
        prompt: prompt ?? null,
        dryRun,
      },
      context,
    );
    const waiting = await this.waiting.answer(state, targetDaemonId ?? null, context.caller);
    return { taskId, resumeMode, ...waiting, ...answer };
  }

  /**
   * Asks for a task to go on, and says what its agent will be given.
   * @throws Problem TASK_RUNNING, TASK_BUSY, CHECKPOINT_UNKNOWN, CHECKPOINT_NOT_SAFE, REWIND_FAILED
   */
  async goOn(taskId: string, wanted: GoingOn, context: RequestContext) {
    const { dryRun, mode, prompt, contextOptions, maxTokens } = wanted;
    await this.reads.read({ caller: context.caller }, (db) => visibleTask(db, context.caller, taskId));
    await this.reads.catchUpWithLog(['task', 'conversation', 'checkpoint', 'contract']);
    const earlier = await this.#request(taskId, wanted, context, { onlyIfRepeated: true });
    // Said before anything happens: a rewind would stop an agent that works in the task.
    if (!earlier.repeated) await this.#request(taskId, wanted, context, { dryRun: true });
    const point = wanted.checkpoint && (await this.points.find(taskId, wanted.checkpoint, context));
    const code = point ? { point: point.checkpoint, daemonId: null } : await this.#codeOf(taskId, context);
    const folderAt = await this.#folderOf(taskId);
    if (!earlier.repeated)
      assertReachable(code.point, wanted.targetDaemonId, point ? folderAt : code.daemonId);
    const rewind =
      point && !earlier.repeated ? await this.#rewind(taskId, point.checkpoint, wanted, context) : null;
    const outcome = earlier.repeated ? earlier : await this.#request(taskId, wanted, context, { dryRun });
    const { told, prompt: asked } = await this.contexts.for(
      taskId,
      {
        mode,
        prompt,
        shape: shapeOf(contextOptions, maxTokens),
        ...(point && dryRun && { keepUpTo: point.keepUpTo }),
      },
      outcome.position === 0n ? context : { ...context, minPosition: outcome.position },
    );
    return {
      state: outcome.state as OpenTask,
      told,
      prompt: asked,
      checkpoint: code.point && goesOnFrom(code.point),
      daemon: await this.#daemon(wanted.targetDaemonId ?? folderAt),
      ...(rewind ? { rewind } : {}),
      dryRun,
      position: positionToken(outcome.position),
    };
  }

  #request(
    taskId: string,
    { mode, checkpoint, targetDaemonId, contextOptions, maxTokens, prompt }: GoingOn,
    context: RequestContext,
    options: { readonly dryRun?: boolean; readonly onlyIfRepeated?: boolean },
  ) {
    const data = {
      resumeMode: mode === 'restart_phase' ? 'clean_restart' : mode,
      targetDaemonId,
      checkpointSha: checkpoint && 'checkpointSha' in checkpoint ? checkpoint.checkpointSha : null,
      contextOptions,
      ...(prompt === null ? {} : { prompt }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(mode === 'restart_phase' ? { restartsPhase: true as const } : {}),
    } as const;
    return this.commands.execute(
      new DispatchTask(taskId, { type: 'RequestContinue', data }, context, options),
    );
  }

  /** Code and conversation go back as one. With the same key it is the same rewind, however often it is asked for. */
  async #rewind(
    taskId: string,
    { id }: CheckpointView,
    { dryRun, prompt }: GoingOn,
    context: RequestContext,
  ): Promise<RewindTaskResponse> {
    const request = Object.assign(new RewindTaskRequest(), {
      checkpointId: id,
      scope: 'both',
      dryRun,
      reason:
        prompt === null
          ? 'To go on from the checkpoint'
          : `To go on from the checkpoint: ${prompt.slice(0, 200)}`,
    });
    const before = { ...following(context, 'the rewind before it'), idempotent: context.idempotent };
    const rewind = await this.rewinds.rewind(taskId, request, before);
    if (rewind.phase === 'aborted' || rewind.phase === 'failed')
      throw new Problem(
        'REWIND_FAILED',
        `Nothing was changed: ${rewind.failure ?? 'the rewind did not succeed'}`,
      );
    if (!dryRun && (rewind.phase === 'requested' || rewind.phase === 'committed'))
      throw new Problem(
        'TASK_BUSY',
        `The task is still being taken back (rewind ${rewind.rewindId}). When that is over, let it go on with its context.`,
        { retryAfter: 5 },
      );
    return rewind;
  }

  #codeOf(taskId: string, { caller }: RequestContext) {
    return this.reads.read({ caller }, (db) => this.codes.placeOf(db, taskId));
  }

  async #folderOf(taskId: string): Promise<string | null> {
    const { state } = await this.states.refresh(taskStream(taskId));
    return state.kind === 'none' ? null : state.lease.folderAt;
  }

  async #daemon(daemonId: string | null) {
    return daemonId === null ? null : { daemonId, isConnected: await this.daemons.isConnected(daemonId) };
  }
}

/** Code that one daemon alone has is for no other. */
function assertReachable(point: CheckpointView | null, target: string | null, at: string | null): void {
  if (point && target !== null && target !== at) assertSafe(point);
}

export const goesOnFrom = ({ id, taskId, checkpointNumber, commitSha, message, isSafe }: CheckpointView) => ({
  checkpointId: id,
  taskId,
  checkpointNumber,
  sha: commitSha,
  message,
  isSafe,
});
