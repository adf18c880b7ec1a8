import { ApiError } from '#libs/client/api-error.js';
import type { Recording } from './checkpoints.js';
import type { TaskPlace } from './home.js';
import type { Journal } from './journal.js';
import type { RunEnd } from './protocol.js';
import { untilAnswered } from './retry.js';
import type { ServerApi } from './server-api.js';
import { Spool } from './spool.js';

export interface LinkOptions {
  readonly api: ServerApi;
  /** Ends everything where it stands; what is on the disk is gone on with later. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** What the server is told of one task, asked until it answers. */
export class TaskLink {
  constructor(
    private readonly place: TaskPlace,
    private readonly journal: Journal,
    private readonly options: LinkOptions,
  ) {}

  /** Opens what is told under a lease, for as long as something is done with it. */
  async recording<T>(
    epoch: number,
    work: (recording: Recording) => Promise<T>,
    onLeaseLost?: () => void,
  ): Promise<T> {
    const { api, log, signal } = this.options;
    const done = new AbortController();
    const spool = await Spool.open({
      folder: this.place.spool,
      epoch,
      send: (items) => api.record(this.place.taskId, epoch, items),
      signal: AbortSignal.any([signal, done.signal]),
      log,
      ...(onLeaseLost ? { onLeaseLost } : {}),
    });
    try {
      return await work({ spool, epoch });
    } finally {
      done.abort(new Error('nothing more is told'));
      await spool.closed();
    }
  }

  /** Gives a lease back. One that has ended already needs no end. */
  async release(epoch: number, end: RunEnd): Promise<void> {
    const { api } = this.options;
    await this.#ask(() => api.release(this.place.taskId, epoch, end)).catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      this.options.log(`the lease was not given back: ${error.detail}`);
    });
    await this.journal.update(({ lease }) => ({ lease: lease?.epoch === epoch ? null : lease }));
  }

  /** A checkpoint that was asked for is there. */
  async answer(requestId: string, checkpointId: string): Promise<void> {
    await this.#ask(() => this.options.api.answer(this.place.taskId, requestId, checkpointId));
  }

  async failed(rewindId: string, reason: string): Promise<void> {
    await this.#ask(() => this.options.api.failed(this.place.taskId, rewindId, reason));
  }

  #ask<T>(work: () => Promise<T>): Promise<T> {
    return untilAnswered(work, { signal: this.options.signal });
  }
}
