import { spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runningProcess, type RunningProcess } from '#libs/processes/running-process.js';
import { errorCode, reasonOf } from '#libs/processes/system-error.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { entranceTo, spawnOptions, type PostgresAccount } from './postgres-account.js';

/** What `postmaster.pid` says (https://www.postgresql.org/docs/18/storage-file-layout.html). */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
  /** `starting`, `stopping`, `ready`, `standby`; empty while the server has not come that far. */
  readonly status: string;
}

/** A live server process of a data folder, checked. */
export interface Postmaster {
  readonly process: RunningProcess;
  /** False: it is an older installation's program, or one that has been deleted since. */
  readonly sameProgram: boolean;
}

const POLL_MS = 20;
const SLOW_START_MS = 5_000;
/** How long a server may take for each way of stopping, in milliseconds. */
const STOP_PATIENCE = { fast: 20_000, quick: 10_000 };
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
/** Above every system's largest pid, so that no process has it. */
const NO_PID = '999999999';

/** Reads `postmaster.pid`; undefined if there is none or it is damaged. */
export function readPidFile(dataFolder: string): PidFile | undefined {
  try {
    return parsePidFile(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The text of a `postmaster.pid`, line by line: pid, data folder, start, port, socket folder, address, memory key, status. */
export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3] ?? 0), status: lines[7] ?? '' };
}

/** A setting without effect, by which the server's command line tells whose it is. */
const markOf = (dataFolder: string): string => `makima.data_folder=${dataFolder}`;

/**
 * Whether a process is the server of this data folder: a pid alone proves nothing, the system hands it out again.
 * The program's file and the working folder (the server's is its data folder) are compared where the system tells them,
 * the command line that we started it with otherwise.
 */
export function asPostmaster(
  process: RunningProcess,
  program: string,
  dataFolder: string,
): Postmaster | undefined {
  const { executable, workingFolder, commandLine } = process;
  const called = executable ?? commandLine.slice(0, Math.max(commandLine.indexOf(' -D '), 0));
  const marked = `${commandLine} `.includes(` -c ${markOf(dataFolder)} `);
  const atHome = workingFolder === undefined ? marked : workingFolder === dataFolder;
  if (basename(called.replace(/ \(deleted\)$/, '')) !== 'postgres' || !atHome) return undefined;
  return { process, sameProgram: called === program };
}

/** The live server of this data folder, or undefined. */
export function findPostmaster(program: string, dataFolder: string): Postmaster | undefined {
  const pidFile = readPidFile(dataFolder);
  const found = pidFile && runningProcess(pidFile.pid);
  return found && asPostmaster(found, realpathSync(program), realpathSync(dataFolder));
}

/**
 * Makes a pid file that a dead server left behind harmless: if its pid now belongs to a foreign process, Postgres would
 * refuse to start. The file stays, because by its other lines Postgres sees whether backends of the dead server live on.
 */
export function disarmPidFile(dataFolder: string): void {
  const pidFile = readPidFile(dataFolder);
  const path = join(dataFolder, 'postmaster.pid');
  if (pidFile === undefined) return rmSync(path, { force: true });
  const rest = readFileSync(path, 'utf8').split('\n').slice(1);
  const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
  try {
    writeSync(file, [NO_PID, ...rest].join('\n'));
  } finally {
    closeSync(file);
  }
}

export interface LaunchOptions {
  readonly program: string;
  readonly dataFolder: string;
  readonly port: number;
  readonly logFile: string;
  readonly account: PostgresAccount;
  /** Called once when it takes more than 5 s. */
  readonly onSlow?: () => void;
}

/** Why a server ended before it was ready. */
export interface LaunchFailure {
  readonly failure: string;
}

/**
 * Starts the server in a session of its own (Ctrl-C in the terminal does not reach it) with its output in a file, and
 * waits until it answers. Recovery after a crash may take minutes: it is waited for as long as the server lives.
 */
export async function launchPostmaster(options: LaunchOptions): Promise<RunningProcess | LaunchFailure> {
  const { program, dataFolder, port, logFile, account } = options;
  const log = openLog(logFile);
  const logStart = fstatSync(log).size;
  const entrance = entranceTo(dirname(dataFolder), account);
  const folder = join(entrance.path, basename(dataFolder));
  const child = spawn(program, ['-D', folder, '-p', String(port), '-c', markOf(dataFolder)], {
    ...spawnOptions(account),
    detached: true,
    stdio: ['ignore', log, log, ...entrance.descriptors],
  });
  entrance.close();
  closeSync(log);
  let spawnFailure: string | undefined;
  child.once('error', (error) => (spawnFailure = reasonOf(error)));
  child.unref();
  const slowAt = Date.now() + SLOW_START_MS;
  for (let slow = false; ;) {
    await delay(POLL_MS);
    if (!slow && Date.now() > slowAt) {
      slow = true;
      options.onSlow?.();
    }
    if (child.pid === undefined) return { failure: spawnFailure ?? 'it could not be run' };
    const ended = child.exitCode !== null || child.signalCode !== null;
    const running = ended ? undefined : runningProcess(child.pid);
    if (!running) return { failure: failureIn(logFile, logStart, child.pid) };
    const pidFile = readPidFile(dataFolder);
    if (pidFile?.pid === child.pid && pidFile.status === 'ready') return running;
  }
}

/** Waits until a server that is starting answers. False: it ended instead. */
export async function untilReady({ process }: Postmaster, dataFolder: string): Promise<boolean> {
  for (;;) {
    if (!isSame(process)) return false;
    if (readPidFile(dataFolder)?.status === 'ready') return true;
    await delay(POLL_MS);
  }
}

/**
 * Stops a server: open transactions are rolled back and everything is written (SIGINT); after 20 s without (SIGQUIT,
 * the next start recovers). Signals no process but this one.
 * @throws EmbeddedPostgresError if it is still there after that.
 */
export async function stopPostmaster(server: RunningProcess, patience = STOP_PATIENCE): Promise<void> {
  const steps = [
    ['SIGINT', patience.fast],
    ['SIGQUIT', patience.quick],
  ] as const;
  for (const [signal, wait] of steps) {
    if (!isSame(server)) return;
    try {
      process.kill(server.pid, signal);
    } catch (error) {
      if (errorCode(error) === 'ESRCH') return;
      throw new EmbeddedPostgresError(`cannot stop Postgres (process ${server.pid}): ${reasonOf(error)}`);
    }
    if (await isGone(server, wait)) return;
  }
  throw new EmbeddedPostgresError(
    `Postgres (process ${server.pid}) does not stop: end it by hand, then start again`,
  );
}

/** Waits until a process has ended, at most `patience` milliseconds. */
async function isGone(server: RunningProcess, patience: number): Promise<boolean> {
  for (const end = Date.now() + patience; Date.now() < end; await delay(POLL_MS))
    if (!isSame(server)) return true;
  return !isSame(server);
}

/** True while this very process lives. */
export const isSame = (server: RunningProcess): boolean =>
  runningProcess(server.pid)?.startedAt === server.startedAt;

/** Opens the log to append to it; one that has grown over 10 MB is kept as `….1` and begun anew. */
function openLog(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/** What the server said last, from where its output began: its fatal error and the hint that goes with it. */
function failureIn(logFile: string, from: number, pid: number): string {
  const file = openSync(logFile, 'r');
  try {
    const buffer = Buffer.alloc(64 * 1024);
    const text = buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, from));
    return failureOf(text, pid);
  } finally {
    closeSync(file);
  }
}

/**
 * Why the server with this pid ended, from a log that the last backends of the one before it may still write to: what it
 * says itself goes before what any other process says.
 */
export function failureOf(output: string, pid: number): string {
  const lines = output.split('\n');
  const own = lines.filter((line) => line.includes(` [${pid}] `)).join('\n');
  if (FATAL.test(own)) return fatalLine(own);
  return fatalLine(lines.filter((line) => !line.includes('terminating connection')).join('\n'));
}

const FATAL = /\b(FATAL|PANIC): /;

/** The error in a server's output, as one line. A PANIC or FATAL often follows a LOG that says more. */
export function fatalLine(output: string): string {
  const said = [...output.matchAll(/\b(LOG|FATAL|PANIC|HINT|DETAIL): {1,2}(.+)/g)].map(([, level, text]) => ({
    level,
    text,
  }));
  const fatal = said.findIndex(({ level }) => level === 'FATAL' || level === 'PANIC');
  if (fatal < 0) return output.trim().split('\n').at(-1) || 'it ended without a word';
  const before = said
    .slice(0, fatal)
    .filter(({ text }) => /could not/.test(text ?? ''))
    .at(-1);
  return [before?.text, said[fatal]?.text].filter(Boolean).join('; ');
}
