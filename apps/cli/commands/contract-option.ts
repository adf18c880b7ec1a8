import { Option, type Command } from 'commander';
import type { Cli } from '../cli.js';
import { CONTRACT_HERE, contractFrom } from '../input/ids.js';

export interface ContractOption {
  readonly contract?: string;
}

/** Adds --contract, for commands that are about one contract without naming it. */
export const contractOption = (command: Command): Command =>
  command
    .option('--contract <id>', `the contract (otherwise ${CONTRACT_HERE})`)
    // What the first implementation called it.
    .addOption(new Option('--contract-id <id>').hideHelp());

/** The contract that was named by an argument, by --contract, or by the environment. */
export const namedContract = (
  cli: Cli,
  argument: string | undefined,
  options: ContractOption & { readonly contractId?: string },
): Promise<string> => contractFrom(cli.api, argument ?? options.contract ?? options.contractId, cli.env);
