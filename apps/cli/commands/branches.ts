import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { branchLines } from '../views/branches.js';
import { idShortener } from '../views/format.js';
import { asOfOption, asOfQuery, type AsOf } from './as-of.js';

/** `makima branches`. */
export const branchesCommand = (program: Command, cli: Cli): Command =>
  leaf(program, {
    name: 'branches <task>',
    summary: "The tree of a task's conversation: its rewinds, undone or not, and its forks",
    examples: [
      ['makima branches 0190c3d4', 'every branch, where it began, why, and by whom'],
      ['makima task history 0190c3d4 --branch 0', 'read a branch that was left'],
    ],
    options: asOfOption,
    act: async (id: string, options: AsOf) => {
      const taskId = await resolveTask(cli.api, id);
      const tree = await cli.api.tasks.branches(taskId, asOfQuery(cli, options));
      const whole = !cli.out.isTerminal;
      const ids = [
        ...tree.forks.map((fork) => fork.taskId),
        ...tree.branches.flatMap(({ point }) => (point ? [point.value] : [])),
      ];
      const shorten = idShortener(
        ids.filter((one) => one.length === 36),
        whole,
      );
      await cli.show({
        json: tree,
        lines: () => branchLines(tree, cli.width, (one) => (one.length === 36 ? shorten(one) : one)),
      });
    },
  });
