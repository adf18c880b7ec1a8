import { Inject, Injectable } from '@nestjs/common';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { hydrate } from '#libs/event-store/long-values.js';
import type { Caller } from '#libs/kernel/caller.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { visibleTask } from '../task/task.guard.js';
import type { EarlierAnswer } from './lease.dto.js';
import { RunRequests } from './run-requests.js';

/** What an agent is asked, and what it is told of what was said and done before. */
export interface RunContext {
  readonly prompt: string;
  readonly conversation: readonly EarlierAnswer[];
}

/** Shapes a task's conversation for the agent that goes on with it. */
export abstract class RunContexts {
  abstract of(taskId: string, caller: Caller): Promise<RunContext>;
}

/** The prompt of the newest request, or else the plan; nothing of the conversation. */
@Injectable()
export class PlainRunContexts extends RunContexts {
  constructor(
    private readonly reads: ReadModels,
    private readonly requests: RunRequests,
    @Inject(BlobStore) private readonly blobs: BlobStore,
  ) {
    super();
  }

  override async of(taskId: string, caller: Caller): Promise<RunContext> {
    const request = await this.requests.newest(taskId);
    const prompt = request?.data.prompt;
    if (prompt !== undefined && prompt !== null)
      return { prompt: await hydrate(this.blobs, caller.ownerId, prompt), conversation: [] };
    const { plan } = await this.reads.read({ caller }, (db) => visibleTask(db, caller, taskId));
    return { prompt: plan, conversation: [] };
  }
}
