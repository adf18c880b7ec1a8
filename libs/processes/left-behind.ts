import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { runningProcess, type RunningProcess } from './running-process.js';
import { errorCode } from './system-error.js';

/** A process, and when it started: its pid alone may be another's by now. */
export type KnownProcess = Pick<RunningProcess, 'pid' | 'startedAt'>;

const POLL_MS = 20;
/** After SIGKILL only the dead that nobody has buried yet are left. */
const BURIAL_MS = 2_000;

/** What of a process can be written down, to find it again; null: it does not run. */
export function knownProcess(pid: number): KnownProcess | null {
  const found = runningProcess(pid);
  return found ? { pid, startedAt: found.startedAt } : null;
}

/**
 * Ends what a killed process has left running: process groups (SIGTERM, and SIGKILL after the grace), and whatever has
 * left those. Resolves when nothing of it runs.
 * @param groups leaders of process groups; one whose leader is another process by now is not touched.
 * @param mark an entry of the environment (`NAME=value`) that only what is to be ended has. Linux only.
 * @returns how many were found.
 */
export async function endLeftBehind(
  groups: readonly KnownProcess[],
  mark: string,
  graceMs: number,
): Promise<number> {
  const leaders = groups.filter(({ pid, startedAt }) => runningProcess(pid)?.startedAt === startedAt);
  const groupIds = leaders.map(({ pid }) => -pid);
  const left = (): readonly number[] => [...groupIds.filter(isThere), ...marked(mark)];
  const found = left();
  if (found.length === 0) return 0;
  signal(found, 'SIGTERM');
  if (!(await isEmptyWithin(left, graceMs))) {
    signal(left(), 'SIGKILL');
    await isEmptyWithin(left, BURIAL_MS);
  }
  return found.length;
}

/** Pids of live processes that were started with an entry in their environment. */
function marked(entry: string): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => environmentOf(name).includes(entry))
    .map(Number)
    .filter((pid) => runningProcess(pid) !== undefined);
}

/** Nothing where the process has ended, or is another user's. */
function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function signal(ids: readonly number[], name: NodeJS.Signals): void {
  for (const id of ids)
    try {
      process.kill(id, name);
    } catch (error) {
      if (errorCode(error) !== 'ESRCH' && errorCode(error) !== 'EPERM') throw error;
    }
}

function isThere(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

async function isEmptyWithin(left: () => readonly number[], ms: number): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; await delay(POLL_MS))
    if (left().length === 0) return true;
  return left().length === 0;
}
