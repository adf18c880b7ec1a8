import { Injectable } from '@nestjs/common';
import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { invalidField, Problem } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { Contracts } from '../contract/contract.process.js';
import type {
  ConversationQuery,
  RewindConversationRequest,
  UndoRewindRequest,
} from '../conversation/conversation.dto.js';
import { Conversations } from '../conversation/conversation.process.js';
import type { ResumeSupervisorRequest } from '../resume/resume.dto.js';
import { Resumes } from '../resume/resume.process.js';
import { taskOf, tasksBy } from '../task/task.queries.js';

/** A contract's supervisor: its conversation is that of its task. */
@Injectable()
export class Supervisors {
  constructor(
    private readonly reads: ReadModels,
    private readonly contracts: Contracts,
    private readonly conversations: Conversations,
    private readonly resumes: Resumes,
  ) {}

  /** SPEC §2.3. */
  async conversation(contractId: string, query: ConversationQuery, context: RequestContext) {
    const { contract, taskId } = await this.#supervisorOf(contractId, context);
    const page = await this.conversations.read(taskId, query, context);
    const around = await this.reads.read(context, async (db, at) => ({
      task: await taskOf(db, taskId, at),
      spawned: await tasksBy(db, { parentTaskId: taskId }, at),
      lastActivity: await lastActivityOf(db, taskId, at),
    }));
    const { taskName, messages, ...rest } = page;
    return {
      contractId,
      supervisorTaskId: taskId,
      taskName,
      phase: contract.phase,
      lastActivity: around.lastActivity ?? contract.updatedAt,
      pendingTaskIds: around.task?.pendingTaskIds ?? [],
      messages,
      spawnedTasks: around.spawned.toReversed().map((task) => ({
        taskId: task.id,
        taskName: task.name,
        status: task.status,
        createdAt: task.createdAt,
        ...(task.completedAt === null ? {} : { completedAt: task.completedAt }),
      })),
      ...rest,
    };
  }

  async branches(contractId: string, context: RequestContext) {
    const { taskId } = await this.#supervisorOf(contractId, context);
    return this.conversations.branches(taskId, context);
  }

  /** SPEC §4.2. */
  async rewind(contractId: string, request: RewindConversationRequest, context: RequestContext) {
    const { taskId } = await this.#supervisorOf(contractId, context);
    return { contractId, ...(await this.conversations.rewind(taskId, request, context)) };
  }

  async undo(contractId: string, request: UndoRewindRequest, context: RequestContext) {
    const { taskId } = await this.#supervisorOf(contractId, context);
    return { contractId, ...(await this.conversations.undo(taskId, request, context)) };
  }

  /** SPEC §3.1. */
  async resume(contractId: string, request: ResumeSupervisorRequest, context: RequestContext) {
    const { resumeMode, checkpointId, targetDaemonId, additionalContext, maxTokens, dryRun } = request;
    const { contract, taskId } = await this.#supervisorOf(contractId, context);
    if (resumeMode === 'from_checkpoint' && checkpointId === undefined)
      throw invalidField('checkpointId', 'is required for from_checkpoint', 'REQUIRED');
    const lastActivity = await this.reads.read(context, (db) => lastActivityOf(db, taskId, null));
    const { state, ...answer } = await this.resumes.goOn(
      taskId,
      {
        mode: resumeMode === 'continue' ? 'with_context' : resumeMode,
        checkpoint: resumeMode === 'from_checkpoint' ? { checkpointId: checkpointId! } : null,
        targetDaemonId: targetDaemonId ?? null,
        contextOptions: {},
        maxTokens,
        prompt: additionalContext ?? null,
        dryRun,
      },
      context,
    );
    return {
      supervisorTaskId: taskId,
      daemonId: state.lease.holder,
      resumedFrom: {
        phase: contract.phase,
        lastActivity: lastActivity ?? contract.updatedAt,
        messageCount: answer.told.given.messages,
      },
      status: 'starting' as const,
      ...answer,
    };
  }

  async #supervisorOf(contractId: string, context: RequestContext) {
    const contract = await this.contracts.show(contractId, context);
    if (contract.supervisorTaskId === null) {
      throw new Problem(
        'SUPERVISOR_NOT_FOUND',
        `Contract ${contractId} has no supervisor. Set one: PUT /api/v1/contracts/${contractId}/supervisor.`,
      );
    }
    return { contract, taskId: contract.supervisorTaskId };
  }
}

/** ISO time of the last thing that happened in a task, null before the first. */
async function lastActivityOf(db: Queryable, taskId: string, at: bigint | null): Promise<string | null> {
  const [row] = await db.query<{ occurred_at: Date }>(sql`
    SELECT occurred_at FROM timeline_entries WHERE task_id = ${taskId} AND position <= ${at ?? Number.MAX_SAFE_INTEGER}
    ORDER BY occurred_at DESC, position DESC LIMIT 1`);
  return row?.occurred_at.toISOString() ?? null;
}
