import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { unescapeJson, unescapeText } from '#libs/database/text-escape.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import { CursorCodec, type CursorBinding } from '#libs/http/cursor.js';
import { positionToken } from '#libs/kernel/position.js';
import { Problem } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import type { Actor } from '#libs/kernel/event.js';
import { ReadModels } from '#libs/projections/read-models.js';
import type { RewindTaskResponse } from '../rewind/rewind.dto.js';
import { Rewinds } from '../rewind/rewind.process.js';
import { DispatchTask, TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import type { OpenTask, TaskState } from '../task/task.state.js';
import { visibleTask } from '../task/task.guard.js';
import { tasksBy } from '../task/task.queries.js';
import {
  MAX_MESSAGES,
  type ConversationQuery,
  type RewindConversationRequest,
  type UndoRewindRequest,
} from './conversation.dto.js';
import { shownTip } from './conversation.decider.js';
import type { ConversationEvent, RewindPoint } from './conversation.events.js';
import { ConversationReader } from './conversation.page.js';
import { branchesOf, type BranchRow } from './conversation.queries.js';
import { requireShown } from './shown.js';
import { openCallsAt } from './open-calls.js';
import { findPoint } from './rewind-point.js';
import { cutAfter } from './segments.js';

/** Reads a task's conversation and takes it back and forth. The task's and the supervisor's routes share it. */
@Injectable()
export class Conversations {
  constructor(
    private readonly reads: ReadModels,
    private readonly cursors: CursorCodec,
    private readonly commands: CommandBus,
    private readonly reader: ConversationReader,
    private readonly rewinds: Rewinds,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** SPEC §2.2. */
  async read(taskId: string, query: ConversationQuery, context: RequestContext) {
    const { ownerId } = context.caller;
    const binding: CursorBinding = { ownerId, route: `conversation/${taskId}/1`, filters: query };
    const [start, pinned] = query.cursor
      ? (this.cursors.open(binding, query.cursor) as [number, number])
      : [null, null];
    return this.reads.read(context, async (db, at) => {
      const task = await visibleTask(db, context.caller, taskId, at);
      const now = await requireShown(db, taskId, pinned ?? query.branch ?? null, at);
      const page = await this.reader.page(db, ownerId, now, at, {
        order: query.order,
        limit: query.limit ?? MAX_MESSAGES,
        start,
        includeToolCalls: query.include_tool_calls,
        includeToolResults: query.include_tool_results,
      });
      return {
        taskId,
        taskName: task.name,
        status: task.status,
        messages: page.messages,
        ...(page.totalTokens === null ? {} : { totalTokens: page.totalTokens }),
        ...(page.totalCost === null ? {} : { totalCost: page.totalCost }),
        totalCount: now.totalCount,
        branch: now.branch,
        controlVersion: task.controlVersion,
        ...(page.next === null ? {} : { cursor: this.cursors.seal(binding, [page.next, now.branch]) }),
      };
    });
  }

  /** SPEC §4.2, for any task. */
  async rewind(taskId: string, request: RewindConversationRequest, context: RequestContext) {
    const { state } = await this.states.refresh(taskStream(taskId));
    const runs = state.kind === 'open' && state.lease.holder !== null;
    if (request.rewindCode || runs) return this.#withCode(taskId, request, context);
    const earlier = await this.#earlier(taskId, context);
    if (earlier) return headMoved(taskId, earlier, request.dryRun);
    await this.reads.catchUpWithLog(['task', 'conversation']);
    const found = await this.reads.read({ caller: context.caller }, async (db) => {
      await visibleTask(db, context.caller, taskId);
      const shown = await requireShown(db, taskId, null, null);
      const point = await findPoint(db, context.caller, shown, request);
      return { ...point, openCalls: await openCallsAt(db, cutAfter(shown.segments, point.keepUpTo)) };
    });
    const outcome = await this.commands.execute(
      new DispatchTask(
        taskId,
        { type: 'RewindConversation', ...found, reason: request.reason ?? null, ...expectedBy(context) },
        context,
        { dryRun: request.dryRun },
      ),
    );
    await this.reads.settle(outcome.position);
    return headMoved(taskId, outcome, request.dryRun);
  }

  /** Where code goes too, or an agent has to be stopped first, a rewind is a process: see Rewinds. */
  async #withCode(taskId: string, request: RewindConversationRequest, context: RequestContext) {
    const { rewindCode, ...point } = request;
    const scope = rewindCode ? 'both' : 'conversation';
    const code = await this.rewinds.rewind(taskId, { ...point, scope, preserveMode: 'stash' }, context);
    if (!request.dryRun && code.branch === undefined) assertCarriedOut(code);
    return this.reads.read({ caller: context.caller }, async (db) => {
      const { controlVersion } = await visibleTask(db, context.caller, taskId);
      const rows = await branchesOf(db, taskId, null);
      const row = rows.find(({ branch }) => branch === code.branch) ?? rows.at(-1)!;
      const { totalCount } = await requireShown(db, taskId, null, null);
      const willHide = request.dryRun ? code.hiddenMessages : 0;
      return {
        taskId,
        dryRun: request.dryRun,
        branch: request.dryRun ? rows.length : row.branch,
        previousBranch: request.dryRun ? row.branch : (row.previous_branch ?? row.branch),
        hiddenMessages: code.hiddenMessages,
        messageCount: totalCount - willHide,
        controlVersion,
        code,
        position: code.position,
      };
    });
  }

  /** Takes a rewind back, also after new messages: these become a branch. */
  async undo(taskId: string, request: UndoRewindRequest, context: RequestContext) {
    await this.reads.read({ caller: context.caller }, (db) => visibleTask(db, context.caller, taskId));
    const outcome = await this.commands.execute(
      new DispatchTask(
        taskId,
        {
          type: 'UndoRewind',
          ...(request.branch === undefined ? {} : { branch: request.branch }),
          ...expectedBy(context),
        },
        context,
        { dryRun: request.dryRun },
      ),
    );
    await this.reads.settle(outcome.position);
    return headMoved(taskId, outcome, request.dryRun);
  }

  /** What this very request did before: its point is not looked for again, for the conversation has moved since. */
  async #earlier(taskId: string, context: RequestContext) {
    if (!context.idempotent) return null;
    const command = { type: 'UndoRewind' } as const;
    const outcome = await this.commands.execute(
      new DispatchTask(taskId, command, context, { onlyIfRepeated: true }),
    );
    return outcome.repeated ? outcome : null;
  }

  /** The tree: every branch with its point, reason, author and number of messages, and the forks. */
  async branches(taskId: string, context: RequestContext) {
    return this.reads.read(context, async (db, at) => {
      const task = await visibleTask(db, context.caller, taskId, at);
      const rows = await branchesOf(db, taskId, at);
      const current = rows.at(-1)!.branch;
      const now = await requireShown(db, taskId, current, at);
      const forks = await tasksBy(db, { forkedFromTaskId: taskId }, at);
      return {
        taskId,
        current,
        controlVersion: task.controlVersion,
        branches: rows.map((row) => branchView(row, row.left_count ?? now.totalCount, current)),
        forks: forks.map((fork) => ({
          taskId: fork.id,
          name: fork.name,
          point: fork.fork?.point ?? null,
          createdAt: fork.createdAt,
        })),
      };
    });
  }
}

/** @throws Problem for a rewind that did not happen, or that waits for a daemon. */
function assertCarriedOut({ phase, failure, rewindId }: RewindTaskResponse): void {
  if (phase === 'aborted' || phase === 'failed')
    throw new Problem('REWIND_ABORTED', `Nothing was changed. ${failure ?? ''}`, { context: { rewindId } });
  if (phase === 'requested')
    throw new Problem(
      'REWIND_PENDING',
      `The rewind is asked for, and waits for the daemon that has the folder. See how far it is, or give it up: rewind ${rewindId}.`,
      { context: { rewindId } },
    );
}

const expectedBy = ({ ifMatch }: RequestContext): { readonly expectedControlVersion?: number } =>
  ifMatch === undefined ? {} : { expectedControlVersion: ifMatch };

type Moved = Extract<ConversationEvent, { type: 'ConversationRewound' | 'ConversationRewindUndone' }>;

/** What a rewind, an undo or a restore answers. */
export function headMoved(
  taskId: string,
  outcome: {
    readonly events: readonly { readonly type: string; readonly data: unknown }[];
    readonly state: unknown;
    readonly position: bigint;
    readonly repeated: boolean;
  },
  dryRun: boolean,
) {
  const event = outcome.events.find(({ type }) => type.startsWith('ConversationRew')) as Moved;
  const state = outcome.state as OpenTask;
  const { branch, previousBranch, hiddenMessages } = event.data;
  return {
    taskId,
    dryRun,
    branch,
    previousBranch,
    hiddenMessages,
    messageCount: shownTip(state.conversation).count,
    controlVersion: state.controlVersion,
    ...(event.type === 'ConversationRewindUndone' ? { undoneBranch: event.data.undoneBranch } : {}),
    ...(event.type === 'ConversationRewound' && event.data.openCalls
      ? { openCalls: event.data.openCalls.map(({ id, name }) => ({ id, name })) }
      : {}),
    position: positionToken(outcome.position),
  };
}

const branchView = (row: BranchRow, messageCount: number, current: number) => ({
  branch: row.branch,
  previousBranch: row.previous_branch,
  kind: row.kind,
  point: row.point === null ? null : (unescapeJson(row.point) as RewindPoint),
  reason: row.reason === null ? null : unescapeText(row.reason),
  actor: unescapeJson(row.actor) as Actor,
  createdAt: row.created_at.toISOString(),
  position: positionToken(row.position),
  messageCount,
  hiddenMessages: row.hidden_messages,
  undoneBranch: row.undone_branch,
  current: row.branch === current,
});
