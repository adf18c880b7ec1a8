import { Inject, Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { CommandContext } from '#libs/commands/command-context.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { notFound, type Caller } from '#libs/kernel/caller.js';
import { Problem, saysAbsent } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { DispatchDaemon } from './daemon.commands.js';
import type { DaemonEvent } from './daemon.events.js';
import { daemonsBy, standingsBy } from './daemon.queries.js';
import { DaemonTimes } from './presence.js';

type RefusedOutput = Extract<DaemonEvent, { type: 'DaemonOutputRefused' }>['data'];

/** An owner's daemons: what they are, and whether they are there. */
@Injectable()
export class Daemons {
  readonly #logger = new Logger('daemon');

  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    @Inject(DaemonTimes) private readonly times: DaemonTimes,
  ) {}

  async list(context: RequestContext) {
    if (isBound(context.caller)) return { daemons: [] };
    return { daemons: await this.reads.read(context, (db) => daemonsBy(db, this.times)) };
  }

  async show(daemonId: string, context: RequestContext) {
    if (isBound(context.caller)) throw notFound('daemon', daemonId);
    const { leaseMs } = this.times;
    const [daemon] = await this.reads.read(context, (db) => daemonsBy(db, { daemonId, leaseMs }));
    if (!daemon) throw notFound('daemon', daemonId);
    return daemon;
  }

  /** @throws Problem NOT_FOUND for a daemon that never said hello, or another owner's. */
  async assertKnown(daemonId: string, caller: Caller): Promise<void> {
    const standings = await this.#standings(caller, daemonId);
    if (!standings.has(daemonId)) throw notFound('daemon', daemonId);
  }

  /** @throws Problem NOT_FOUND as assertKnown does, DAEMON_LOST for one that is not connected. */
  async assertConnected(daemonId: string, caller: Caller): Promise<void> {
    const standing = (await this.#standings(caller, daemonId)).get(daemonId);
    if (standing === undefined) throw notFound('daemon', daemonId);
    if (standing === 'lost')
      throw new Problem(
        'DAEMON_LOST',
        `Nothing is heard of daemon ${daemonId}: it must be connected to hold a task.`,
      );
  }

  /** Whether a daemon of the owner is connected: the one that is named, or any. */
  async isConnected(caller: Caller, daemonId: string | null): Promise<boolean> {
    const standings = await this.#standings(caller, daemonId ?? undefined);
    return [...standings.values()].includes('connected');
  }

  /**
   * Puts on record that a daemon spoke for a task that it does not hold. The same batch, sent again, stands there once.
   * What cannot be put on record is refused all the same.
   */
  async noteRefused(daemonId: string, data: RefusedOutput, context: CommandContext): Promise<void> {
    const { taskId, epoch, items, firstId } = data;
    this.#logger.warn(
      `refused ${items} items of daemon ${daemonId} for task ${taskId} under epoch ${epoch}, the first one ${firstId}: it does not hold the task`,
    );
    const commandId = deriveId('output refused', daemonId, taskId, String(epoch), firstId);
    const { requestHash: _, ...once } = { ...context, commandId, idempotent: true };
    try {
      await this.commands.execute(new DispatchDaemon(daemonId, { type: 'NoteRefusedOutput', data }, once));
    } catch (error) {
      if (!(error instanceof Problem && saysAbsent(error.code)))
        this.#logger.warn(`the refusal could not be recorded: ${(error as Error).message}`);
    }
  }

  #standings(caller: Caller, daemonId?: string) {
    const { leaseMs } = this.times;
    return this.reads.read({ caller }, (db) => standingsBy(db, { daemonId, leaseMs }));
  }
}

/** Daemons belong to no contract: a tool key, which is bound to one, sees none. */
const isBound = ({ kind, contractId }: Caller): boolean => kind === 'tool' || contractId !== undefined;
