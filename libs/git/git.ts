import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** Where git works: a repository of ours, and perhaps a folder of files that is not. */
export interface GitPlace {
  readonly gitDir: string;
  readonly workTree?: string;
  /** Instead of the repository's own index. */
  readonly indexFile?: string;
}

export interface GitOptions {
  /** What git reads on its standard input. */
  readonly input?: string | Buffer;
  /** Bytes of output at most (default 256 MiB). */
  readonly maxBytes?: number;
  /** Milliseconds (default 10 minutes). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Exit codes that are answers (default 0). */
  readonly answers?: readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
}

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

/**
 * Starts git with an environment of its own, without a shell. The caller's arguments are object ids, names of our own,
 * or paths after `--`; git never sees a name that somebody else chose where it expects an option.
 */
export function startGit(
  { gitDir, workTree, indexFile }: GitPlace,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess & { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable } {
  return spawn('git', [...SETTINGS.flatMap((setting) => ['-c', setting]), ...args], {
    cwd: workTree ?? gitDir,
    env: {
      PATH: process.env['PATH'],
      ...ENVIRONMENT,
      GIT_DIR: gitDir,
      ...(workTree === undefined ? {} : { GIT_WORK_TREE: workTree }),
      ...(indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile }),
      ...environment,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/**
 * Runs git to its end.
 * @returns what it wrote to its standard output.
 * @throws GitFailed
 */
export function git(place: GitPlace, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const { input, maxBytes = MOST_BYTES, timeoutMs = MOST_MS, signal, answers = [0] } = options;
    const child = startGit(place, args, options.environment);
    const chunks: Buffer[] = [];
    let bytes = 0;
    let stderr = '';
    let stopped = '';
    const stop = (reason: string): void => {
      stopped ||= reason;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => stop(`it took longer than ${timeoutMs} ms`), timeoutMs);
    const onAbort = (): void => stop('it was stopped');
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const failed = (code: number | null): GitFailed => new GitFailed(args[0] ?? '', code, stopped || stderr);
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) stop(`it wrote more than ${maxBytes} bytes`);
      else chunks.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < MOST_STDERR) stderr += chunk.toString().slice(0, MOST_STDERR - stderr.length);
    });
    // A git that ends before it has read everything says why on its standard error.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => {
      stopped ||= error.message;
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (stopped === '' && code !== null && answers.includes(code)) resolve(Buffer.concat(chunks, bytes));
      else reject(failed(stopped === '' ? code : null));
    });
    child.stdin.end(input ?? '');
  });
}

/** The same, as a line of text without its end. */
export const gitLine = async (
  place: GitPlace,
  args: readonly string[],
  options?: GitOptions,
): Promise<string> => (await git(place, args, options)).toString('utf8').trimEnd();

const OBJECT_ID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** Whether a text is the full id of an object (SHA-1 or SHA-256), and so nothing that git could take for an option. */
export const isObjectId = (text: string): boolean => OBJECT_ID.test(text);
