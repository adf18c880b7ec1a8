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
    for (let failures = 0, refusals = 0; !signal.aborted;) {
      const [next] = journal.state.unsafe;
      if (!next) return;
      const refusal = await this.#send(next, refusals > 0 ? [] : journal.state.safe);
      if (refusal === 'sent') [failures, refusals] = [0, 0];
      else {
        failures += 1;
        if (refusal === 'refused') refusals += 1;
        if (refusals >= MOST_REFUSALS) {
          await this.#leave(next);
          [failures, refusals] = [0, 0];
        } else await pause(backoffMs(failures, { firstMs: 500, ...backoff }), signal);
      }
    }
  }

  async #send(
    { checkpointId, commitSha }: JournalState['unsafe'][number],
    have: readonly string[],
  ): Promise<'sent' | 'failed' | 'refused'> {
    const { place, journal, api, log } = this.options;
    const pack = packOf({ gitDir: place.shadow }, commitSha, have);
    let broken: Error | undefined;
    pack.on('error', (error) => (broken = error));
    try {
      await api.sendPack(place.taskId, checkpointId, pack);
    } catch (error) {
      const isRefused = broken !== undefined || !isPassing(error);
      if (isRefused && !(error instanceof ApiError && error.code === 'NOT_FOUND'))
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
