import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { natural } from '../input/numbers.js';
import { diffLines, nameLines, statLines } from '../views/diff.js';

interface DiffOptions {
  readonly against?: string;
  readonly stat?: boolean;
  readonly nameOnly?: boolean;
  readonly context?: number;
}

/** `task checkpoint-diff`. */
export const checkpointDiff = (parent: Command, cli: Cli, name: string): Command =>
  leaf(parent, {
    name: `${name} <task> <checkpoint>`,
    summary: 'What a checkpoint changed in the code; a checkpoint is its number, id or commit',
    examples: [
      [`makima ${parent.name()} ${name} 0190c3d4 2`, 'against the checkpoint before'],
      [`makima ${parent.name()} ${name} 0190c3d4 5 --against 2`, 'against another one'],
      [`makima ${parent.name()} ${name} 0190c3d4 2 --stat`, 'how much, file by file'],
    ],
    options: (command) =>
      command
        .option(
          '--against <checkpoint>',
          'compare with this one; an id may be of another task of the contract',
        )
        .option('--stat', 'how much changed in each file')
        .option('--name-only', 'only which files changed')
        .option('--context <lines>', 'unchanged lines around those that changed', natural, 3),
    act: async (id: string, checkpoint: string, { against, stat, nameOnly, context }: DiffOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const diff = await cli.api.checkpoints.diff(taskId, checkpoint, { against, context });
      await cli.show({
        json: diff,
        lines: () => (nameOnly ? nameLines(diff) : stat ? statLines(diff, cli.width) : diffLines(diff)),
      });
    },
  });
