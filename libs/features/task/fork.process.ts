import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createdId } from '#libs/commands/command-context.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import type { Queryable } from '#libs/database/database.js';
import type { Caller } from '#libs/kernel/caller.js';
import { invalid, invalidField, Problem } from '#libs/kernel/problem.js';
import { parseInstant } from '#libs/kernel/position.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { positionToken } from '#libs/kernel/position.js';
import { isUuid } from '#libs/kernel/ids.js';
import { ReadModels } from '#libs/projections/read-models.js';
import {
  checkpointBy,
  checkpointOfId,
  checkpointWithin,
  type CheckpointView,
} from '../checkpoint/checkpoint.queries.js';
import { NOTHING_SHOWN, type Tip } from '../conversation/branches.js';
import { requireShown } from '../conversation/shown.js';
import type { MessagePlace } from '../conversation/conversation.events.js';
import { placeOf, type Shown } from '../conversation/conversation.queries.js';
import { openCallsAt } from '../conversation/open-calls.js';
import { findPoint, lastUpTo } from '../conversation/rewind-point.js';
import { cutAfter, indexIn, shows, type Segment } from '../conversation/segments.js';
import type { ForkTaskRequest } from './task.dto.js';
import { taskStream, type ForkPoint, type TaskEvent } from './task.events.js';
import type { TaskView } from './task.view.js';
import { visibleTask } from './task.guard.js';
import { DispatchTask, TASK_STATES } from './task.commands.js';
import type { TaskState } from './task.state.js';

/** A request in its canonical, nested shape. */
interface Wanted {
  readonly type: 'checkpoint' | 'timestamp' | 'message_id';
  readonly value: string;
  readonly name: string;
  readonly plan: string;
  readonly includeConversation: boolean;
  readonly branchName: string | null;
  readonly inclusive: boolean;
}

interface Found {
  readonly keepUpTo: MessagePlace | null;
  readonly checkpoint: CheckpointView | null;
  readonly timestamp: string;
}

/** Forks a task: a new stream that begins with what it shows of its source. Nothing is copied. */
@Injectable()
export class Forks {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** SPEC §4.3. */
  async fork(taskId: string, request: ForkTaskRequest, context: RequestContext) {
    const wanted = canonical(request);
    const newTaskId = createdId(context, `fork of ${taskId}`);
    const earlier = await this.#earlier(newTaskId, wanted, context);
    if (earlier) return earlier;
    await this.reads.catchUpWithLog(['task', 'conversation', 'checkpoint']);
    const { source, shown, found } = await this.reads.read({ caller: context.caller }, async (db) => {
      const task = await visibleTask(db, context.caller, taskId);
      const now = await requireShown(db, taskId, null, null);
      return { source: task, shown: now, found: await locate(db, context.caller, task, now, wanted) };
    });
    const tip = wanted.includeConversation ? tipIn(shown, found.keepUpTo) : NOTHING_SHOWN;
    const asOfNow = await this.#asOfNow(taskId, context, cutAfter(shown.segments, tip.last));
    const data = { ...forked(newTaskId, source, wanted, found, tip), ...asOfNow };
    const { position } = await this.commands.execute(
      new DispatchTask(newTaskId, { type: 'ForkTask', data }, context, { dryRun: request.dryRun }),
    );
    await this.reads.settle(position);
    return answer(taskId, newTaskId, wanted, found, tip.count, request.dryRun, position);
  }

  /** What the log, rather than a read model, says of a fork's source, and of the part that the fork takes over. */
  async #asOfNow(sourceTaskId: string, { caller }: RequestContext, kept: readonly Segment[]) {
    const { version, state } = await this.states.refresh(taskStream(sourceTaskId));
    const openToday = state.kind === 'none' ? [] : Object.values(state.conversation.openCalls);
    const openCalls = await this.reads.read({ caller }, (db) => openCallsAt(db, kept, openToday));
    return { sourceVersion: version, ...(openCalls.length > 0 && { openCalls }) };
  }

  /** What this very request did before: its point is not looked for again, for the source has moved since. */
  async #earlier(newTaskId: string, wanted: Wanted, context: RequestContext) {
    if (!context.idempotent) return null;
    const command = { type: 'UndoRewind' } as const;
    const { repeated, events, position } = await this.commands.execute(
      new DispatchTask(newTaskId, command, context, { onlyIfRepeated: true }),
    );
    const [event] = events;
    if (!repeated || event?.type !== 'TaskForked') return null;
    const { sourceTaskId, point, keptMessages } = event.data;
    const { checkpointId } = point;
    const checkpoint =
      checkpointId === null
        ? null
        : await this.reads.read({ caller: context.caller }, (db) => checkpointOfId(db, checkpointId));
    const found = { keepUpTo: null, checkpoint, timestamp: point.timestamp };
    return answer(sourceTaskId, newTaskId, wanted, found, keptMessages, false, position);
  }
}

/** @throws Problem VALIDATION_FAILED naming what neither of the two shapes gives. */
function canonical(request: ForkTaskRequest): Wanted {
  const { forkFrom, newTask, inclusive } = request;
  const given = {
    type: forkFrom?.type ?? request.forkFromType,
    value: forkFrom?.value ?? request.forkFromValue,
    name: newTask?.name ?? request.newTaskName,
    plan: newTask?.plan ?? request.newTaskPlan,
  };
  if (!complete(given)) {
    const paths = {
      type: 'forkFrom.type',
      value: 'forkFrom.value',
      name: 'newTask.name',
      plan: 'newTask.plan',
    };
    const missing = (Object.keys(paths) as (keyof typeof paths)[]).filter(
      (field) => given[field] === undefined,
    );
    throw invalid(
      ...missing.map((field) => ({ field: paths[field], code: 'REQUIRED', detail: 'is required' })),
    );
  }
  const includeConversation = newTask?.includeConversation ?? request.includeConversation ?? true;
  return { ...given, inclusive, includeConversation, branchName: branchNameOf(request, given.name) };
}

const complete = <T extends object>(given: T): given is { [K in keyof T]: Exclude<T[K], undefined> } & T =>
  Object.values(given).every((value) => value !== undefined);

/** The branch to create: the one named, or one named after the task; null if none is wanted. */
function branchNameOf({ branchOptions, ...flat }: ForkTaskRequest, taskName: string): string | null {
  const createBranch = branchOptions?.createBranch ?? flat.createBranch;
  if (createBranch === false) return null;
  const named = branchOptions?.branchName ?? flat.branchName;
  if (named !== undefined) return named;
  return createBranch ? `makima/${taskName.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()}` : null;
}

async function locate(
  db: Queryable,
  caller: Caller,
  task: TaskView,
  shown: Shown,
  wanted: Wanted,
): Promise<Found> {
  switch (wanted.type) {
    case 'checkpoint':
      return atCheckpoint(db, task, shown, wanted.value);
    case 'timestamp': {
      const time = parseInstant(wanted.value);
      if (!time) throw invalidField('forkFrom.value', 'must be an ISO 8601 date-time with a zone');
      const { keepUpTo } = await findPoint(db, caller, shown, { toTimestamp: time });
      return {
        keepUpTo,
        checkpoint: await checkpointBefore(db, shown, keepUpTo),
        timestamp: time.toISOString(),
      };
    }
    case 'message_id': {
      if (!isUuid(wanted.value)) throw invalidField('forkFrom.value', 'must be the id of a message, a UUID');
      const { keepUpTo } = await findPoint(db, caller, shown, {
        toMessageId: wanted.value,
        inclusive: wanted.inclusive,
      });
      const place = await placeOf(db, wanted.value, shown.segments);
      return {
        keepUpTo,
        checkpoint: await checkpointBefore(db, shown, keepUpTo),
        timestamp: place!.occurredAt.toISOString(),
      };
    }
  }
}

async function atCheckpoint(db: Queryable, task: TaskView, shown: Shown, value: string): Promise<Found> {
  const checkpoint = await checkpointBy(db, task.id, value);
  if (!checkpoint) {
    throw new Problem(
      'CHECKPOINT_UNKNOWN',
      `Task ${task.id} has no checkpoint ${value}. List its checkpoints to see which there are.`,
    );
  }
  const keepUpTo = checkpoint.seq === 0 ? null : { taskId: checkpoint.taskId, seq: checkpoint.seq };
  // A checkpoint of messages that a rewind has hidden since: the last message before it that is still shown.
  const visible = keepUpTo === null || shows(shown.segments, keepUpTo) ? keepUpTo : lastUpTo(shown, keepUpTo);
  return { keepUpTo: visible, checkpoint, timestamp: checkpoint.createdAt };
}

/** What a fork takes over: all up to a message that is shown. */
const tipIn = ({ segments }: Shown, last: MessagePlace | null): Tip => ({
  last,
  count: last === null ? 0 : (indexIn(segments, last) ?? -1) + 1,
});

const checkpointBefore = (
  db: Queryable,
  shown: Shown,
  keepUpTo: MessagePlace | null,
): Promise<CheckpointView | null> => checkpointWithin(db, cutAfter(shown.segments, keepUpTo), shown.branch);

function forked(newTaskId: string, source: TaskView, wanted: Wanted, found: Found, { last, count }: Tip) {
  const point: ForkPoint = {
    type: wanted.type,
    value: wanted.value,
    inclusive: wanted.type === 'timestamp' ? false : wanted.inclusive,
    checkpointId: found.checkpoint?.id ?? null,
    timestamp: found.timestamp,
  };
  return {
    taskId: newTaskId,
    contractId: source.contractId,
    parentTaskId: source.parentTaskId,
    name: wanted.name,
    plan: wanted.plan,
    sourceTaskId: source.id,
    point,
    after: last,
    keptMessages: count,
    conversationIncluded: wanted.includeConversation,
    checkpointSha: found.checkpoint?.commitSha ?? null,
    checkpointNumber: source.checkpointCount,
    branchName: wanted.branchName,
    source: null,
  };
}

function answer(
  taskId: string,
  newTaskId: string,
  wanted: Wanted,
  found: Found,
  messageCount: number,
  dryRun: boolean,
  position: bigint,
) {
  return {
    newTaskId,
    sourceTaskId: taskId,
    forkPoint: {
      type: wanted.type,
      inclusive: wanted.type === 'timestamp' ? false : wanted.inclusive,
      ...(found.checkpoint ? { checkpoint: found.checkpoint } : {}),
      timestamp: found.timestamp,
    },
    ...(wanted.branchName === null ? {} : { branchName: wanted.branchName }),
    conversationIncluded: wanted.includeConversation,
    messageCount,
    dryRun,
    position: positionToken(position),
  };
}
