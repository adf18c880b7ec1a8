import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { PassThrough, type Readable, type Writable } from 'node:stream';

/** Where git works: a repository of ours, and perhaps a folder of files that is not. */
export interface GitPlace {
  readonly gitDir: string;
  readonly workTree?: string;
  /** Bytes of memory that one git may take for its data, where the machine has `prlimit` (default: any). */
  readonly memoryBytes?: number;
}

export interface GitOptions {
  /** What git reads on its standard input. */
  readonly input?: string | Buffer;
  /** Bytes of output at most (default 256 MiB). */
  readonly maxBytes?: number;
  /** Milliseconds (default 10 minutes). */
  readonly timeoutMs?: number;
  /** What differs from the empty environment; undefined takes something out of it. */
  readonly environment?: Environment;
  /** Exits that are answers and no errors (default: 0). */
  readonly exits?: readonly number[];
  /** Ends it before its end. */
  readonly signal?: AbortSignal;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Git could not be started, ended with an error, took too long or said too much. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed';

  /** Whether there was no room for what it had to write. */
  get isDiskFull(): boolean {
    return /No space left on device|Disk quota exceeded/.test(this.stderr);
  }

  constructor(
    readonly command: string,
    /** Null: it was ended by a signal, or never began. */
    readonly exitCode: number | null,
    /** What it said of it, at most 4 KB. */
    readonly stderr: string,
  ) {
    super(
      `git ${command} ${exitCode === null ? 'was ended' : `ended with ${exitCode}`}: ${stderr.trim() || 'it said nothing'}`,
    );
  }
}

const MOST_BYTES = 256 * 1024 * 1024;
const MOST_MS = 600_000;
const MOST_STDERR = 4_096;

/**
 * Nothing of the machine's or the user's configuration, no questions, no replaced objects, no fetching of missing ones;
 * paths mean themselves.
 */
const ENVIRONMENT = {
  LC_ALL: 'C',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_ALLOW_PROTOCOL: '',
} as const;

/** What no configuration of a repository may turn on again: it stands before everything else. */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.fsync=all',
  'gc.auto=0',
  'maintenance.auto=false',
];

const PRLIMIT = '/usr/bin/prlimit';

/** Node itself has no way to limit a child. */
const bounded = (memoryBytes: number | undefined): readonly [string, ...string[]] =>
  memoryBytes === undefined || !existsSync(PRLIMIT) ? ['git'] : [PRLIMIT, `--data=${memoryBytes}`, 'git'];

/** A git that runs. */
export interface RunningGit {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** When it has ended well, and everything that it wrote was read. @throws GitFailed */
  readonly ended: Promise<void>;
  /** Ends it at once, for a reason that goes into the error. */
  stop(reason: string): void;
}

/**
 * Starts git with an environment of its own, without a shell. The caller's arguments are object ids, names of our own,
 * or paths after `--`; git never sees a name that somebody else chose where it expects an option.
 */
export function startGit(
  { gitDir, workTree, memoryBytes }: GitPlace,
  args: readonly string[],
  { environment = {}, exits = [0] }: Pick<GitOptions, 'environment' | 'exits'> = {},
): RunningGit {
  const [program, ...before] = bounded(memoryBytes);
  const child = spawn(program, [...before, ...SETTINGS.flatMap((setting) => ['-c', setting]), ...args], {
    cwd: workTree ?? gitDir,
    env: {
      PATH: process.env['PATH'],
      ...ENVIRONMENT,
      GIT_DIR: gitDir,
      ...(workTree === undefined ? {} : { GIT_WORK_TREE: workTree }),
      ...environment,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A session of its own: nothing that it starts asks a terminal, and all of it ends together.
    detached: true,
  });
  let stopped = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(0, MOST_STDERR)));
  // What it no longer reads it says why of on its standard error.
  child.stdin.on('error', () => undefined);
  child.on('error', ({ message }) => (stopped ||= message));
  const ended = new Promise<void>((resolve, reject) => {
    child.on('close', (code) => {
      if (stopped === '' && code !== null && exits.includes(code)) resolve();
      else reject(new GitFailed(commandOf(args), stopped === '' ? code : null, stopped || stderr));
    });
  });
  // Whoever stops it need not wait for its end.
  ended.catch(() => undefined);
  const stop = (reason: string): void => {
    stopped ||= reason;
    endAll(child);
  };
  return { stdin: child.stdin, stdout: child.stdout, ended, stop };
}

/** Without the settings before it. */
function commandOf(args: readonly string[]): string {
  let at = 0;
  while (args[at] === '-c') at += 2;
  return args[at] ?? '';
}

/** Ends a process with everything that it started. */
function endAll({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself at this moment.
  }
}

/** What a git writes, which fails if git does; it is ended when nobody reads any more. */
export function readableOf(running: RunningGit): Readable {
  // Node throws away what is not read of a process that has ended.
  const output = new PassThrough();
  running.stdout.pipe(output, { end: false });
  running.ended.then(
    () => output.end(),
    (error: Error) => output.destroy(error),
  );
  output.on('close', () => running.stop('nobody reads it any more'));
  return output;
}

/**
 * Runs git to its end.
 * @returns what it wrote to its standard output.
 * @throws GitFailed
 */
export async function git(
  place: GitPlace,
  args: readonly string[],
  { input = '', maxBytes = MOST_BYTES, timeoutMs = MOST_MS, signal, ...options }: GitOptions = {},
): Promise<Buffer> {
  const running = startGit(place, args, options);
  const timer = setTimeout(() => running.stop(`it took longer than ${timeoutMs} ms`), timeoutMs);
  const stop = (): void => running.stop('nobody wants it any more');
  signal?.addEventListener('abort', stop, { once: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  running.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) running.stop(`it wrote more than ${maxBytes} bytes`);
    else chunks.push(chunk);
  });
  running.stdin.end(input);
  await running.ended.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  });
  return Buffer.concat(chunks, bytes);
}

/** The same, as a line of text without its end. */
export const gitLine = async (
  place: GitPlace,
  args: readonly string[],
  options?: GitOptions,
): Promise<string> => (await git(place, args, options)).toString('utf8').trimEnd();

/** Another object folder, as git wants it in GIT_ALTERNATE_OBJECT_DIRECTORIES. */
export const alternate = (objects: string): string => `"${objects.replace(/["\\]/g, '\\$&')}"`;

const OBJECT_ID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** Whether a text is the full id of an object (SHA-1 or SHA-256), and so nothing that git could take for an option. */
export const isObjectId = (text: string): boolean => OBJECT_ID.test(text);
