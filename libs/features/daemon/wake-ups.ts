import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '#libs/database/database.js';
import { positionToken } from '#libs/kernel/position.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { DaemonGateway } from './daemon.gateway.js';
import { workMarks } from './daemon.queries.js';

/** Milliseconds between two looks at what there is to do, however fast the read models move. */
const APART_MS = 50;
const AGAIN_MS = 1_000;

/**
 * Tells the daemons that are connected to this process when there is something else to do for them, whichever process
 * recorded it. One that is not told asks by itself a little later.
 */
@Injectable()
export class WakeUps implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly gateway: DaemonGateway,
    private readonly reads: ReadModels,
    @Inject(Database) private readonly system: Database,
  ) {}

  onApplicationBootstrap(): void {
    this.#loop = this.#follow();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const position of this.reads.positions(signal, ['task'])) {
          await this.#tell(position);
          await pause(APART_MS, signal);
        }
      } catch {
        // The database is away: nobody is told until it is back.
      }
      await pause(AGAIN_MS, signal);
    }
  }

  async #tell(position: bigint): Promise<void> {
    const { sessions } = this.gateway;
    if (sessions.length === 0) return;
    const daemons = sessions.map(({ daemonId, caller }) => ({
      daemonId: daemonId!,
      ownerId: caller.ownerId,
    }));
    const marks = await workMarks(this.system, daemons);
    for (const session of sessions) {
      const mark = marks.get(session.daemonId!) ?? '';
      if (mark === session.told) continue;
      session.told = mark;
      session.send({ type: 'work', position: positionToken(position) });
    }
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
