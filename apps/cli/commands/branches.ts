import type { Command } from 'commander';
import { ApiError } from '#libs/client/api-error.js';
import { EXIT } from '#libs/client/exit-codes.js';
import type { HeadMoved } from '#libs/client/types-conversation.js';
import type { Cli } from '../cli.js';
import { changes, leaf } from '../command.js';
import { NothingFound, resolveContract, resolveTask } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { branchLines } from '../views/branches.js';
import { counted, idShortener } from '../views/format.js';
import { asOfOption, asOfQuery, type AsOf } from './as-of.js';
import { tellMoved } from './rewinding.js';

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

interface UndoOptions {
  readonly branch?: number;
  readonly dryRun?: boolean;
}

/** `makima undo`. */
export const undoCommand = (program: Command, cli: Cli): Command =>
  leaf(program, {
    name: 'undo <task|contract>',
    summary: "Take back the last rewind of a task's conversation, or of a contract's supervisor",
    notes: 'Messages that came after the rewind are kept as a branch.',
    examples: [
      ['makima undo 0190c3d4', 'the newest rewind that was not undone'],
      ['makima undo 0190c3d4 --branch 2', 'the rewind that began branch 2 (see: makima branches)'],
      ['makima undo 0190c3d4 --dry-run', 'what would that show and hide?'],
    ],
    options: (command) =>
      changes(command.option('--branch <n>', 'the branch that the rewind began', positive)),
    act: async (id: string, options: UndoOptions) => {
      const { what, undo } = await undoOf(cli, id);
      const request = options.branch === undefined ? {} : { branch: options.branch };
      if (options.dryRun) return tellUndone(cli, id, what, await undo({ ...request, dryRun: true }));
      if (cli.interactive) {
        const { hiddenMessages } = await undo({ ...request, dryRun: true });
        const question = `Undo the rewind of ${what}? ${counted(hiddenMessages, 'message')} that came after it become a branch.`;
        if (!(await cli.agreed(question))) return cli.note('nothing was changed');
      }
      await tellUndone(cli, id, what, await undo(request));
    },
  });

async function tellUndone(cli: Cli, id: string, what: string, moved: HeadMoved): Promise<void> {
  const rewind =
    moved.undoneBranch === undefined
      ? `the rewind of ${what}`
      : `the rewind of ${what} that began branch ${moved.undoneBranch}`;
  if (!moved.dryRun && moved.hiddenMessages > 0)
    cli.afterwards(`what came after the rewind is in branch ${moved.previousBranch}`);
  const back = `makima undo ${id} --branch ${moved.branch}`;
  await tellMoved(cli, [`undo ${rewind}`, `undid ${rewind}`], moved, back);
}

interface Undo {
  readonly what: string;
  readonly undo: (request: { readonly branch?: number; readonly dryRun?: boolean }) => Promise<HeadMoved>;
}

/** An id may be a task's or a contract's: tasks are tried first. */
async function undoOf(cli: Cli, id: string): Promise<Undo> {
  const { api } = cli;
  try {
    const taskId = await resolveTask(api, id);
    await api.tasks.show(taskId);
    return { what: `task ${taskId}`, undo: (request) => api.tasks.undo(taskId, request) };
  } catch (error) {
    const notATask =
      error instanceof NothingFound || (error instanceof ApiError && error.exitCode === EXIT.notFound);
    if (!notATask) throw error;
  }
  const contractId = await resolveContract(api, id);
  return {
    what: `the supervisor of contract ${contractId}`,
    undo: (request) => api.contracts.undoSupervisor(contractId, request),
  };
}
