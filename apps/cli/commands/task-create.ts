import type { Command } from 'commander';
import type { NewTask } from '#libs/client/routes/task-routes.js';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { CONTRACT_HERE, contractHere, resolveContract, resolveTask } from '../input/ids.js';
import { listed as values } from '../input/numbers.js';
import { taskFacts } from '../views/nouns.js';

export interface NewTaskOptions {
  readonly name: string;
  readonly plan: string;
  readonly contract?: string;
  readonly parent?: string;
  readonly supervisor?: boolean;
  readonly continueFrom?: string;
  readonly checkpointSha?: string;
  readonly copyFiles?: readonly string[];
}

/** Adds what a new task is made of. */
export const newTaskOptions = (command: Command): Command =>
  command
    .requiredOption('--name <name>', 'what people call it')
    .requiredOption('--plan <text>', 'what is to be done')
    .option('--contract <id>', `the contract that it belongs to (otherwise ${CONTRACT_HERE}, or none)`)
    .option('--parent <task>', 'the task that spawns it')
    .option('--supervisor', "it becomes the contract's supervisor")
    .option('--continue-from <task>', 'its working tree is taken over')
    .option('--checkpoint-sha <sha>', 'the checkpoint that it starts from')
    .option('--copy-files <files>', "files to copy from the parent's working tree", values);

/** `task create` (SPEC §3.4). */
export const createTask = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'create',
    summary: 'Create a task',
    examples: [
      ['makima task create --name "Add tests" --plan "Cover the parser"', 'prints its id'],
      [
        'makima task create --name Lead --plan "…" --contract 0190a1b2 --supervisor',
        'the supervisor of a contract',
      ],
    ],
    options: newTaskOptions,
    act: async (options: NewTaskOptions) => {
      const answer = await cli.api.tasks.create(await newTaskRequest(cli, options));
      await cli.show({ json: answer, lines: () => taskFacts(answer, cli.width) });
    },
  });

export async function newTaskRequest(cli: Cli, options: NewTaskOptions): Promise<NewTask> {
  const { api, env } = cli;
  const { name, plan, contract, supervisor, continueFrom, parent, checkpointSha, copyFiles } = options;
  const contractId =
    contract === undefined ? await contractHere(api, env) : await resolveContract(api, contract);
  return {
    name,
    plan,
    ...(contractId === undefined ? {} : { contractId }),
    ...(parent === undefined ? {} : { parentTaskId: await resolveTask(api, parent) }),
    ...(supervisor ? { isSupervisor: true } : {}),
    ...(continueFrom === undefined ? {} : { continueFromTaskId: await resolveTask(api, continueFrom) }),
    ...(checkpointSha === undefined ? {} : { checkpointSha }),
    ...(copyFiles === undefined ? {} : { copyFiles }),
  };
}
