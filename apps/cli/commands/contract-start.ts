import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { RUNNER_NOTES, runnerOptions, startRequest, type RunnerOptions } from '../input/runner.js';
import { UsageError } from '../usage-error.js';
import { contractOption, namedContract } from './contract-option.js';
import { startAndTell } from './task-run.js';

interface StartOptions extends RunnerOptions {
  readonly contract?: string;
  readonly name?: string;
  readonly plan?: string;
  readonly follow?: boolean;
}

/** `contract start`. */
export const startContract = (contract: Command, cli: Cli): Command =>
  leaf(contract, {
    name: 'start [program...]',
    summary: "Create a contract's supervisor and let it run; one that is there already goes on",
    notes: RUNNER_NOTES,
    examples: [
      [
        'makima contract start --contract 0190a1b2 --plan "Plan the work, and spawn tasks" --runner claude',
        'a supervisor of its own',
      ],
      [
        'makima contract start --contract 0190a1b2 --follow -- ./supervise.sh',
        'any program; watched until it ends',
      ],
    ],
    options: (command) =>
      runnerOptions(contractOption(command))
        .option('--name <name>', "what people call the supervisor (otherwise the contract's name)")
        .option('--plan <text>', "what it is to do (otherwise the contract's description)")
        .option('-f, --follow', 'then watch it until it ends; the exit code is by how it ends'),
    act: async (program: string[], options: StartOptions) => {
      const { api } = cli;
      const contractId = await namedContract(cli, undefined, options);
      const start = await startRequest(api, options, program);
      const { supervisorTaskId, name, description } = await api.contracts.show(contractId);
      if (supervisorTaskId === null) {
        const { name: own = `${name}: supervisor`, plan = description } = options;
        const task = await api.tasks.create({ name: own, plan, contractId, isSupervisor: true });
        return startAndTell(cli, task, start, options);
      }
      if (options.name !== undefined || options.plan !== undefined)
        throw new UsageError(`this contract has a supervisor already, task ${supervisorTaskId}`, [
          `say something else to it with: makima task start ${supervisorTaskId} --prompt "…"`,
        ]);
      await startAndTell(cli, await api.tasks.show(supervisorTaskId), start, options);
    },
  });
