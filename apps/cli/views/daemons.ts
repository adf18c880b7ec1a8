import type { Daemon } from '#libs/client/types-daemon.js';
import { line, span, type Line } from '../terminal/styled.js';
import { factLines, tableLines } from '../terminal/table.js';
import { ago, bytes, count, counted, idShortener, localTime, oneLine, statusSpan } from './format.js';

/** Daemons, one a row. */
export function daemonTable(daemons: readonly Daemon[], width: number, now: Date): readonly Line[] {
  const inPipe = !Number.isFinite(width);
  const idOf = idShortener(
    daemons.map(({ id }) => id),
    inPipe,
  );
  return tableLines(
    [
      { head: 'daemon' },
      { head: 'status' },
      { head: 'heartbeat' },
      { head: 'tasks', align: 'right' },
      { head: 'free', align: 'right' },
      { head: 'version' },
      { head: 'name', narrow: 'cut' },
    ],
    daemons.map((daemon) => [
      span(idOf(daemon.id), 'bold'),
      statusSpan(daemon.status),
      inPipe || daemon.lastHeartbeatAt === null ? heardAt(daemon) : ago(daemon.lastHeartbeatAt, now),
      tasksOf(daemon),
      spaceText(daemon.freeBytes),
      oneLine(daemon.version, 20),
      oneLine(daemon.name),
    ]),
    width,
  );
}

/** All that is known of a daemon. */
export const daemonFacts = (daemon: Daemon, width: number): readonly Line[] =>
  factLines(
    [
      ['daemon', span(daemon.id, 'bold')],
      ['name', oneLine(daemon.name)],
      ['status', statusSpan(daemon.status)],
      ['heartbeat', heardAt(daemon)],
      ['machine', oneLine(daemon.hostname)],
      ['version', oneLine(daemon.version)],
      ['runners', oneLine(daemon.runners.join(', '))],
      ['tasks', tasksOf(daemon)],
      ...daemon.tasks.map((taskId) => ['', taskId] as const),
      ['disk', diskText(daemon)],
      ['refused', refusedText(daemon)],
      ['registered', localTime(daemon.registeredAt)],
    ],
    width,
  );

const heardAt = ({ lastHeartbeatAt }: Daemon) =>
  lastHeartbeatAt === null ? span('never', 'dim') : localTime(lastHeartbeatAt);

const tasksOf = ({ tasks, capacity }: Daemon): string => `${count(tasks.length)} of ${count(capacity)}`;

const spaceText = (free: number | null): string => (free === null ? '' : bytes(free));

const diskText = ({ freeBytes, usedBytes }: Daemon): string =>
  freeBytes === null || usedBytes === null
    ? ''
    : `${bytes(usedBytes)} taken for tasks, ${bytes(freeBytes)} free`;

/** What it sent of tasks that others had by then. */
function refusedText({ refusedOutputs, lastRefused }: Daemon): Line | string {
  if (!lastRefused) return '';
  const { taskId, items, at } = lastRefused;
  return line(
    span(counted(refusedOutputs, 'batch', 'batches'), 'yellow'),
    ` of tasks that it no longer held; last ${counted(items, 'item')} of ${taskId}, ${localTime(at)}`,
  );
}
