import { Readable, Writable } from 'node:stream';
import { EXIT } from '#libs/client/exit-codes.js';
import { runCli } from '../run.js';
import type { OutputStream } from '../terminal/output.js';
import { CommandFailed } from '../usage-error.js';

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Whether all three streams are terminals, and how wide. */
  readonly terminal?: { readonly columns: number; readonly rows?: number };
  /** What is typed, or piped in. */
  readonly input?: string;
  readonly now?: Date;
  readonly signal?: AbortSignal;
  /** Told which program took over, and how it was set. */
  readonly onBecome?: (program: string, settings: Readonly<Record<string, string>>) => void;
  /** Told everything that stdout holds, whenever something is written. */
  readonly onOutput?: (text: string) => void;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A stream that keeps what is written to it. */
export class Kept extends Writable implements OutputStream {
  text = '';
  onWrite: ((text: string) => void) | undefined;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;

  constructor({ columns, rows = 10_000 }: { readonly columns?: number; readonly rows?: number } = {}) {
    super({ decodeStrings: false });
    if (columns === undefined) return;
    this.isTTY = true;
    this.columns = columns;
    this.rows = rows;
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    this.onWrite?.(this.text);
    done();
  }
}

/** Runs a command line as a process would, with streams that are kept. */
export async function runCommand(
  url: string,
  words: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const {
    env = {},
    terminal,
    input,
    now = new Date('2026-03-01T12:00:00Z'),
    signal,
    onOutput,
    onBecome,
  } = options;
  const stdout = new Kept(terminal ?? {});
  stdout.onWrite = onOutput;
  const stderr = new Kept(terminal ?? {});
  const stdin = Object.assign(Readable.from(input === undefined ? [] : [input]), {
    isTTY: terminal !== undefined,
  });
  const code = await runCli(words, {
    env: { MAKIMA_URL: url, MAKIMA_TOKEN: 'mk_user_test', PAGER: 'cat', ...env },
    stdin,
    stdout,
    stderr,
    version: '1.2.3',
    signal: signal ?? new AbortController().signal,
    now: () => now,
    // What comes after it cannot happen: a spec ends by it.
    become: (program, settings) => {
      onBecome?.(program, settings);
      return Promise.reject(new CommandFailed(EXIT.ok));
    },
  });
  return { code, out: stdout.text, err: stderr.text };
}
