import type { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { Recorded } from '#libs/kernel/event.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import { KnownTask } from './known-task.js';

/** Events hold up to 900 KB each. */
const PAGE = 250;

/** What tasks hold of transcripts: read from the log, and in a dry run what they would hold. */
export class KnownTasks {
  readonly #planned = new Map<string, KnownTask>();
  readonly #recent: string[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly codec: EventCodec,
  ) {}

  /** A task as it stands; one without an opening if there is none. */
  async load(taskId: string): Promise<KnownTask> {
    const planned = this.#planned.get(taskId);
    if (planned) return planned;
    const known = new KnownTask(taskId);
    for (let after = 0; ; after += PAGE) {
      const page = await this.store.readStream(taskStream(taskId), { after, upTo: after + PAGE });
      for (const event of page) known.apply(this.codec.decode(event) as Recorded<TaskEvent>);
      if (page.length < PAGE) return known;
    }
  }

  /** In a dry run: what a task would hold. */
  plan(known: KnownTask): void {
    this.#planned.set(known.taskId, known);
    this.#recent.push(known.taskId);
  }

  /** Ends a transcript's turn in a dry run: what would be held of it is needed no longer, or kept for others. */
  settle(isNeeded: boolean): void {
    if (!isNeeded) for (const taskId of this.#recent) this.#planned.delete(taskId);
    this.#recent.length = 0;
  }
}
