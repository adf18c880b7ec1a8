import { setTimeout as delay } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { CommandContext } from '#libs/commands/command-context.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import { Database } from '#libs/database/database.js';
import { newId } from '#libs/kernel/ids.js';
import { DispatchTask, TASK_STATES } from '../task/task.commands.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import type { TaskState } from '../task/task.state.js';
import { lostDaemons, type LostDaemon } from './daemon.queries.js';
import { DaemonTimes } from './presence.js';

/** What else has to be done about a daemon that is lost. It may be called again and again while the daemon stays away. */
export type AfterLost = (daemonId: string, ownerId: string) => Promise<void>;

/**
 * Ends the leases of daemons that nothing is heard of. Every API process looks; who comes second finds nothing. Daemons get
 * the whole time anew when this process could not have heard them: after its start, a database that was away, a sleep.
 */
@Injectable()
export class LostLeases implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('daemon');
  readonly #stop = new AbortController();
  readonly #after: AfterLost[] = [];
  #loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly commands: CommandBus,
    @Inject(Database) private readonly system: Database,
    @Inject(TASK_STATES) private readonly states: StreamStates<TaskState, TaskEvent>,
    @Inject(DaemonTimes) private readonly times: DaemonTimes,
  ) {}

  /** Has something done about every daemon that is lost, after its leases were ended. */
  afterLost(work: AfterLost): void {
    this.#after.push(work);
  }

  onApplicationBootstrap(): void {
    this.#loop = this.#watch();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    const { leaseMs } = this.times;
    const everyMs = Math.min(5_000, Math.ceil(leaseMs / 4));
    let heardSince = Date.now();
    for (let last = Date.now(); !signal.aborted; last = Date.now()) {
      await delay(everyMs, undefined, { signal }).catch(() => undefined);
      const now = Date.now();
      if (now - last > everyMs + leaseMs / 2 || now < last) heardSince = now;
      if (signal.aborted || now - heardSince < leaseMs) continue;
      try {
        for (const lost of await lostDaemons(this.system, leaseMs)) await this.#lose(lost);
      } catch (error) {
        heardSince = Date.now();
        if (!signal.aborted) this.#logger.warn(`lost daemons: ${(error as Error).message}`);
      }
    }
  }

  async #lose({ daemonId, ownerId, taskIds }: LostDaemon): Promise<void> {
    for (const taskId of taskIds) await this.#end(taskId, daemonId, ownerId);
    for (const work of this.#after)
      await work(daemonId, ownerId).catch((error: Error) =>
        this.#logger.warn(`after the loss of daemon ${daemonId}: ${error.message}`),
      );
  }

  /** The read model may be behind: what counts is the lease that the task's stream has. */
  async #end(taskId: string, daemonId: string, ownerId: string): Promise<void> {
    const { state } = await this.states.refresh(taskStream(taskId));
    if (state.kind === 'none' || state.lease.holder !== daemonId) return;
    const held = { daemonId, epoch: state.lease.epoch };
    const reason = 'Nothing was heard of its daemon.';
    const command = { type: 'EndLease', end: 'lost', held, status: 'interrupted', reason } as const;
    try {
      await this.commands.execute(new DispatchTask(taskId, command, lossContext(ownerId)));
      this.#logger.warn(`task ${taskId} is interrupted: nothing was heard of daemon ${daemonId}`);
    } catch (error) {
      // Another process, or the daemon itself, was faster; or it is tried again.
      const { code, message } = error as { readonly code?: string; readonly message: string };
      if (code !== 'LEASE_STALE') this.#logger.warn(`task ${taskId} of a lost daemon: ${message}`);
    }
  }
}

const lossContext = (ownerId: string): CommandContext => ({
  actor: { kind: 'system', id: 'leases' },
  ownerId,
  now: new Date(),
  commandId: newId(),
  idempotent: false,
});
