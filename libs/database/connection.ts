import type { ClientConfig } from 'pg';

/** How long a database may take before it counts as out of reach, in milliseconds. */
export interface Timeouts {
  readonly connectMs: number;
  /** For one statement; 0: as long as it takes. */
  readonly statementMs: number;
}

/** For what somebody waits for: requests, appends, projections. */
export const TIMEOUTS: Timeouts = { connectMs: 10_000, statementMs: 30_000 };

/** For what takes as long as there are data: rebuilds, verification, sizes. */
export const PATIENT: Timeouts = { ...TIMEOUTS, statementMs: 0 };

const CLOSE_MS = 10_000;

/**
 * What every connection is opened with. The server ends a statement that takes too long, and a transaction that nobody
 * goes on with; where its word does not arrive, because packets are lost on the way, the client gives up by itself a
 * little later. Both sides notice a connection whose other end is gone.
 */
export const connectionConfig = ({ connectMs, statementMs }: Timeouts): ClientConfig => ({
  connectionTimeoutMillis: connectMs,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  ...(statementMs === 0
    ? {}
    : {
        statement_timeout: statementMs,
        query_timeout: Math.ceil(statementMs * 1.2),
        idle_in_transaction_session_timeout: 2 * statementMs,
      }),
});

/** Settings of a session, by which the server notices a client that is gone and gives its locks back. */
export const SESSION = '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10';

/** Waits for connections to close, but not for ever: where packets are lost, nobody ever says that they are. */
export async function closed(closing: Promise<unknown>, withinMs = CLOSE_MS): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)));
  await Promise.race([closing.catch(() => undefined), enough]);
  clearTimeout(timer);
}
