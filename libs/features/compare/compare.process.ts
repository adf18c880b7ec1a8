import { Injectable } from '@nestjs/common';
import type { Queryable } from '#libs/database/database.js';
import { diffStatOf } from '#libs/git/diff-stat.js';
import { shownPath } from '#libs/git/path-bytes.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { invalidField } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { CheckpointCode } from '../checkpoint/checkpoint-code.process.js';
import { messagesIn } from '../conversation/conversation.queries.js';
import type { MessagePlace } from '../conversation/conversation.events.js';
import type { Segment } from '../conversation/segments.js';
import { partingOf } from './ancestor.js';
import type {
  AncestorAnswer,
  ComparedCode,
  ComparedSide,
  CompareQuery,
  ComparisonResponse,
} from './compare.dto.js';
import {
  checkpointsWithin,
  effortOf,
  forkLine,
  toolUseIn,
  type CheckpointWithin,
} from './compare.queries.js';
import { pointOf, type ComparedPoint } from './compared-point.js';

const MOST_TOOLS = 100;
const MOST_FILES = 1_000;

/** Compares what two tasks, or one at two points, did since they parted. */
@Injectable()
export class Comparisons {
  constructor(
    private readonly reads: ReadModels,
    private readonly code: CheckpointCode,
  ) {}

  /** @throws Problem NOT_FOUND, and VALIDATION_FAILED for a task of another contract. */
  async compare(
    taskId: string,
    { with: otherId, at: point, withAt }: CompareQuery,
    context: RequestContext,
  ): Promise<ComparisonResponse> {
    const { caller } = context;
    const found = await this.reads.read(context, async (db, at) => {
      const one = await pointOf(db, caller, { taskId, wanted: point, at });
      const other = await pointOf(db, caller, { taskId: otherId, wanted: withAt, at });
      if (one.task.contractId !== other.task.contractId)
        throw invalidField('with', 'must be a task of the same contract');
      const [mine, theirs] = [await checkpointsWithin(db, one, at), await checkpointsWithin(db, other, at)];
      const { last, commonMessages, since } = partingOf(one.segments, other.segments);
      return {
        ancestor: await ancestorOf(db, [one, other], { last, commonMessages, at }),
        task: await sideOf(db, one, { since: since[0], own: mine, others: theirs, at }),
        with: await sideOf(db, other, { since: since[1], own: theirs, others: mine, at }),
        safe: [mine.findLast(({ isSafe }) => isSafe), theirs.findLast(({ isSafe }) => isSafe)] as const,
        contractId: one.task.contractId,
      };
    });
    const { safe, contractId, ...answer } = found;
    const [from, to] = safe;
    return { ...answer, code: from && to ? await this.#code(from, to, contractId, context) : null };
  }

  async #code(
    from: CheckpointWithin,
    to: CheckpointWithin,
    contractId: string | null,
    { caller: { ownerId } }: RequestContext,
  ): Promise<ComparedCode> {
    const { place } = await this.code.hubOf({ ownerId, contractId });
    const files = await diffStatOf(place, from.commitSha, to.commitSha);
    const sumOf = (lines: 'additions' | 'deletions'): number =>
      files.reduce((sum, file) => sum + file[lines], 0);
    return {
      from,
      to,
      filesChanged: files.length,
      insertions: sumOf('additions'),
      deletions: sumOf('deletions'),
      files: files
        .slice(0, MOST_FILES)
        .map(({ path, from: moved, action, additions, deletions, binary }) => ({
          path: shownPath(path),
          action: action === 'renamed' ? 'modified' : action,
          ...(moved === null ? {} : { renamedFrom: shownPath(moved) }),
          additions,
          deletions,
          binary,
        })),
      diffUrl: `/api/v1/mesh/tasks/${to.taskId}/checkpoints/${to.id}/diff?against=${from.id}`,
    };
  }
}

async function sideOf(
  db: Queryable,
  { task, point, messageCount }: ComparedPoint,
  {
    since,
    own,
    others,
    at,
  }: {
    readonly since: readonly Segment[];
    readonly own: readonly CheckpointWithin[];
    readonly others: readonly CheckpointWithin[];
    readonly at: bigint | null;
  },
): Promise<ComparedSide> {
  const { firstAt, lastAt, ...effort } = await effortOf(db, since, at);
  const common = new Set(others.map(({ id, taskId }) => `${taskId}/${id}`));
  return {
    taskId: task.id,
    name: task.name,
    point,
    messageCount,
    since: {
      ...effort,
      tools: await toolUseIn(db, since, { limit: MOST_TOOLS, at }),
      checkpoints: own.filter(({ id, taskId }) => !common.has(`${taskId}/${id}`)).length,
      firstAt: firstAt?.toISOString() ?? null,
      lastAt: lastAt?.toISOString() ?? null,
    },
    checkpoint: own.at(-1) ?? null,
  };
}

/** Where two tasks part: at the last message of both; without one, at the task that both are, or are forks of. */
async function ancestorOf(
  db: Queryable,
  [one, other]: readonly [ComparedPoint, ComparedPoint],
  parted: { readonly last: MessagePlace | null; readonly commonMessages: number; readonly at: bigint | null },
): Promise<AncestorAnswer | null> {
  const { last, commonMessages, at } = parted;
  if (last) {
    const [message] = await messagesIn(db, [{ taskId: last.taskId, from: last.seq, to: last.seq }]);
    return { taskId: last.taskId, messageId: message!.message_id, messageCount: commonMessages };
  }
  const line = new Set(await forkLine(db, one.task.id, at));
  const taskId = (await forkLine(db, other.task.id, at)).find((id) => line.has(id));
  return taskId === undefined ? null : { taskId, messageId: null, messageCount: 0 };
}
