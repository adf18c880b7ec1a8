import type { Command } from 'commander';
import type { Comparison } from '#libs/client/types-compare.js';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { comparisonLines } from '../views/compare.js';
import { idShortener } from '../views/format.js';
import { asOfOption, asOfQuery, type AsOf } from './as-of.js';

interface CompareOptions extends AsOf {
  readonly at?: string;
  readonly otherAt?: string;
}

/** `task compare`. */
export const compareTasks = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'compare <task> <other>',
    summary: 'What two tasks of a contract did since they parted, and how their code differs',
    notes: 'A point is the number of a checkpoint, or the whole id of a checkpoint or a message.',
    examples: [
      ['makima task compare 0190c3d4 0190d7e8', 'a task and its fork, as they stand'],
      ['makima task compare 0190c3d4 0190d7e8 --at 3 --other-at 5', 'each at one of its checkpoints'],
      ['makima task compare 0190c3d4 0190c3d4 --at 3', 'what a task did since its checkpoint 3'],
    ],
    options: (command) =>
      asOfOption(
        command
          .option('--at <point>', 'the task at this point, not now')
          .option('--other-at <point>', 'the other one at this point, not now'),
      ),
    act: async (id: string, otherId: string, options: CompareOptions) => {
      const { at, otherAt: withAt } = options;
      const other = await resolveTask(cli.api, otherId);
      const comparison = await cli.api.tasks.compare(await resolveTask(cli.api, id), {
        with: other,
        at,
        withAt,
        ...asOfQuery(cli, options),
      });
      const { code } = comparison;
      if (code && code.filesChanged > 0)
        cli.afterwards(
          `every line: makima task checkpoint-diff ${code.to.taskId} ${code.to.checkpointNumber} --against ${code.from.id}`,
        );
      const shorten = idShortener(idsIn(comparison), !cli.out.isTerminal);
      await cli.show({ json: comparison, lines: () => comparisonLines(comparison, cli.width, shorten) });
    },
  });

const idsIn = ({ ancestor, task, with: other }: Comparison): readonly string[] => [
  task.taskId,
  other.taskId,
  ...(ancestor ? [ancestor.taskId] : []),
  ...(ancestor?.messageId ? [ancestor.messageId] : []),
];
