import { ApiError } from '#libs/client/api-error.js';
import { pause } from '#libs/client/http-client.js';
import { packOf } from '#libs/git/packs.js';
import { failpoint } from './failpoint.js';
import type { TaskPlace } from './home.js';
import { MOST_SAFE, type Journal, type JournalState } from './journal.js';
import { backoffMs, isPassing, reasonIn, type Backoff } from './retry.js';
import type { ServerApi } from './server-api.js';

export interface PackSenderOptions {
  readonly place: TaskPlace;
  readonly journal: Journal;
  readonly api: Pick<ServerApi, 'sendPack'>;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly backoff?: Backoff;
}

/** Refusals of one pack, after which it is left: it stays pinned here. */
const MOST_REFUSALS = 8;
/** The same where the server does not know the checkpoint: its record may be on its way for long, an hour by the pauses. */
const MOST_UNKNOWN = 120;
/** Milliseconds after which nobody seems to take a pack: it is sent again. */
const SEND_MS = 900_000;

/** Sends the code of a task's checkpoints to the hub, in the background and until it is taken: also after a restart. */
export class PackSender {
  #running: Promise<void> | null = null;
  #isAskedAgain = false;

  constructor(private readonly options: PackSenderOptions) {}

  /** There is something to send. */
  wake(): void {
    // What ends before it began would stay as running for ever.
    if (this.options.signal.aborted) return;
    this.#isAskedAgain = true;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being sent. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isAskedAgain && !this.options.signal.aborted) {
      this.#isAskedAgain = false;
      await this.#sendAll().catch((error: unknown) => {
        if (!this.options.signal.aborted) this.options.log(`code is not sent: ${reasonIn(error)}`);
      });
    }
    this.#running = null;
  }

  async #sendAll(): Promise<void> {
    const { journal, signal, backoff } = this.options;
    const none = { failed: 0, refused: 0, unknown: 0 };
    for (let times = none; !signal.aborted;) {
      const [next] = journal.state.unsafe;
      if (!next) return;
      const end = await this.#send(next, times.refused > 0 ? [] : journal.state.safe);
      if (end === 'sent') times = none;
      else {
        times = { ...times, [end]: times[end] + 1 };
        if (times.refused >= MOST_REFUSALS || times.unknown >= MOST_UNKNOWN) {
          await this.#leave(next);
          times = none;
        } else {
          const failures = times.failed + times.refused + times.unknown;
          await pause(backoffMs(failures, { firstMs: 500, ...backoff }), signal);
        }
      }
    }
  }

  async #send(
    { checkpointId, commitSha }: JournalState['unsafe'][number],
    have: readonly string[],
  ): Promise<'sent' | 'failed' | 'refused' | 'unknown'> {
    const { place, journal, api, log, signal } = this.options;
    const pack = packOf({ gitDir: place.shadow }, commitSha, have);
    const timeout = AbortSignal.timeout(SEND_MS);
    let broken: Error | undefined;
    pack.on('error', (error) => (broken = error));
    try {
      await api.sendPack(place.taskId, checkpointId, pack, AbortSignal.any([signal, timeout]));
    } catch (error) {
      if (timeout.aborted) {
        log(`the code of checkpoint ${checkpointId} was not taken within ${SEND_MS} ms`);
        return 'failed';
      }
      if (error instanceof ApiError && error.code === 'NOT_FOUND') return 'unknown';
      const isRefused = broken !== undefined || !isPassing(error);
      if (isRefused)
        log(`the code of checkpoint ${checkpointId} was not taken: ${reasonIn(broken ?? error)}`);
      return isRefused ? 'refused' : 'failed';
    } finally {
      pack.destroy();
    }
    failpoint('checkpoint-packed');
    await journal.update(({ unsafe, safe }) => ({
      unsafe: unsafe.filter((one) => one.checkpointId !== checkpointId),
      safe: [...safe.filter((one) => one !== commitSha), commitSha].slice(-MOST_SAFE),
    }));
    return 'sent';
  }

  /** What the server does not take now it may never take; the others must not wait for it. */
  async #leave({ checkpointId }: JournalState['unsafe'][number]): Promise<void> {
    this.options.log(`the code of checkpoint ${checkpointId} stays here, and is not in the hub`);
    await this.options.journal.update(({ unsafe }) => ({
      unsafe: unsafe.filter((one) => one.checkpointId !== checkpointId),
    }));
  }
}
