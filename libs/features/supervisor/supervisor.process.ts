import { Injectable } from '@nestjs/common';
import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { Problem } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { Contracts } from '../contract/contract.process.js';
import type {
  ConversationQuery,
  RewindConversationRequest,
  UndoRewindRequest,
} from '../conversation/conversation.dto.js';
import { Conversations } from '../conversation/conversation.process.js';
import { taskOf, tasksBy } from '../task/task.queries.js';

/** A contract's supervisor: its conversation is that of its task. */
@Injectable()
export class Supervisors {
  constructor(
    private readonly reads: ReadModels,
    private readonly contracts: Contracts,
    private readonly conversations: Conversations,
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

  /** SPEC §3.1, as far as it can go without a daemon. */
  async resume(contractId: string, context: RequestContext): Promise<never> {
    await this.#supervisorOf(contractId, context);
    throw new Problem(
      'NO_DAEMON',
      'No daemon is connected that could resume the supervisor. Its conversation is kept; try again when one is.',
    );
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
