import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRecord, textAt } from '../transcripts/json-fields.js';
import { RunnerUnavailable, RunRefused } from './runner.js';

/** How long what a program left running in its group has, after its own end, before it is killed. */
const LEFTOVERS_GRACE_MS = 2_000;
/** After SIGKILL only the dead that nobody has buried yet are left; nothing more can be done about those. */
const BURIAL_MS = 2_000;
const POLL_MS = 20;
/** A process that left the group may hold an output open for ever: one that is silent for so long is let go. */
const LINGER_MS = 250;

export interface ProgramStart {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** How the program is installed, or what else to do when it is not there. One sentence. */
  readonly advice: string;
}

export interface ProgramExit {
  readonly exitCode?: number;
  readonly signal?: string;
}

/** A program in a process group of its own, so that what it starts ends with it. POSIX only. */
export class AgentProcess {
  readonly pid: number;
  /** When the program itself has ended. */
  readonly exit: Promise<ProgramExit>;
  /** When nothing of its group is left either, however it ended. */
  readonly gone: Promise<ProgramExit>;
  readonly #child: ChildProcess;
  #isGone = false;
  #takesInput = true;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.exit = new Promise((resolve) => {
      child.once('exit', (code, signal) =>
        resolve({ ...(code !== null && { exitCode: code }), ...(signal !== null && { signal }) }),
      );
    });
    this.gone = this.exit.then(async (exit) => {
      await this.#endGroup(LEFTOVERS_GRACE_MS);
      this.#isGone = true;
      return exit;
    });
    // A signal that cannot be sent is no failure of the run.
    child.on('error', () => undefined);
    // A program that closes its input, or ends, while it is written to: it takes no more, and that is all.
    child.stdin?.on('error', () => (this.#takesInput = false));
    child.stdin?.on('close', () => (this.#takesInput = false));
  }

  /** @throws RunnerUnavailable, RunRefused */
  static async start(start: ProgramStart): Promise<AgentProcess> {
    const { program, args, folder, environment } = start;
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    // Node reports a missing folder as if the program were missing.
    if (!isFolder) throw new RunRefused(`The folder to work in does not exist: ${folder}`);
    try {
      const child = spawn(program, args, {
        cwd: folder,
        env: { ...environment },
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      await once(child, 'spawn');
      if (child.pid === undefined) throw new Error('it has no process id');
      return new AgentProcess(child, child.pid);
    } catch (error) {
      throw unavailable(start, error);
    }
  }

  get output(): Readable {
    return this.#child.stdout!;
  }

  get errors(): Readable {
    return this.#child.stderr!;
  }

  /** False when the program takes no more input. */
  write(text: string): boolean {
    const input = this.#child.stdin;
    if (!input || !this.#takesInput || !input.writable) return false;
    input.write(text);
    return true;
  }

  endInput(): void {
    this.#takesInput = false;
    this.#child.stdin?.end();
  }

  /** Resolves when nothing of the group is left. */
  async stop(graceMs: number): Promise<void> {
    if (this.#isGone) return;
    await this.#endGroup(graceMs);
    await this.gone;
  }

  /** The stream's pieces; an output that a process outside of the group holds open ends once it is silent. */
  async *read(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
    let timer: NodeJS.Timeout | undefined;
    let silent = 0;
    void this.gone.then(() => {
      timer = setInterval(() => {
        silent = stream.readableLength === 0 ? silent + 1 : 0;
        if (silent >= 2) stream.destroy();
      }, LINGER_MS).unref();
      if (stream.destroyed || stream.readableEnded) clearInterval(timer);
    });
    try {
      for await (const chunk of stream) {
        silent = 0;
        yield chunk as Buffer;
      }
    } catch {
      // Broken off, by us or with the program; what came before has been read.
    } finally {
      clearInterval(timer);
    }
  }

  async #endGroup(graceMs: number): Promise<void> {
    if (!this.#signal('SIGTERM') || (await this.#isEmptyWithin(graceMs))) return;
    this.#signal('SIGKILL');
    await this.#isEmptyWithin(BURIAL_MS);
  }

  async #isEmptyWithin(ms: number): Promise<boolean> {
    for (let waited = 0; waited < ms; waited += POLL_MS) {
      if (!this.#signal(0)) return true;
      await sleep(POLL_MS);
    }
    return !this.#signal(0);
  }

  /** False when the group has no member. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    if (this.#isGone) return false;
    try {
      return process.kill(-this.pid, signal);
    } catch (error) {
      // EPERM: something in it has become another user's. It is there, but not ours to end.
      return codeOf(error) === 'EPERM';
    }
  }
}

/** Of an error of the operating system. */
const codeOf = (error: unknown): string | undefined => (isRecord(error) ? textAt(error, 'code') : undefined);

function unavailable({ program, advice }: ProgramStart, error: unknown): RunnerUnavailable {
  const code = codeOf(error);
  if (code === 'ENOENT') {
    return new RunnerUnavailable(
      program,
      `"${program}" is not installed here, or not on the PATH. ${advice}`,
    );
  }
  if (code === 'EACCES') {
    return new RunnerUnavailable(program, `"${program}" may not be executed. ${advice}`);
  }
  const why = error instanceof Error ? error.message : String(error);
  return new RunnerUnavailable(program, `"${program}" cannot be started (${why}). ${advice}`);
}
