import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { CommandContext } from '#libs/commands/command-context.js';
import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { newId } from '#libs/kernel/ids.js';
import { LostLeases } from '../daemon/lost-leases.process.js';
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
    for (const { taskId, rewindId, ownerId } of await waitingRewinds(this.system, daemonId))
      await this.rewinds.goOnAlone(taskId, rewindId, contextOf(ownerId)).then(
        () => this.#logger.warn(`rewind ${rewindId} of task ${taskId} goes on without a daemon`),
        // Its daemon has come back, or another process was faster; the others must not wait for it.
        (error: Error) => this.#logger.warn(`rewind ${rewindId} of task ${taskId}: ${error.message}`),
      );
  }
}

const contextOf = (ownerId: string): CommandContext => ({
  actor: { kind: 'system', id: 'rewinds' },
  ownerId,
  now: new Date(),
  commandId: newId(),
  idempotent: false,
});

/** A rewind that waits for the daemon that has a task's folder. */
interface WaitingRewind {
  readonly taskId: string;
  readonly rewindId: string;
  readonly ownerId: string;
}

/** For the system: rewinds of all owners that wait for a daemon (null: for none, since none has the folder). */
async function waitingRewinds(db: Database, daemonId: string | null): Promise<readonly WaitingRewind[]> {
  const rows = await db.query<{ task_id: string; rewind_id: string; owner_id: string }>(sql`
    SELECT task_id, rewind_id, owner_id FROM task_states
    WHERE to_position IS NULL AND rewind_id IS NOT NULL AND folder_at IS NOT DISTINCT FROM ${daemonId}::uuid`);
  return rows.map((row) => ({ taskId: row.task_id, rewindId: row.rewind_id, ownerId: row.owner_id }));
}
