import { Option, type Command } from 'commander';
import { ApiError } from '#libs/client/api-error.js';
import { pause } from '#libs/client/http-client.js';
import type { CheckpointDiff } from '#libs/client/types-diff.js';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { natural } from '../input/numbers.js';
import { UsageError } from '../usage-error.js';
import { diffLines, nameLines, statLines } from '../views/diff.js';

interface DiffOptions {
  readonly against?: string;
  readonly worktree?: boolean;
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
      [`makima ${parent.name()} ${name} 0190c3d4 5 --worktree`, 'what was done in the folder since'],
      [`makima ${parent.name()} ${name} 0190c3d4 2 --stat`, 'how much, file by file'],
    ],
    options: (command) =>
      command
        .option(
          '--against <checkpoint>',
          'compare with this one; an id may be of another task of the contract',
        )
        .addOption(new Option('--worktree', 'what the folder has become since then').conflicts('against'))
        .option('--stat', 'how much changed in each file')
        .option('--name-only', 'only which files changed')
        .option('--context <lines>', 'unchanged lines around those that changed', natural, 3),
    act: async (id: string, checkpoint: string, options: DiffOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const { against, worktree, stat, nameOnly, context } = options;
      const diff = worktree
        ? await sinceThen(cli, taskId, checkpoint, context)
        : await cli.api.checkpoints.diff(taskId, checkpoint, { against, context });
      await cli.show({
        json: diff,
        lines: () => (nameOnly ? nameLines(diff) : stat ? statLines(diff, cli.width) : diffLines(diff)),
      });
    },
  });

/** How often, and how long between, it is asked whether the code has come; in milliseconds. */
const [TRIES, PAUSE_MS] = [40, 250];

/** The folder as it is becomes a checkpoint first, so that what is shown can be found again. */
async function sinceThen(
  { api, signal }: Cli,
  taskId: string,
  checkpoint: string,
  context: number | undefined,
): Promise<CheckpointDiff> {
  const { checkpoint: now, detail } = await api.runs.checkpoint(taskId, { message: 'To compare with' });
  if (!now) throw new UsageError(`the folder cannot be seen: ${detail}`, ['see with: makima daemon list']);
  for (let tries = 1; ; tries += 1) {
    try {
      return await api.checkpoints.diff(taskId, now.id, { against: checkpoint, context });
    } catch (error) {
      const isUnderWay = error instanceof ApiError && error.code === 'CHECKPOINT_NOT_SAFE';
      if (!isUnderWay || tries >= TRIES) throw error;
      await pause(PAUSE_MS, signal);
    }
  }
}
