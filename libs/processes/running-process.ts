import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { errorCode } from './system-error.js';

/** What the operating system says about a live process. A zombie is not alive. */
export interface RunningProcess {
  readonly pid: number;
  /** Differs between two processes that had the same pid, also across a reboot. Compare only, never parse. */
  readonly startedAt: string;
  /** The program as it was called and its arguments, joined by blanks. */
  readonly commandLine: string;
  /** The program's file, where the system tells (Linux, own processes). */
  readonly executable?: string;
  /** Where the system tells, as above. */
  readonly workingFolder?: string;
}

/** The live process with this pid, or undefined. */
export function runningProcess(pid: number): RunningProcess | undefined {
  if (!pidExists(pid)) return undefined;
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

/** True if the system has a process with this pid, whoever owns it; also for a zombie. */
export function pidExists(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function fromProc(pid: number): RunningProcess | undefined {
  try {
    // The name in parentheses may itself hold blanks and parentheses: the fields after it are found from the end.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0] ?? 'X';
    if (state === 'Z' || state === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const executable = linkOf(`/proc/${pid}/exe`);
    const workingFolder = linkOf(`/proc/${pid}/cwd`);
    return {
      pid,
      startedAt: `${boot} ${fields[19]}`,
      commandLine: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim(),
      ...(executable === undefined ? {} : { executable }),
      ...(workingFolder === undefined ? {} : { workingFolder }),
    };
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** Where a link of /proc points; undefined where that is another user's secret (as in containers, even for root). */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function fromPs(pid: number): RunningProcess | undefined {
  try {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    const ask = (column: string): string =>
      execFileSync('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8', env }).trim();
    if (ask('stat').startsWith('Z')) return undefined;
    return { pid, startedAt: ask('lstart'), commandLine: ask('command') };
  } catch {
    return undefined; // ps answers 1 for a pid that it does not know
  }
}
