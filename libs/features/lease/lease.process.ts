import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { StreamStates } from '#libs/commands/stream-states.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import { EventStore } from '#libs/event-store/event-store.js';
import type { RequestContext } from '#libs/http/request-context.js';
import type { Caller } from '#libs/kernel/caller.js';
import { positionToken } from '#libs/kernel/position.js';
import { Problem } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { contractOf } from '../contract/contract.queries.js';
import { Daemons } from '../daemon/daemon.process.js';
import { ResumeContexts } from '../resume/resume-context.process.js';
import { LeaseCodes } from '../resume/lease-codes.process.js';
import { DispatchTask, TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import { visibleTask } from '../task/task.guard.js';
import type { OpenTask, TaskState } from '../task/task.state.js';
import type {
  AnswerCheckpointRequest,
  LeaseRequest,
  LeaseResponse,
  ReleaseLeaseRequest,
} from './lease.dto.js';

/** What daemons do with tasks: take them, give them back, and answer what is asked of their folders. */
@Injectable()
export class Leases {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly daemons: Daemons,
    private readonly contexts: ResumeContexts,
    private readonly code: LeaseCodes,
    @Inject(EventStore) private readonly store: EventStore,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** @throws Problem LEASE_TAKEN, NOTHING_TO_RUN, TASK_BUSY, DAEMON_LOST, CHECKPOINT_NOT_SAFE */
  async lease(taskId: string, { daemonId }: LeaseRequest, context: RequestContext): Promise<LeaseResponse> {
    const { caller } = context;
    // Before the task is taken, so that one which cannot be read is not.
    await this.reads.catchUpWithLog(['task', 'contract', 'checkpoint']);
    const { plan, repository } = await this.#about(taskId, caller);
    await this.daemons.assertConnected(daemonId, caller);
    const code = await this.code.of(taskId, daemonId, { caller });
    const { state } = await this.commands.execute(
      new DispatchTask(taskId, { type: 'LeaseTask', daemonId }, context),
    );
    const { name, contractId, lease, rewind } = state as OpenTask;
    const { epoch, runner } = lease;
    const { prompt, conversation } = await this.contexts.of(taskId, { caller });
    const deferredRewindId = rewind.deferred?.rewindId ?? null;
    return {
      taskId,
      epoch,
      runId: deriveId('run', taskId, String(epoch)),
      name,
      plan,
      contractId,
      repository,
      runner,
      prompt,
      conversation,
      code: { ...code, deferredRewindId },
    };
  }

  /** Once for each lease: what is sent again changes nothing. @throws Problem LEASE_STALE */
  async release(taskId: string, request: ReleaseLeaseRequest, context: RequestContext) {
    const { daemonId, epoch, status, reason = null } = request;
    await this.#assertVisible(taskId, context.caller);
    const command = { type: 'EndLease', end: 'released', held: { daemonId, epoch }, status, reason } as const;
    const once = onceFor(context, 'release', taskId, daemonId, String(epoch));
    const outcome = await this.commands.execute(new DispatchTask(taskId, command, once));
    return ended(outcome.state as OpenTask, outcome.position);
  }

  /** @throws Problem CHECKPOINT_REQUEST_UNKNOWN, CHECKPOINT_UNKNOWN, LEASE_STALE */
  async answerCheckpoint(
    taskId: string,
    requestId: string,
    { daemonId, checkpointId }: AnswerCheckpointRequest,
    context: RequestContext,
  ) {
    await this.#assertVisible(taskId, context.caller);
    const command = { type: 'AnswerCheckpointRequest', daemonId, requestId, checkpointId } as const;
    const once = onceFor(context, 'checkpoint answered', taskId, requestId, checkpointId);
    const earlier = await this.commands.execute(
      new DispatchTask(taskId, command, once, { onlyIfRepeated: true }),
    );
    if (earlier.repeated) return { requestId, position: positionToken(earlier.position) };
    await this.#assertRecorded(taskId, checkpointId);
    const { position } = await this.commands.execute(new DispatchTask(taskId, command, once));
    return { requestId, position: positionToken(position) };
  }

  /** A checkpoint's event has the checkpoint's id; the newest code may be that of a fork's source. */
  async #assertRecorded(taskId: string, checkpointId: string): Promise<void> {
    const stream = taskStream(taskId);
    const [event] = await this.store.findEvents(stream, [checkpointId]);
    if (event?.type === 'CheckpointRecorded') return;
    const { state } = await this.states.refresh(stream);
    if (state.kind === 'open' && state.rewind.code?.checkpointId === checkpointId) return;
    throw new Problem('CHECKPOINT_UNKNOWN', `The task has no checkpoint ${checkpointId}: record it first.`);
  }

  #about(taskId: string, caller: Caller) {
    return this.reads.read({ caller }, async (db) => {
      const { plan, contractId } = await visibleTask(db, caller, taskId);
      const contract = contractId === null ? null : await contractOf(db, contractId);
      return { plan, repository: contract?.repository ?? null };
    });
  }

  async #assertVisible(taskId: string, caller: Caller): Promise<void> {
    await this.reads.read({ caller }, (db) => visibleTask(db, caller, taskId));
  }
}

/** The same command again, whatever the request's own key is. */
function onceFor({ requestHash: _, ...context }: RequestContext, ...names: readonly string[]) {
  return { ...context, commandId: deriveId('command', context.ownerId, ...names), idempotent: true };
}

/** How a task stands after its lease has ended. */
export const ended = ({ taskId, status, controlVersion }: OpenTask, position: bigint) => ({
  taskId,
  status,
  controlVersion,
  position: positionToken(position),
});
