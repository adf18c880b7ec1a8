import { Inject, Injectable } from '@nestjs/common';
import type { StreamStates } from '#libs/commands/stream-states.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import type { TaskState } from '../task/task.state.js';

/** Somebody wants a task to run. */
export type RunRequest = Extract<TaskEvent, { type: 'TaskStartRequested' | 'TaskContinueRequested' }>;

const TYPES: readonly string[] = ['TaskStartRequested', 'TaskContinueRequested'];
const PAGE = 500;

/** Finds what a task was last asked to run for: near the end of its stream, so that is where it looks first. */
@Injectable()
export class RunRequests {
  constructor(
    @Inject(EventStore) private readonly store: EventStore,
    @Inject(EventCodec) private readonly codec: EventCodec,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
  ) {}

  /** Null: it never was. */
  async newest(taskId: string): Promise<RunRequest | null> {
    const stream = taskStream(taskId);
    let { version: upTo } = await this.states.refresh(stream);
    while (upTo > 0) {
      const after = Math.max(0, upTo - PAGE);
      const found = (await this.store.readStream(stream, { after, upTo })).findLast(({ type }) =>
        TYPES.includes(type),
      );
      if (found) return this.codec.decode(found).event as RunRequest;
      upTo = after;
    }
    return null;
  }
}
