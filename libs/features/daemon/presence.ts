import { Inject, Injectable } from '@nestjs/common';
import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { DaemonsAtHand } from '../rewind/daemons-at-hand.process.js';
import { standingsBy } from './daemon.queries.js';

/** How long silence may last. */
export abstract class DaemonTimes {
  /** Milliseconds after its last heartbeat at which a daemon loses its leases. */
  abstract readonly leaseMs: number;
}

/** Milliseconds between heartbeats: several may be lost before a lease is. */
export const heartbeatMs = ({ leaseMs }: DaemonTimes): number => Math.floor(leaseMs / 6);

/** Writes down which daemons are there. A daemon speaks over one connection: its newest. */
@Injectable()
export class Presence {
  constructor(@Inject(Database) private readonly system: Database) {}

  /** A daemon has said hello; its other connections do not count any more. */
  async arrived(daemonId: string, ownerId: string, connectionId: string): Promise<void> {
    await this.system.query(sql`
      INSERT INTO daemon_presence (daemon_id, owner_id, last_seen_at, connection_id)
      VALUES (${daemonId}, ${ownerId}, clock_timestamp(), ${connectionId})
      ON CONFLICT (daemon_id) DO UPDATE SET last_seen_at = excluded.last_seen_at, connection_id = excluded.connection_id
      WHERE daemon_presence.owner_id = excluded.owner_id`);
  }

  /** @returns false when another connection speaks for the daemon now. */
  async heard(
    daemonId: string,
    connectionId: string,
    { freeBytes, usedBytes }: { readonly freeBytes?: number; readonly usedBytes?: number },
  ): Promise<boolean> {
    const rows = await this.system.query(sql`
      UPDATE daemon_presence SET last_seen_at = clock_timestamp(), free_bytes = ${freeBytes ?? null},
        used_bytes = ${usedBytes ?? null}
      WHERE daemon_id = ${daemonId} AND connection_id = ${connectionId} RETURNING daemon_id`);
    return rows.length > 0;
  }

  /** The connection has closed. */
  async left(daemonId: string, connectionId: string): Promise<void> {
    await this.system.query(sql`
      UPDATE daemon_presence SET connection_id = NULL
      WHERE daemon_id = ${daemonId} AND connection_id = ${connectionId}`);
  }
}

/** Knows of every daemon whether it is connected, to whichever process. */
@Injectable()
export class StoredDaemonsAtHand extends DaemonsAtHand {
  constructor(
    @Inject(Database) private readonly system: Database,
    @Inject(DaemonTimes) private readonly times: DaemonTimes,
  ) {
    super();
  }

  override async isConnected(daemonId: string): Promise<boolean> {
    const { leaseMs } = this.times;
    return (await standingsBy(this.system, { daemonId, leaseMs })).get(daemonId) === 'connected';
  }
}
