import { Injectable } from '@nestjs/common';
import type { Caller } from '#libs/kernel/caller.js';
import { Daemons } from '../daemon/daemon.process.js';
import type { OpenTask } from './task.state.js';

/** Answers requests that take effect when a daemon takes the task, and says whether one is there. */
@Injectable()
export class WaitingForDaemons {
  constructor(private readonly daemons: Daemons) {}

  async answer({ status, controlVersion, lease }: OpenTask, targetDaemonId: string | null, caller: Caller) {
    const isThere = await this.daemons.isConnected(caller, targetDaemonId);
    const who = targetDaemonId === null ? 'a daemon' : `daemon ${targetDaemonId}`;
    const when =
      lease.holder === null
        ? `when ${who} takes the task`
        : `when daemon ${lease.holder}, which works in the task, has ended and ${who} takes it`;
    const connected =
      targetDaemonId === null
        ? isThere
          ? 'one is connected'
          : 'none is connected'
        : isThere
          ? 'it is connected'
          : 'it is not connected';
    return {
      status,
      controlVersion,
      waitsFor: 'daemon',
      detail: `Recorded. It takes effect ${when}; ${connected}.`,
    };
  }
}
