import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { CommandContext } from '#libs/commands/command-context.js';
import { Database } from '#libs/database/database.js';
import { newId } from '#libs/kernel/ids.js';
import { LostLeases } from '../daemon/lost-leases.process.js';
import { waitingRewinds } from './rewind.queries.js';
import { Rewinds } from './rewind.process.js';

/** Goes on with rewinds whose daemon is lost, or whose server ended between two steps: none waits for ever. */
@Injectable()
export class WaitingRewinds implements OnApplicationBootstrap {
  readonly #logger = new Logger('rewind');

  constructor(
    @Inject(Database) private readonly system: Database,
    private readonly lost: LostLeases,
    private readonly rewinds: Rewinds,
  ) {}

  onApplicationBootstrap(): void {
    this.lost.afterLost((daemonId) => this.#goOn(daemonId));
  }

  /** For a start, when there is something to read: where no daemon has a folder, nobody is ever lost. */
  async goOnAfterStart(): Promise<void> {
    await this.#goOn(null).catch((error: Error) => this.#logger.warn(`waiting rewinds: ${error.message}`));
  }

  async #goOn(daemonId: string | null): Promise<void> {
    for (const { taskId, rewindId, ownerId } of await waitingRewinds(this.system, daemonId)) {
      await this.rewinds.goOnAlone(taskId, rewindId, contextOf(ownerId));
      this.#logger.warn(`rewind ${rewindId} of task ${taskId} goes on without a daemon`);
    }
  }
}

const contextOf = (ownerId: string): CommandContext => ({
  actor: { kind: 'system', id: 'rewinds' },
  ownerId,
  now: new Date(),
  commandId: newId(),
  idempotent: false,
});
