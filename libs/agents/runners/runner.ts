/**
 * Agent runners: each starts one kind of agent and tells what it does. No real agent program was at hand when they were
 * written: `claude` and `codex` are tested against stand-ins that write the formats as their makers describe them. See
 * docs/runners.md for what each runs and what could not be tried.
 */
import type { Earlier } from './earlier-conversation.js';
import type { Happening } from './happening.js';

export type RunnerName = 'claude' | 'codex' | 'command' | 'replay';

export interface AgentRunner {
  readonly name: RunnerName;
  /**
   * Resolves when the program runs.
   * @throws RunnerUnavailable when the program cannot be started on this machine.
   * @throws RunRefused when this runner cannot do what is asked.
   */
  start(request: RunRequest): Promise<RunningAgent>;
}

export interface RunRequest {
  /** A UUID, another for every run: ids of what happens are derived from it. */
  readonly runId: string;
  /** Absolute path of the folder that the agent works in. It must exist. */
  readonly folder: string;
  /** What the agent is asked to do. */
  readonly prompt: string;
  /** What was said and done before, for an agent that begins afresh: it stands before the prompt. A replay needs none. */
  readonly conversation?: readonly Earlier[];
  /** Goes on with a conversation that the agent itself stored, or with a fork of it. */
  readonly resume?: { readonly conversationId: string; readonly fork?: boolean };
  /** True: the agent waits for `say` after a turn, until `hangUp`. Otherwise it ends when its turn does. */
  readonly stayOpen?: boolean;
  /** What the program gets, besides PATH, HOME and LANG. Nothing else of this process' environment reaches it. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly limits?: RunLimits;
  /** Aborted: as `stop()`. */
  readonly signal?: AbortSignal;
}

export interface RunLimits {
  /** Milliseconds; then the agent is stopped. Without it there is no limit. */
  readonly timeoutMs?: number;
  /** Milliseconds of silence that an agent has to end in, after its turn; then it is ended. Default: 60,000. */
  readonly exitMs?: number;
  /** Longer lines are cut. Default: 16 MiB where lines are JSON, 256 KiB where they are output. */
  readonly maxLineBytes?: number;
  /** Agent turns within the run. `claude` only. */
  readonly maxTurns?: number;
  /** US dollars. `claude` only. */
  readonly maxCostUsd?: number;
}

/**
 * A run. It is iterated once; what is not read holds the program up, so memory stays bounded. The last thing told is
 * `end`, whatever happened. Leaving the loop before it stops the agent.
 */
export interface RunningAgent extends AsyncIterable<Happening> {
  /** The program's process and process group; none for a replay. */
  readonly pid: number | undefined;
  /** The agent's id of its conversation, as soon as it is known. */
  readonly conversationId: string | undefined;
  /** Says something more. False when the program takes no more input, or never took any. */
  say(text: string): boolean;
  /** No more will be said: the agent ends when it has done what it was told. */
  hangUp(): void;
  /**
   * Ends the program and all of its process group: SIGTERM, and SIGKILL after `graceMs` (default 5,000). Resolves when
   * nothing of the group is left, whether or not anybody reads. Safe to call at any time and more than once.
   */
  stop(options?: StopOptions): Promise<void>;
}

export interface StopOptions {
  readonly graceMs?: number;
  /** For people; goes into the outcome. */
  readonly reason?: string;
}

/** The program cannot be started here. The message is a sentence for people that names it and says what to do. */
export class RunnerUnavailable extends Error {
  override readonly name = 'RunnerUnavailable';
  constructor(
    readonly program: string,
    message: string,
  ) {
    super(message);
  }
}

/** The runner cannot do what is asked of it. The message is a sentence for people. */
export class RunRefused extends Error {
  override readonly name = 'RunRefused';
}

/** Timers count up to here; a longer limit is none. */
const MAX_TIMER_MS = 2_147_483_647;

/** Stops an agent when it has run for as long as it may. */
export function stopAfter(ms: number | undefined, agent: RunningAgent): NodeJS.Timeout | undefined {
  if (ms === undefined || ms > MAX_TIMER_MS) return undefined;
  return setTimeout(() => void agent.stop({ reason: `It ran for longer than ${ms} ms.` }), ms);
}

const PLAIN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** An id that stands among a program's arguments. @throws RunRefused when it could be taken for an option. */
export function plainArgument(id: string): string {
  if (!PLAIN_ID.test(id)) throw new RunRefused('The conversation to resume has an id that no agent gives.');
  return id;
}
