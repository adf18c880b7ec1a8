import { hash } from 'node:crypto';
import type { Command, CommandBus } from '@nestjs/cqrs';
import type { CommandContext } from '#libs/commands/command-context.js';
import type { DispatchOptions, EventOrigin } from '#libs/commands/decider-handler.js';
import { LogOverloaded } from '#libs/event-store/event-store.js';
import { RefusalException } from '#libs/kernel/problem.js';
import { DispatchContract } from '../contract/contract.commands.js';
import type { ContractCommand } from '../contract/contract.decider.js';
import { DispatchTask } from '../task/task.commands.js';
import type { TaskCommand } from '../task/task.decider.js';

/** The client has left: nobody waits for the rest. What was recorded stays. */
export class ImportStopped extends Error {
  override readonly name = 'ImportStopped';
}

const MAX_ATTEMPTS = 8;
const WAIT_MS = 250;

/** What is under way: gives commands, remembers how far the log has come, and reports progress. */
export class ImportRun {
  /** Position of the last event that was written. */
  position = 0n;
  readonly context: CommandContext;

  constructor(
    private readonly commands: CommandBus,
    context: CommandContext,
    readonly dryRun: boolean,
    private readonly signal: AbortSignal,
    /** Told after each append how many entries it held. */
    private readonly onRecorded: (entries: number) => void,
  ) {
    // Events have ids of their own, which make a repetition safe whatever the key of the request is.
    this.context = { ...context, idempotent: false };
  }

  async contract(id: string, command: ContractCommand, origin: EventOrigin) {
    return this.#carryOut(() => new DispatchContract(id, command, this.context, { origins: [origin] }));
  }

  async task(id: string, command: TaskCommand, origins: readonly EventOrigin[]) {
    const options: DispatchOptions = { origins };
    const outcome = await this.#carryOut(() => new DispatchTask(id, command, this.context, options));
    if (command.type === 'RecordActivity') this.onRecorded(command.activities.length);
    return outcome;
  }

  /** @returns false if something of the same id was there: another import created it at the same time. */
  async unlessThere(code: string, creating: Promise<unknown>): Promise<boolean> {
    try {
      await creating;
      return true;
    } catch (error) {
      if (error instanceof RefusalException && error.code === code) return false;
      throw error;
    }
  }

  /** @throws ImportStopped when the client has left. */
  assertWanted(): void {
    if (this.signal.aborted) throw new ImportStopped('the client has left');
  }

  async #carryOut<Result extends { readonly position: bigint }>(
    dispatch: () => Command<Result>,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      this.assertWanted();
      try {
        const outcome = await this.commands.execute(dispatch());
        if (outcome.position > this.position) this.position = outcome.position;
        return outcome;
      } catch (error) {
        if (!(error instanceof LogOverloaded) || attempt >= MAX_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, attempt * WAIT_MS));
      }
    }
  }
}

/** An event that no entry stands for: its hash is that of its command. */
export const originOf = (id: string, occurredAt: string, command: unknown): EventOrigin => ({
  id,
  occurredAt,
  inputHash: hash('sha256', JSON.stringify(command), 'base64url').slice(0, 22),
});
