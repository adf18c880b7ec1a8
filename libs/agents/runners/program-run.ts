import { setTimeout as sleep } from 'node:timers/promises';
import { agentEnvironment } from './agent-environment.js';
import { AgentProcess, type ProgramExit, type ProgramStart } from './agent-process.js';
import type { EndHappening, Happening, Outcome } from './happening.js';
import { HappeningQueue } from './happening-queue.js';
import { LineCounts } from './line-counts.js';
import { LineSplitter, shownLine, type ProgramLine } from './line-splitter.js';
import type { Narrator, Telling } from './narrator.js';
import { stopAfter, type RunningAgent, type RunRequest, type StopOptions } from './runner.js';
import type { StreamInterpreter } from './stream-interpreter.js';

/** Longer lines are cut: where they are output, and where they are JSON. */
export const [OUTPUT_LINE, JSON_LINE] = [256 * 1024, 16 * 1024 * 1024];
const STDERR_TAIL = 4_000;
/** After so long without a line, what is held of a message is told: people want to see which tool is working. */
const QUIET_MS = 1_000;
const STOP_GRACE_MS = 5_000;
/** An agent that has said that it is done and stays (for a server that it started, say) is not waited for. */
const EXIT_MS = 60_000;

/** What a runner says of the program that it runs. */
export interface ProgramPlan extends Omit<ProgramStart, 'folder' | 'environment'> {
  readonly request: RunRequest;
  readonly narrator: Narrator;
  readonly interpreter: StreamInterpreter;
  /** Bytes of a line, unless the request sets a limit of its own. */
  readonly longestLine: number;
  /** What the program reads first. */
  readonly firstInput: string;
  /** How something said later is written; without it the input ends with the first. */
  readonly said?: (text: string) => string;
  /** What an end without a verdict comes to. */
  readonly outcomeOf: (exit: ProgramExit, broke: (reason: string) => Outcome) => Outcome;
}

/** @throws RunnerUnavailable, RunRefused */
export async function runProgram(plan: ProgramPlan): Promise<RunningAgent> {
  plan.request.signal?.throwIfAborted();
  const { folder, environment } = plan.request;
  // Here, so that no runner can forget it: an agent gets nothing of this process' environment but what it needs.
  const started = { ...plan, folder, environment: agentEnvironment(environment) };
  return new ProgramRun(plan, await AgentProcess.start(started));
}

/** A program that runs, what it prints on its way to the reader, and how it ends. */
class ProgramRun implements RunningAgent {
  readonly #queue = new HappeningQueue();
  readonly #counts = new LineCounts();
  readonly #timer: NodeJS.Timeout | undefined;
  /** Of lines that nothing has been told of yet. */
  #heardBytes = 0;
  #stderr = '';
  #stopped: string | undefined;
  #hasExited = false;
  #hasEndedTurn = false;
  #isHungUp = false;
  #isOverdue = false;
  #exitTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly plan: ProgramPlan,
    private readonly process: AgentProcess,
  ) {
    const { signal, limits } = plan.request;
    this.#timer = stopAfter(limits?.timeoutMs, this);
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
    void process.exit.then(() => (this.#hasExited = true));
    process.write(plan.firstInput);
    if (!plan.said) process.endInput();
    void this.#run();
  }

  get pid(): number {
    return this.process.pid;
  }

  get conversationId(): string | undefined {
    return this.plan.interpreter.conversationId;
  }

  say(text: string): boolean {
    if (!this.plan.said || !this.process.write(this.plan.said(text))) return false;
    this.#hasEndedTurn = false;
    return true;
  }

  hangUp(): void {
    this.#isHungUp = true;
    this.process.endInput();
    this.#expectExit();
  }

  async stop({ graceMs = STOP_GRACE_MS, reason = 'It was stopped.' }: StopOptions = {}): Promise<void> {
    if (!this.#hasExited) this.#stopped ??= reason;
    await this.process.stop(graceMs);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Happening, void, undefined> {
    try {
      yield* this.#queue.read();
    } finally {
      this.#queue.close();
      await this.stop({ reason: 'Nobody listened any more.' });
    }
  }

  readonly #onAbort = (): void => void this.stop({ reason: 'It was called off.' });

  async #run(): Promise<void> {
    const { narrator, request, interpreter } = this.plan;
    let broken: string | undefined;
    try {
      await this.#tell([narrator.tell('start', { kind: 'status', status: 'running' })]);
      await Promise.all([this.#readOutput(), this.#readErrors()]);
    } catch (error) {
      broken = `What it said could not be read: ${error instanceof Error ? error.message : String(error)}`;
      await this.process.stop(STOP_GRACE_MS);
    }
    const exit = await this.process.gone;
    clearTimeout(this.#timer);
    clearTimeout(this.#exitTimer);
    request.signal?.removeEventListener('abort', this.#onAbort);
    await this.#tell(interpreter.release());
    await this.#tell([narrator.tell('end', this.#end(exit, broken))]);
    this.#queue.close();
  }

  async #readOutput(): Promise<void> {
    const { interpreter, request, longestLine } = this.plan;
    const splitter = new LineSplitter(request.limits?.maxLineBytes ?? longestLine);
    const chunks = this.process.read(this.process.output);
    for (let next = chunks.next(); ; next = chunks.next()) {
      if (interpreter.holds && (await isQuiet(next))) await this.#tell(interpreter.release());
      const { value, done } = await next;
      if (done) break;
      for (const line of splitter.push(value)) await this.#hear(line);
    }
    for (const line of splitter.end()) await this.#hear(line);
  }

  async #hear(line: ProgramLine): Promise<void> {
    const { fate, told, endsTurn } = this.plan.interpreter.line(line);
    this.#counts.count(fate);
    this.#counts.countDamage(line);
    if (endsTurn) this.#hasEndedTurn = true;
    if (endsTurn && !this.plan.request.stayOpen) this.hangUp();
    else this.#expectExit();
    this.#heardBytes += line.bytes;
    await this.#tell(told);
  }

  /** From here on, and from every further line on, it has so long to end. */
  #expectExit(): void {
    if (!this.#hasEndedTurn || !this.#isHungUp || this.#hasExited) return;
    clearTimeout(this.#exitTimer);
    this.#exitTimer = setTimeout(() => {
      this.#isOverdue = !this.#hasExited;
      void this.process.stop(STOP_GRACE_MS);
    }, this.plan.request.limits?.exitMs ?? EXIT_MS);
  }

  async #readErrors(): Promise<void> {
    const splitter = new LineSplitter(OUTPUT_LINE);
    for await (const chunk of this.process.read(this.process.errors)) {
      for (const line of splitter.push(chunk)) await this.#hearError(line);
    }
    for (const line of splitter.end()) await this.#hearError(line);
  }

  async #hearError(line: ProgramLine): Promise<void> {
    const content = shownLine(line);
    this.#counts.countError();
    this.#counts.countDamage(line);
    this.#stderr = `${this.#stderr}${content}\n`.slice(-STDERR_TAIL);
    const place = `stderr:${line.number}`;
    const told = this.plan.narrator.tell(place, { kind: 'output', channel: 'stderr', content });
    await this.#queue.put(told, content.length);
  }

  async #tell(happenings: readonly Happening[]): Promise<void> {
    for (const happening of happenings) {
      const bytes = this.#heardBytes;
      this.#heardBytes = 0;
      await this.#queue.put(happening, bytes);
    }
  }

  #end(exit: ProgramExit, broken: string | undefined): Telling<EndHappening> {
    const outcome = this.#outcome(exit, broken);
    const { conversationId, spent } = this.plan.interpreter;
    return {
      kind: 'end',
      ...statusOf(outcome),
      outcome,
      ...spent,
      ...(conversationId !== undefined && { conversationId }),
      lines: this.#counts.totals(),
    };
  }

  #outcome(exit: ProgramExit, broken: string | undefined): Outcome {
    if (this.#stopped !== undefined) return { as: 'stopped', reason: this.#stopped };
    const broke = (reason: string): Outcome => ({
      as: 'crashed',
      ...exit,
      stderr: this.#stderr.trimEnd(),
      reason,
    });
    if (broken !== undefined) return broke(broken);
    // It was done; that it was in no hurry to go is no failure.
    if (this.#isOverdue) return this.plan.outcomeOf({}, broke);
    if (exit.signal !== undefined) return broke(`It was ended by ${exit.signal}.`);
    return this.plan.outcomeOf(exit, broke);
  }
}

/** What an outcome means for the task. */
export function statusOf(outcome: Outcome): Pick<EndHappening, 'status' | 'reason'> {
  if (outcome.as === 'completed') return { status: 'completed' };
  return { status: outcome.as === 'stopped' ? 'interrupted' : 'failed', reason: outcome.reason };
}

/** How an agent's run ends that says itself whether it succeeded: to end without a word is to crash. */
export function outcomeOfAgent(
  { verdict }: StreamInterpreter,
  exit: ProgramExit,
  broke: (reason: string) => Outcome,
): Outcome {
  if (verdict?.as === 'failed') return { as: 'failed', ...exit, reason: verdict.reason };
  const { exitCode = 0 } = exit;
  if (exitCode !== 0) return broke(`It ended with exit code ${exitCode}.`);
  return verdict ? { as: 'completed', ...exit } : broke('It ended before its turn had.');
}

async function isQuiet(next: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      next.then(() => false),
      sleep(QUIET_MS, true, { signal: timer.signal }).catch(() => false),
    ]);
  } finally {
    timer.abort();
  }
}
