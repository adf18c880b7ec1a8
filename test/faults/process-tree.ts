import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { runningProcess, type RunningProcess } from '#libs/processes/running-process.js';

/** A process and everything below it: what must be gone when it has stopped. */
export function treeOf(pid: number): readonly RunningProcess[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of parents()) children.set(parent, [...(children.get(parent) ?? []), child]);
  const below = (one: number): number[] => [one, ...(children.get(one) ?? []).flatMap(below)];
  return below(pid).flatMap((one) => runningProcess(one) ?? []);
}

/** Those of the processes that still live, as `pid command`. */
export const survivorsOf = (processes: readonly RunningProcess[]): readonly string[] =>
  processes
    .filter(({ pid, startedAt }) => runningProcess(pid)?.startedAt === startedAt)
    .map(({ pid, commandLine }) => `${pid} ${commandLine}`);

/** Every process and its parent. */
function parents(): readonly (readonly [pid: number, parent: number])[] {
  if (process.platform !== 'linux') {
    const table = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' });
    return table
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([pid, parent]) => [pid ?? 0, parent ?? 0]);
  }
  const pids = readdirSync('/proc').map(Number).filter(Number.isSafeInteger);
  return pids.flatMap((pid) => {
    const parent = parentOf(pid);
    return parent === undefined ? [] : [[pid, parent] as const];
  });
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // it has ended meanwhile
  }
}
