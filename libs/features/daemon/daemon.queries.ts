import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable } from '#libs/database/database.js';
import { nothing, sql } from '#libs/database/sql.js';
import { unescapeText } from '#libs/database/text-escape.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import type { DaemonResponse, RefusedOutputAnswer } from './daemon.dto.js';

interface DaemonRow {
  daemon_id: string;
  name: string;
  version: string;
  hostname: string;
  capacity: number;
  runners: string;
  refused_outputs: number;
  last_refused: string | null;
  registered_at: Date;
  last_seen_at: Date | null;
  is_connected: boolean | null;
  free_bytes: bigint | null;
  used_bytes: bigint | null;
  tasks: readonly string[];
}

/** Daemons that an answer lists at most. */
export const MOST_DAEMONS = 1_000;

/**
 * The owner's daemons, or the one of this id; those heard last come first.
 * @param leaseMs silence in milliseconds after which one is lost.
 */
export async function daemonsBy(
  db: Queryable,
  { daemonId, leaseMs }: { readonly daemonId?: string; readonly leaseMs: number },
): Promise<readonly DaemonResponse[]> {
  const rows = await db.query<DaemonRow>(sql`
    SELECT d.*, p.last_seen_at, p.free_bytes, p.used_bytes,
      p.connection_id IS NOT NULL AND p.last_seen_at > clock_timestamp() - ${leaseMs} * interval '1 ms' AS is_connected,
      ARRAY(SELECT t.task_id FROM task_states t
        WHERE t.to_position IS NULL AND t.runs_on IS NOT NULL AND t.runs_on = d.daemon_id ORDER BY t.task_id) AS tasks
    FROM daemon_states d LEFT JOIN daemon_presence p USING (daemon_id)
    WHERE d.to_position IS NULL ${daemonId === undefined ? nothing : sql`AND d.daemon_id = ${daemonId}`}
    ORDER BY p.last_seen_at DESC NULLS LAST, d.daemon_id LIMIT ${MOST_DAEMONS}`);
  return rows.map(daemonFrom);
}

const daemonFrom = (row: DaemonRow): DaemonResponse => ({
  id: row.daemon_id,
  name: unescapeText(row.name),
  hostname: unescapeText(row.hostname),
  version: unescapeText(row.version),
  status: row.last_seen_at === null ? 'never' : row.is_connected ? 'connected' : 'lost',
  lastHeartbeatAt: row.last_seen_at?.toISOString() ?? null,
  capacity: row.capacity,
  runners: fromColumnJson(row.runners) as readonly string[],
  tasks: row.tasks,
  freeBytes: row.free_bytes === null ? null : Number(row.free_bytes),
  usedBytes: row.used_bytes === null ? null : Number(row.used_bytes),
  refusedOutputs: row.refused_outputs,
  lastRefused: row.last_refused === null ? null : (fromColumnJson(row.last_refused) as RefusedOutputAnswer),
  registeredAt: row.registered_at.toISOString(),
});

/** What is written down of a daemon's presence at this moment, whether read models have caught up or not. */
export type Standing = 'connected' | 'lost';

/** How each of the owner's daemons stands, or the one of this id: read from the table that heartbeats are written to. */
export async function standingsBy(
  db: Queryable,
  { daemonId, leaseMs }: { readonly daemonId?: string | undefined; readonly leaseMs: number },
): Promise<ReadonlyMap<string, Standing>> {
  const rows = await db.query<{ daemon_id: string; is_connected: boolean }>(sql`
    SELECT daemon_id, connection_id IS NOT NULL
      AND last_seen_at > clock_timestamp() - ${leaseMs} * interval '1 ms' AS is_connected
    FROM daemon_presence WHERE ${daemonId === undefined ? sql`true` : sql`daemon_id = ${daemonId}`}`);
  return new Map(rows.map((row) => [row.daemon_id, row.is_connected ? 'connected' : 'lost']));
}

/** Tasks that concern a daemon, by what is to be done. */
export interface WorkFound {
  /** That wait to be run by this daemon or by any, oldest first. */
  readonly offers: readonly string[];
  /** Whose folder it has, with a rewind under way or a checkpoint asked for. */
  readonly orders: readonly string[];
  /** That it holds a lease of. */
  readonly held: readonly string[];
}

const MOST_OFFERS = 20;

export async function workFor(db: Queryable, daemonId: string): Promise<WorkFound> {
  const rows = await db.query<{ kind: keyof WorkFound; task_id: string }>(sql`
    (SELECT 'offers' AS kind, task_id FROM task_states
      WHERE to_position IS NULL AND is_wanted AND runs_on IS NULL AND rewind_id IS NULL
        AND (target_daemon_id IS NULL OR target_daemon_id = ${daemonId})
      ORDER BY updated_at, task_id LIMIT ${MOST_OFFERS})
    UNION ALL
    SELECT 'orders', task_id FROM task_states
      WHERE to_position IS NULL AND folder_at = ${daemonId} AND (rewind_id IS NOT NULL OR checkpoint_requests > 0)
    UNION ALL
    SELECT 'held', task_id FROM task_states
      WHERE to_position IS NULL AND runs_on IS NOT NULL AND runs_on = ${daemonId}`);
  const of = (wanted: keyof WorkFound): readonly string[] =>
    rows.filter(({ kind }) => kind === wanted).map(({ task_id }) => task_id);
  return { offers: of('offers'), orders: of('orders'), held: of('held') };
}

/** A daemon that nothing is heard of, though there is something that only it can end. */
export interface LostDaemon {
  readonly daemonId: string;
  readonly ownerId: string;
  /** The tasks that it holds, as far as the read model knows. */
  readonly taskIds: readonly string[];
}

/**
 * Daemons that hold a task, or the folder of one that is being rewound, and were silent for so long.
 * @param leaseMs milliseconds
 */
export async function lostDaemons(db: Queryable, leaseMs: number): Promise<readonly LostDaemon[]> {
  const rows = await db.query<{ daemon_id: string; owner_id: string; tasks: readonly string[] }>(sql`
    SELECT daemon_id, owner_id, array_remove(array_agg(task_id), NULL) AS tasks FROM (
      SELECT runs_on AS daemon_id, owner_id, task_id FROM task_states
        WHERE to_position IS NULL AND runs_on IS NOT NULL
      UNION ALL
      SELECT folder_at, owner_id, NULL FROM task_states
        WHERE to_position IS NULL AND rewind_id IS NOT NULL AND folder_at IS NOT NULL
    ) AS concerned
    WHERE NOT EXISTS (SELECT FROM daemon_presence p WHERE p.daemon_id = concerned.daemon_id
      AND p.last_seen_at > clock_timestamp() - ${leaseMs} * interval '1 ms')
    GROUP BY daemon_id, owner_id`);
  return rows.map(({ daemon_id: daemonId, owner_id: ownerId, tasks }) => ({
    daemonId,
    ownerId,
    taskIds: tasks,
  }));
}

/**
 * What stands for all that a daemon may have to do, by daemon: another text when there is something else. Without an entry
 * there is nothing.
 */
export async function workMarks(
  db: Queryable,
  daemons: readonly { readonly daemonId: string; readonly ownerId: string }[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ daemon_id: string; mark: string }>(sql`
    SELECT d.daemon_id, concat_ws(' ',
      (SELECT max(t.from_position)::text FROM task_states t WHERE t.to_position IS NULL AND t.is_wanted
        AND t.owner_id = d.owner_id AND (t.target_daemon_id IS NULL OR t.target_daemon_id = d.daemon_id)),
      (SELECT string_agg(concat(t.task_id, '@', t.from_position), ' ' ORDER BY t.task_id) FROM task_states t
        WHERE t.to_position IS NULL AND t.folder_at = d.daemon_id
          AND (t.rewind_id IS NOT NULL OR t.checkpoint_requests > 0)),
      (SELECT string_agg(t.task_id::text, ' ' ORDER BY t.task_id) FROM task_states t
        WHERE t.to_position IS NULL AND t.runs_on IS NOT NULL AND t.runs_on = d.daemon_id)) AS mark
    FROM unnest(${binaryArray(
      'uuid',
      daemons.map(({ daemonId }) => daemonId),
    )}::uuid[],
      ${binaryArray(
        'uuid',
        daemons.map(({ ownerId }) => ownerId),
      )}::uuid[]) AS d(daemon_id, owner_id)`);
  return new Map(rows.filter(({ mark }) => mark !== '').map(({ daemon_id, mark }) => [daemon_id, mark]));
}
