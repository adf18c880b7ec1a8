import type { Happening } from '#libs/agents/runners/happening.js';
import { Narrator } from '#libs/agents/runners/narrator.js';
import type { RunnerName, RunningAgent } from '#libs/agents/runners/runner.js';
import { knownProcess } from '#libs/processes/left-behind.js';
import { endOf, itemOf, TurnEnds } from './activity-items.js';
import type { Checkpoints, Recording } from './checkpoints.js';
import { failpoint } from './failpoint.js';
import type { Journal } from './journal.js';
import type { ActivityItem, CheckpointTrigger, Lease, RunEnd, RunnerChoice } from './protocol.js';
import { reasonIn } from './retry.js';
import { runnerFor } from './runner-choice.js';
import { LeaseLost, type Spool } from './spool.js';

export interface RunOptions {
  /** What agents may ask: the server's address. */
  readonly url: string;
  readonly allowed: readonly RunnerName[];
  /** For a task that names none. */
  readonly otherwise: RunnerChoice;
  readonly blob: (sha256: string) => Promise<Buffer>;
  /** Milliseconds between checkpoints while an agent works. */
  readonly checkpointMs: number;
  /** Milliseconds that an agent has to end in when it is stopped. */
  readonly graceMs: number;
  readonly log: (line: string) => void;
}

export interface RunTools extends Recording {
  readonly folder: string;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
}

/** Items that may wait to be written, so that many are written at once and memory stays bounded. */
const MOST_WAITING = 64;

/** An agent at work under a lease, from its start to the checkpoint at its end. */
export class TaskRun {
  #agent: RunningAgent | null = null;
  #stopped: RunEnd | null = null;
  #isLost = false;

  constructor(
    private readonly lease: Lease,
    private readonly tools: RunTools,
    private readonly options: RunOptions,
  ) {}

  /** Runs the agent to its end. @throws LeaseLost, when nobody wants to hear of it any more */
  async run(): Promise<RunEnd> {
    const end = await this.#work().catch((error: unknown): RunEnd => {
      if (this.#isLost || error instanceof LeaseLost) throw this.#lost();
      return { status: 'failed', reason: reasonIn(error) };
    });
    await this.#checkpoint('end');
    if (this.#isLost) throw this.#lost();
    return this.#stopped ?? end;
  }

  /** Ends the agent; the run ends as is said here. */
  async stop(end: RunEnd): Promise<void> {
    this.#stopped ??= end;
    await this.#agent?.stop({ graceMs: this.options.graceMs, reason: end.reason ?? 'It was stopped.' });
  }

  /** Another works in the task, or nobody: nothing more is recorded. */
  loseLease(): void {
    this.#isLost = true;
    void this.stop({ status: 'interrupted', reason: 'Its daemon has lost the lease.' });
  }

  readonly #lost = (): LeaseLost => new LeaseLost(`the lease with epoch ${this.lease.epoch} has ended`);

  async #work(): Promise<RunEnd> {
    const agent = await this.#start();
    const timer = setInterval(() => void this.#checkpoint('time'), this.options.checkpointMs);
    try {
      const known = agent.pid === undefined ? null : knownProcess(agent.pid);
      await this.tools.journal.update(({ lease }) => ({ lease: lease && { ...lease, agent: known } }));
      if (this.#stopped) await this.stop(this.#stopped);
      return await this.#follow(agent);
    } finally {
      clearInterval(timer);
      // Whatever has gone wrong: no agent works on unheard.
      await agent.stop({ graceMs: this.options.graceMs });
    }
  }

  async #start(): Promise<RunningAgent> {
    const { lease, tools, options } = this;
    const runner = await runnerFor(lease.runner ?? options.otherwise, options);
    const agent = await runner.start({
      runId: lease.runId,
      folder: tools.folder,
      prompt: lease.prompt,
      conversation: lease.conversation,
      environment: environmentOf(lease, options.url),
    });
    this.#agent = agent;
    failpoint('run-started');
    return agent;
  }

  async #follow(agent: RunningAgent): Promise<RunEnd> {
    const turns = new TurnEnds();
    await this.#recordPrompt();
    const writing = new Writing(this.tools.spool);
    let end: RunEnd = { status: 'failed', reason: 'The agent ended without a word.' };
    for await (const happening of agent) {
      if (this.#isLost) throw this.#lost();
      await writing.put(this.#item(happening));
      if (happening.kind === 'end') end = endOf(happening);
      if (turns.hear(happening)) await this.#checkpoint('turn');
    }
    await writing.done();
    return end;
  }

  /** What the agent was asked is said in the task: a runner does not tell its caller what he said himself. */
  async #recordPrompt(): Promise<void> {
    const { runId, runner, prompt } = this.lease;
    const { name } = runner ?? this.options.otherwise;
    // A recording has its own prompts.
    if (name === 'replay' || prompt === '') return;
    const id = new Narrator(runId).idOf('prompt');
    const occurredAt = new Date().toISOString();
    await this.tools.spool.append([{ id, occurredAt, kind: 'message', role: 'user', content: prompt }]);
  }

  readonly #item = (happening: Happening): ActivityItem => itemOf(happening);

  /** What goes wrong with a checkpoint does not end the work: the next one has it all. */
  async #checkpoint(trigger: CheckpointTrigger): Promise<void> {
    if (this.#isLost) return;
    await this.tools.checkpoints.take(this.tools, { trigger }).catch((error: unknown) => {
      if (!(error instanceof LeaseLost)) this.options.log(`no checkpoint was taken: ${reasonIn(error)}`);
    });
  }
}

/** Puts items into the spool, some at once: the agent waits only while many are not on the disk. */
class Writing {
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly spool: Spool) {}

  async put(item: ActivityItem): Promise<void> {
    this.#waiting += 1;
    this.#last = this.spool.append([item]).finally(() => (this.#waiting -= 1));
    // Whoever waits next is told.
    this.#last.catch(() => undefined);
    if (this.#waiting >= MOST_WAITING) await this.#last;
  }

  done(): Promise<void> {
    return this.#last;
  }
}

/** What an agent may know of where it works. Never a key of the daemon's. */
const environmentOf = ({ taskId, contractId, runId }: Lease, url: string): Record<string, string> => ({
  MAKIMA_TASK_ID: taskId,
  MAKIMA_RUN_ID: runId,
  MAKIMA_URL: url,
  ...(contractId === null ? {} : { MAKIMA_CONTRACT_ID: contractId }),
});
