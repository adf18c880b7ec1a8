import { Injectable } from '@nestjs/common';
import type { Queryable } from '#libs/database/database.js';
import { assertContract, notFound, type Caller } from '#libs/kernel/caller.js';
import { CursorCodec } from '#libs/http/cursor.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { contractOf } from '../contract/contract.queries.js';
import { visibleTask } from '../task/task.guard.js';
import { withSubtasks } from '../task/task.queries.js';
import type {
  HistoryQuery,
  OutputQuery,
  OverviewQuery,
  TimelineOverviewQuery,
  TimelineQuery,
} from './timeline.dto.js';
import type { Scope } from './matching-entries.js';
import {
  countedPage,
  entriesPage,
  overviewOf,
  type EntryPageOptions,
  type EntryPlace,
} from './timeline.queries.js';

/** Which part of the owner's history a request is about. */
export interface ScopeWanted {
  readonly contract_id?: string | undefined;
  readonly task_id?: string | undefined;
  readonly include_subtasks?: boolean | undefined;
}

/** Reads timelines: of a contract, a task with or without its subtasks, or everything of an owner. */
@Injectable()
export class Timelines {
  constructor(
    private readonly reads: ReadModels,
    private readonly cursors: CursorCodec,
  ) {}

  /** SPEC §2.1. */
  async contractHistory(contractId: string, query: HistoryQuery, context: RequestContext) {
    const binding = { ownerId: context.caller.ownerId, route: `history/${contractId}/1`, filters: query };
    return this.reads.read(context, async (db, at) => {
      const scope = await findScope(db, { contract_id: contractId }, context.caller, at);
      const { entries, next, totalCount } = await countedPage(db, this.#wanted(scope, query, binding, at));
      return {
        contractId,
        entries,
        totalCount,
        ...(next ? { cursor: this.cursors.seal(binding, next) } : {}),
      };
    });
  }

  /** SPEC §2.5. */
  async timeline(query: TimelineQuery, context: RequestContext) {
    const binding = { ownerId: context.caller.ownerId, route: 'timeline/1', filters: query };
    return this.reads.read(context, async (db, at) => {
      const scope = await findScope(db, query, context.caller, at);
      const { entries, next } = await entriesPage(db, this.#wanted(scope, query, binding, at));
      return { entries, ...(next ? { cursor: this.cursors.seal(binding, next) } : {}) };
    });
  }

  async contractOverview(contractId: string, query: OverviewQuery, context: RequestContext) {
    return {
      contractId,
      ...(await this.overview({ ...query, contract_id: contractId, include_subtasks: false }, context)),
    };
  }

  overview(query: TimelineOverviewQuery, context: RequestContext) {
    return this.reads.read(context, async (db, at) =>
      overviewOf(db, await findScope(db, query, context.caller, at), query, at),
    );
  }

  /** SPEC §1.3: the newest N of a task's events (or those of some types), oldest first. */
  async taskEvents(
    taskId: string,
    query: OutputQuery,
    types: readonly string[] | undefined,
    context: RequestContext,
  ) {
    const binding = { ownerId: context.caller.ownerId, route: `events/${taskId}/1`, filters: { types } };
    const filters = { event_types: [...(types ?? ['task_event'])] };
    return this.reads.read(context, async (db, at) => {
      const scope = await findScope(db, { task_id: taskId }, context.caller, at);
      const wanted = {
        ...filters,
        order: 'newest' as const,
        limit: query.limit,
        ...(query.cursor ? { cursor: query.cursor } : {}),
      };
      const { entries, next } = await entriesPage(db, this.#wanted(scope, wanted, binding, at));
      return {
        taskId,
        events: entries.toReversed(),
        ...(next ? { cursor: this.cursors.seal(binding, next) } : {}),
      };
    });
  }

  /** The scope of a live stream, once it is known that the caller may see it. */
  scopeOf(wanted: ScopeWanted, context: RequestContext): Promise<Scope> {
    return this.reads.read({ caller: context.caller }, (db) => findScope(db, wanted, context.caller, null));
  }

  #wanted(
    scope: Scope,
    query: HistoryQuery,
    binding: { readonly ownerId: string; readonly route: string; readonly filters: object },
    at: bigint | null,
  ): EntryPageOptions {
    const after = query.cursor ? (this.cursors.open(binding, query.cursor) as EntryPlace) : null;
    return { scope, filters: query, order: query.order, limit: query.limit, after, at };
  }
}

/** @throws Problem NOT_FOUND for a contract or task that the caller may not see. */
async function findScope(
  db: Queryable,
  wanted: ScopeWanted,
  caller: Caller,
  at: bigint | null,
): Promise<Scope> {
  if (wanted.task_id !== undefined) {
    const task = await visibleTask(db, caller, wanted.task_id, at);
    if (wanted.contract_id !== undefined && task.contractId !== wanted.contract_id)
      throw notFound('task', wanted.task_id);
    return {
      kind: 'tasks',
      taskIds: wanted.include_subtasks ? await withSubtasks(db, wanted.task_id) : [wanted.task_id],
    };
  }
  const contractId = wanted.contract_id ?? caller.contractId;
  if (contractId === undefined) return { kind: 'owner' };
  if (caller.contractId) assertContract(caller, contractId);
  if (!(await contractOf(db, contractId, at))) throw notFound('contract', contractId);
  return { kind: 'contract', contractId };
}
