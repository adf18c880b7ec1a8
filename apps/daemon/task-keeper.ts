import type { RepositoryCache } from '#libs/git/repository-cache.js';
import { Upkeep } from '#libs/git/upkeep.js';
import { Checkpoints, type Recording } from './checkpoints.js';
import { failpoint } from './failpoint.js';
import type { TaskPlace } from './home.js';
import { Journal } from './journal.js';
import { OneByOne } from './one-by-one.js';
import { PackSender } from './pack-sender.js';
import type { CheckpointRequest, HeldLease, Lease, RewindOrder, RunEnd } from './protocol.js';
import { endLeftovers, recover } from './recovery.js';
import { reasonIn } from './retry.js';
import { Rewinding } from './rewinding.js';
import { LeaseLost, type Spool } from './spool.js';
import { TaskCode } from './task-code.js';
import { TaskLink, type LinkOptions } from './task-link.js';
import { TaskRun, type RunOptions } from './task-run.js';
import { prepareFolder, repositoryOf } from './work-folder.js';

export interface KeeperOptions extends RunOptions, LinkOptions {
  readonly cache: RepositoryCache;
}

/** What there is when a task has a folder here. */
interface Workshop {
  readonly code: TaskCode;
  readonly checkpoints: Checkpoints;
}

/** Keeps one task on this machine: its folder, its journal, what is not sent, and the agent, if one runs. */
export class TaskKeeper {
  readonly #turns = new OneByOne();
  /** Orders that are being carried out. */
  readonly #orders = new Set<string>();
  readonly #link: TaskLink;
  readonly #packs: PackSender;
  readonly #upkeep: Upkeep;
  #workshop: Workshop | null = null;
  #run: TaskRun | null = null;
  /** Of the run that there is, while it works. */
  #recording: Recording | null = null;
  /** Of the lease that there is. */
  #spool: Spool | null = null;
  #busy = 0;
  #isWorking = false;
  /** How a run that was stopped ends. */
  #ending: RunEnd | null = null;

  private constructor(
    private readonly place: TaskPlace,
    private readonly journal: Journal,
    private readonly options: KeeperOptions,
  ) {
    this.#link = new TaskLink(place, journal, options);
    this.#packs = new PackSender({ ...options, place, journal });
    this.#upkeep = new Upkeep(
      { gitDir: place.shadow },
      {
        signal: options.signal,
        exclusive: (work) => (this.#workshop ? this.#workshop.code.alone(work) : work()),
        onFailure: (error) => options.log(`what is kept was not packed: ${reasonIn(error)}`),
      },
    );
  }

  static async open(place: TaskPlace, options: KeeperOptions): Promise<TaskKeeper> {
    const log = (line: string): void => options.log(`task ${place.taskId}: ${line}`);
    return new TaskKeeper(place, await Journal.open(place.journal, log), { ...options, log });
  }

  /** The lease under which this task is worked in now. */
  get held(): HeldLease | null {
    const { lease } = this.journal.state;
    return lease && { taskId: this.place.taskId, epoch: lease.epoch };
  }

  /** Whether something is under way or waits for its turn. */
  get isBusy(): boolean {
    return this.#busy > 0;
  }

  /** Whether an agent runs, or is about to. */
  get isWorking(): boolean {
    return this.#isWorking;
  }

  /** Whether a lease is left that nothing is done with. */
  get needsRecovery(): boolean {
    return this.journal.state.lease !== null && !this.isBusy;
  }

  /** Ends what a killed daemon has left running, tells what it had not told, and gives its lease back. */
  recover(): Promise<void> {
    return this.#next(async () => {
      const { place, journal } = this;
      const ended = await endLeftovers(place, journal.state.lease, this.options.graceMs);
      if (ended > 0) this.options.log('what a killed daemon had left running was ended');
      const workshop = await this.#existing();
      await recover({ place, journal, link: this.#link, checkpoints: workshop?.checkpoints ?? null });
      this.#packs.wake();
    });
  }

  /** Takes the task, if it is still to be had, and runs it. */
  async work(): Promise<void> {
    if (this.#isWorking) return;
    [this.#isWorking, this.#ending] = [true, null];
    await this.#next(() => this.#lease()).finally(() => (this.#isWorking = false));
  }

  async #lease(): Promise<void> {
    const { api, signal } = this.options;
    const lease = await api.lease(this.place.taskId);
    failpoint('lease-taken');
    signal.throwIfAborted();
    const { epoch, runId } = lease;
    await this.journal.update({ lease: { epoch, runId, agent: null, end: null } });
    await this.#runUnder(lease);
  }

  /** A lease that the server says is held, and nobody here knows of. */
  giveBack(epoch: number): Promise<void> {
    return this.#next(async () => {
      if (this.journal.state.lease) return;
      const reason = 'Its daemon was restarted before it had begun.';
      await this.#link.release(epoch, { status: 'interrupted', reason });
    });
  }

  /** Another works in the task: the agent is stopped, what was not sent is kept aside. */
  async loseLease(): Promise<void> {
    if (this.held) this.options.log('the lease is lost');
    this.#run?.loseLease();
    await this.#spool?.abandon();
  }

  /** Ends the agent, if one runs; the run ends as is said here. */
  async stop(end: RunEnd): Promise<void> {
    if (!this.#isWorking) return;
    this.#ending ??= end;
    await this.#run?.stop(this.#ending);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#turns.run(async () => undefined);
    await Promise.all([this.#packs.idle(), this.#upkeep.idle()]);
  }

  rewind(order: RewindOrder): Promise<void> {
    return this.#order(order.rewindId, async () => {
      await this.stop({ status: 'paused', reason: 'It was stopped to be rewound.' });
      await this.#next(async () => {
        failpoint('rewind-stopped');
        const workshop = await this.#existing();
        if (!workshop)
          return this.#link.failed(order.rewindId, 'This daemon has no folder of the task any more.');
        await this.#link.recording(0, (recording) => this.#rewinding(workshop, recording).carryOut(order));
      });
    });
  }

  #rewinding({ code, checkpoints }: Workshop, recording: Recording): Rewinding {
    const { taskId } = this.place;
    return new Rewinding({ ...this.options, taskId, code, checkpoints, journal: this.journal, recording });
  }

  checkpoint({ requestId, message }: CheckpointRequest): Promise<void> {
    return this.#order(requestId, async () => {
      const answer = async (workshop: Workshop, recording: Recording): Promise<void> => {
        const isHalfMade = !this.journal.state.isPrepared;
        const taken = await workshop.checkpoints.take(recording, {
          ...{ trigger: 'request', message },
          ...(isHalfMade ? { isAside: true } : {}),
        });
        await recording.spool.flush();
        if (taken) await this.#link.answer(requestId, taken.checkpointId);
      };
      if (this.#recording && this.#workshop) return answer(this.#workshop, this.#recording);
      await this.#next(async () => {
        const workshop = await this.#existing();
        if (!workshop) return this.options.log('a checkpoint was asked for, and there is no folder');
        await this.#link.recording(0, (recording) => answer(workshop, recording));
      });
    });
  }

  /** An order that is asked for again while it is carried out is one order. */
  async #order(id: string, work: () => Promise<void>): Promise<void> {
    if (this.#orders.has(id)) return;
    this.#orders.add(id);
    try {
      await work();
    } finally {
      this.#orders.delete(id);
    }
  }

  async #next(work: () => Promise<void>): Promise<void> {
    this.#busy += 1;
    try {
      await this.#turns.run(work);
    } finally {
      this.#busy -= 1;
    }
  }

  async #runUnder(lease: Lease): Promise<void> {
    const { log, signal } = this.options;
    try {
      await this.#link.recording(
        lease.epoch,
        async (recording) => {
          [this.#recording, this.#spool] = [recording, recording.spool];
          const end = await this.#runEnd(lease, recording).finally(() => (this.#recording = null));
          await this.journal.update(({ lease: now }) => ({ lease: now && { ...now, end } }));
          failpoint('run-ended');
          await (this.#workshop?.checkpoints.tellRest(recording) ?? recording.spool.flush());
          await this.#link.release(lease.epoch, end);
          log(`${end.status}${end.reason === undefined ? '' : `: ${end.reason}`}`);
        },
        () => this.#run?.loseLease(),
      );
    } catch (error) {
      // What the journal says is gone on with when the daemon starts again.
      signal.throwIfAborted();
      if (!(error instanceof LeaseLost)) throw error;
      await this.#workshop?.checkpoints.forget(({ epoch }) => epoch === lease.epoch);
      await this.journal.update({ lease: null });
    } finally {
      [this.#run, this.#spool] = [null, null];
      this.#packs.wake();
    }
  }

  async #runEnd(lease: Lease, recording: Recording): Promise<RunEnd> {
    const tools = { ...this.options, place: this.place, journal: this.journal };
    let workshop: Workshop;
    try {
      const repository = await repositoryOf(lease, tools);
      const code = await TaskCode.open(this.place, repository);
      workshop = this.#opened(code);
      await prepareFolder(lease, code, workshop.checkpoints, recording, tools);
    } catch (error) {
      this.options.signal.throwIfAborted();
      if (error instanceof LeaseLost) throw error;
      return { status: 'failed', reason: `The task's folder cannot be prepared: ${reasonIn(error)}` };
    }
    const { folder } = this.place;
    const { checkpoints } = workshop;
    // The lease may have been lost, or the run stopped, while the folder was made.
    await recording.spool.append([]);
    if (this.#ending) return this.#ending;
    const run = new TaskRun(
      lease,
      { ...recording, folder, journal: this.journal, checkpoints },
      this.options,
    );
    this.#run = run;
    return run.run();
  }

  #opened(code: TaskCode): Workshop {
    const { taskId } = this.place;
    const onPinned = (): void => {
      this.#packs.wake();
      this.#upkeep.wake();
    };
    return (this.#workshop = {
      code,
      checkpoints: new Checkpoints({ taskId, code, journal: this.journal, onPinned }),
    });
  }

  async #existing(): Promise<Workshop | null> {
    if (this.#workshop) return this.#workshop;
    const code = await TaskCode.kept(this.place);
    return code && this.#opened(code);
  }
}
