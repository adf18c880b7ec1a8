import type { Command } from 'commander';
import type { BranchMade } from '#libs/client/types-diff.js';
import type { Cli } from '../cli.js';
import { Clone } from '../clone.js';
import { leaf, previews } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { done, wouldDo } from '../views/format.js';

interface BranchOptions {
  readonly checkout?: boolean;
  readonly into?: string;
  readonly dryRun?: boolean;
}

/** `task branch`. */
export const checkpointBranch = (parent: Command, cli: Cli, name: string): Command =>
  leaf(parent, {
    name: `${name} <task> <checkpoint> <name>`,
    summary: 'Make a git branch from a checkpoint, and take it into a clone of yours',
    notes:
      'The branch is a commit of the checkpoint’s files after the commit that the agent had checked out. A branch of yours is never moved back or forced.',
    examples: [
      [`makima ${parent.name()} ${name} 0190c3d4 3 try-this --into .`, 'and fetch it into the clone here'],
      [
        `makima ${parent.name()} ${name} 0190c3d4 3 try-this --checkout`,
        'and have it checked out in the task’s folder',
      ],
    ],
    options: (command) =>
      previews(
        command
          .option('--checkout', 'check it out in the task’s folder, when a daemon has it')
          .option('--into <repository>', 'fetch it into this clone, with git'),
      ),
    act: async (id: string, checkpoint: string, branchName: string, options: BranchOptions) => {
      const { checkout = false, into, dryRun = false } = options;
      const clone = into === undefined ? undefined : new Clone(into);
      await clone?.assertIsOne();
      const taskId = await resolveTask(cli.api, id);
      const { checkpoints } = cli.api;
      const made = await checkpoints.branch(taskId, checkpoint, { branchName, checkout, dryRun });
      if (clone && !dryRun) {
        const { parentSha } = made;
        const have = parentSha !== null && (await clone.has(parentSha)) ? [parentSha] : [];
        await clone.fetch(await checkpoints.bundle(taskId, branchName, have), branchName);
      }
      if (!dryRun)
        cli.afterwards(nextStep(`makima ${parent.name()} ${name} ${taskId} ${checkpoint}`, made, into));
      const told = `branch ${made.branchName} at ${made.commitSha.slice(0, 10)}${baseOf(made)}`;
      await cli.show({
        json: made,
        lines: () => [
          dryRun ? wouldDo(`make ${told}`) : done(`made ${told}`),
          ...(clone && !dryRun ? [done(`fetched it into ${into}`)] : []),
          ...(checkout && !dryRun ? [done('asked for it to be checked out in the task’s folder')] : []),
        ],
      });
    },
  });

const baseOf = ({ parentSha }: BranchMade): string =>
  parentSha === null ? ', based on no commit' : `, based on ${parentSha.slice(0, 10)}`;

const nextStep = (command: string, { branchName }: BranchMade, into: string | undefined): string =>
  into === undefined
    ? `take it into a clone with: ${command} ${branchName} --into <clone>`
    : `look at it with: git -C ${into} log ${branchName}`;
