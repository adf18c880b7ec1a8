import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunnerName } from '#libs/agents/runners/runner.js';
import { ApiError } from '#libs/client/api-error.js';
import type { Connection } from '#libs/client/connection.js';
import type { AllowedSources } from '#libs/git/repository-url.js';
import { RepositoryCache } from '#libs/git/repository-cache.js';
import { stayConnected } from './connection.js';
import { DiskUse } from './disk-use.js';
import { DaemonHome } from './home.js';
import {
  PROTOCOL,
  type HeldLease,
  type Hello,
  type Order,
  type RunnerChoice,
  type Work,
} from './protocol.js';
import { reasonIn, type Backoff } from './retry.js';
import { RUNNERS } from './runner-choice.js';
import { ServerApi } from './server-api.js';
import { TaskKeeper } from './task-keeper.js';

export interface DaemonOptions extends Connection {
  /** Makima's home: this daemon is in its folder `daemon`. */
  readonly home: string;
  /** For people; by default the name that it had, else that of the machine. */
  readonly name?: string;
  readonly version?: string;
  /** Agents at once (default 4). */
  readonly capacity?: number;
  readonly runners?: readonly RunnerName[];
  /** For tasks that name no runner (default: claude). */
  readonly otherwise?: RunnerChoice;
  /** Where repositories may be fetched from. */
  readonly sources?: AllowedSources;
  /** Milliseconds between checkpoints while an agent works (default 60,000). */
  readonly checkpointMs?: number;
  /** Milliseconds that agents have to end in when they are stopped (default 5,000). */
  readonly graceMs?: number;
  /** Milliseconds that draining may take (default 20,000); what is not sent then is sent at the next start. */
  readonly drainMs?: number;
  /** Milliseconds between two looks for work when nobody wakes it (default 5,000). */
  readonly lookMs?: number;
  readonly backoff?: Backoff;
  readonly log?: (line: string) => void;
}

export interface RunningDaemon {
  readonly daemonId: string;
  readonly name: string;
  /** Resolves when the server has welcomed it for the first time. @throws DaemonRefused */
  readonly connected: Promise<void>;
  /** Resolves when it has ended. @throws DaemonRefused, if that is why */
  readonly ended: Promise<void>;
  /** Stops the agents, sends what there is to send, and gives the leases back, so that another can go on. */
  stop(): Promise<void>;
}

/** Starts the daemon of a home. @throws HomeInUse */
export async function startDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const home = await DaemonHome.open(options.home, options.name);
  try {
    return await Daemon.start(home, options);
  } catch (error) {
    home.release();
    throw error;
  }
}

const CAPACITY = 4;
const [CHECKPOINT_MS, GRACE_MS, DRAIN_MS, LOOK_MS] = [60_000, 5_000, 20_000, 5_000];

/** Asks for work, and keeps the tasks that it has something of. */
class Daemon implements RunningDaemon {
  readonly connected: Promise<void>;
  readonly ended: Promise<void>;
  #begin: () => void = () => undefined;
  readonly #keepers = new Map<string, TaskKeeper>();
  readonly #api: ServerApi;
  readonly #cache: RepositoryCache;
  readonly #disk: DiskUse;
  /** Ends all that is under way. */
  readonly #end = new AbortController();
  readonly #log: (line: string) => void;
  #welcomed: () => void = () => undefined;
  #isDraining = false;
  #stopping: Promise<void> | null = null;
  #looking: Promise<void> | null = null;
  #isWoken = false;

  private constructor(
    private readonly home: DaemonHome,
    private readonly options: DaemonOptions,
  ) {
    const { url, token, log = () => undefined } = options;
    this.#log = log;
    this.#api = new ServerApi(
      { url, token, signal: this.#end.signal, userAgent: 'makima-daemon' },
      home.daemonId,
    );
    this.#cache = new RepositoryCache(home.cache, options.sources);
    this.#disk = new DiskUse(home.path);
    const welcomed = new Promise<void>((resolve) => (this.#welcomed = resolve));
    const connection = new Promise<void>((resolve) => (this.#begin = resolve)).then(() => this.#work());
    this.connected = Promise.race([welcomed, connection]);
    this.ended = connection.catch((error: unknown) => this.stop().then(() => Promise.reject(error as Error)));
    // Whoever waits for neither is told by the log.
    for (const promise of [this.connected, this.ended]) promise.catch(() => undefined);
  }

  /** Takes up what an earlier daemon of this home has left, before it asks for anything new. */
  static async start(home: DaemonHome, options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(home, options);
    for (const taskId of await home.tasks()) {
      const keeper = await daemon.#keeper(taskId);
      daemon.#do(taskId, keeper.recover());
    }
    daemon.#begin();
    return daemon;
  }

  get daemonId(): string {
    return this.home.daemonId;
  }

  get name(): string {
    return this.home.name;
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#drain());
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    const keepers = [...this.#keepers.values()];
    const stopped = keepers.map(async (keeper) => {
      await keeper.stop({ status: 'interrupted', reason: 'Its daemon was shut down.' });
      await keeper.idle();
    });
    const late = new AbortController();
    const drained = Promise.allSettled(stopped).then(() => true);
    const isDrained = await Promise.race([
      drained,
      delay(this.options.drainMs ?? DRAIN_MS, false, { signal: late.signal }).catch(() => true),
    ]);
    late.abort();
    if (!isDrained) this.#log('not everything was sent: it will be at the next start');
    this.#end.abort(new Error('the daemon has ended'));
    await Promise.allSettled([drained, this.#looking, ...keepers.map((keeper) => keeper.idle())]);
    this.home.release();
  }

  async #work(): Promise<void> {
    const timer = setInterval(() => this.#look(), this.options.lookMs ?? LOOK_MS);
    await this.#stayConnected().finally(() => clearInterval(timer));
  }

  async #stayConnected(): Promise<void> {
    const { backoff, url, token } = this.options;
    await stayConnected({
      server: { url, token },
      hello: this.#hello(),
      state: async () => ({ tasks: this.#held(), ...(await this.#disk.now()) }),
      onWelcome: () => {
        this.#welcomed();
        this.#look();
      },
      onWork: () => this.#look(),
      onStale: (taskIds) => {
        for (const taskId of taskIds) void this.#keepers.get(taskId)?.loseLease();
      },
      signal: this.#end.signal,
      log: this.#log,
      ...(backoff ? { backoff } : {}),
    });
  }

  #hello(): Hello {
    const { version = '0', capacity = CAPACITY, runners = RUNNERS } = this.options;
    const { daemonId, name } = this.home;
    return {
      type: 'hello',
      protocol: PROTOCOL,
      daemonId,
      name,
      version,
      hostname: hostname(),
      capacity,
      runners,
    };
  }

  #held(): readonly HeldLease[] {
    return [...this.#keepers.values()].flatMap(({ held }) => held ?? []);
  }

  /** Asks what there is to do; whoever asks while somebody asks is asked for once more. */
  #look(): void {
    this.#isWoken = true;
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = null;
      if (this.#isWoken && !this.#end.signal.aborted) this.#look();
    });
  }

  async #lookOnce(): Promise<void> {
    this.#isWoken = false;
    try {
      if (!this.#isDraining) await this.#take(await this.#api.work());
    } catch (error) {
      // It is asked again; that nobody answers is said by the connection.
      if (error instanceof ApiError) this.#log(`no work: ${error.detail}`);
    }
  }

  async #take({ orders, held, offers }: Work): Promise<void> {
    for (const order of orders) await this.#obey(order);
    for (const { taskId, epoch } of held) {
      const keeper = await this.#keeper(taskId);
      if (keeper.needsRecovery) this.#do(taskId, keeper.recover());
      else if (!keeper.held && !keeper.isBusy) this.#do(taskId, keeper.giveBack(epoch));
    }
    for (const { taskId } of offers) {
      if (this.#isDraining || this.#working() >= (this.options.capacity ?? CAPACITY)) return;
      const keeper = await this.#keeper(taskId);
      if (!keeper.isBusy)
        this.#do(
          taskId,
          keeper.work().finally(() => this.#look()),
        );
    }
  }

  async #obey({ taskId, rewind, checkpoint }: Order): Promise<void> {
    const keeper = await this.#keeper(taskId);
    if (rewind) this.#do(taskId, keeper.rewind(rewind));
    if (checkpoint) this.#do(taskId, keeper.checkpoint(checkpoint));
  }

  #working(): number {
    return [...this.#keepers.values()].filter(({ isWorking }) => isWorking).length;
  }

  /** What fails is said, and asked for again at the next look. */
  #do(taskId: string, work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (this.#end.signal.aborted) return;
      if (!(error instanceof ApiError && TAKEN.has(error.code)))
        this.#log(`task ${taskId}: ${reasonIn(error)}`);
    });
  }

  async #keeper(taskId: string): Promise<TaskKeeper> {
    const known = this.#keepers.get(taskId);
    if (known) return known;
    const { options } = this;
    const keeper = await TaskKeeper.open(await this.home.place(taskId), {
      url: options.url,
      api: this.#api,
      cache: this.#cache,
      signal: this.#end.signal,
      log: this.#log,
      allowed: options.runners ?? RUNNERS,
      otherwise: options.otherwise ?? { name: 'claude' },
      blob: (sha256) => this.#api.blob(sha256),
      checkpointMs: options.checkpointMs ?? CHECKPOINT_MS,
      graceMs: options.graceMs ?? GRACE_MS,
    });
    this.#keepers.set(taskId, keeper);
    return keeper;
  }
}

/** Somebody else was faster, or the server takes this daemon for lost until it has heard of it. */
const TAKEN = new Set(['LEASE_TAKEN', 'NOTHING_TO_RUN', 'TASK_BUSY', 'DAEMON_LOST']);
