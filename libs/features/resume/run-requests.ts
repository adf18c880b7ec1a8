import { Inject, Injectable } from '@nestjs/common';
import type { StreamStates } from '#libs/commands/stream-states.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { hydrate } from '#libs/event-store/long-values.js';
import type { LongText } from '#libs/kernel/blob-reference.js';
import { TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import type { TaskState } from '../task/task.state.js';
import { shapeOf, type ResumeWish } from './context-options.js';

/** How tasks were last asked to run: from their streams, so that the answer is the same before and after a lease. */
@Injectable()
export class RunRequests {
  constructor(
    @Inject(EventStore) private readonly store: EventStore,
    @Inject(EventCodec) private readonly codec: EventCodec,
    @Inject(BlobStore) private readonly blobs: BlobStore,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  async newest(taskId: string, ownerId: string): Promise<ResumeWish> {
    const stream = taskStream(taskId);
    const { state } = await this.states.refresh(stream);
    const version = state.kind === 'none' ? 0 : state.lease.requestedAt;
    const [stored] =
      version === 0 ? [] : await this.store.readStream(stream, { after: version - 1, limit: 1 });
    const event = stored && (this.codec.decode(stored).event as TaskEvent);
    if (event?.type === 'TaskStartRequested')
      return { ...AS_IT_IS, prompt: await this.#text(ownerId, event.data.prompt) };
    if (event?.type !== 'TaskContinueRequested') return AS_IT_IS;
    const { resumeMode, restartsPhase, contextOptions, maxTokens, prompt } = event.data;
    return {
      mode: restartsPhase ? 'restart_phase' : resumeMode,
      shape: shapeOf(contextOptions, maxTokens),
      prompt: await this.#text(ownerId, prompt ?? null),
    };
  }

  async #text(ownerId: string, text: LongText | null): Promise<string | null> {
    return (await hydrate(this.blobs, ownerId, { text })).text;
  }
}

/** A task that was only given to another daemon goes on with all that it shows. */
const AS_IT_IS: ResumeWish = { mode: 'with_context', shape: shapeOf({}, undefined), prompt: null };
