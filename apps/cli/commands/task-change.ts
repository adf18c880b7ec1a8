import { Option, type Command } from 'commander';
import type { ForkAnswer, ForkRequest } from '#libs/client/types.js';
import type { Cli } from '../cli.js';
import { changes, leaf, previews } from '../command.js';
import { resolveMessage, resolveTask } from '../input/ids.js';
import { parseTime, TIME_FORMS } from '../input/time.js';
import { UsageError } from '../usage-error.js';
import { counted, done, localTime, wouldDo } from '../views/format.js';
import { REWIND_NOTES, rewindConversation, rewindOptions, type RewindOptions } from './rewinding.js';

/** `task rewind-conversation`. */
export const rewindTask = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'rewind-conversation <task>',
    summary: "Take a task's conversation back to an earlier point",
    notes: REWIND_NOTES,
    examples: [
      ['makima task rewind-conversation 0190c3d4 --by-messages 4 --dry-run', 'what would that hide?'],
      [
        'makima task rewind-conversation 0190c3d4 --to-message 0190e5f6',
        'this message is the last one that stays',
      ],
      ['makima undo 0190c3d4', 'take the rewind back'],
    ],
    options: (command) => changes(rewindOptions(command)),
    act: async (id: string, options: RewindOptions) => {
      const { api } = cli;
      const taskId = await resolveTask(api, id);
      await rewindConversation(
        cli,
        {
          what: `task ${taskId}`,
          resolveMessage: (text) => resolveMessage(api, taskId, text),
          rewind: (request) => api.tasks.rewind(taskId, request),
          undo: `makima undo ${taskId}`,
        },
        options,
      );
    },
  });

interface ForkOptions {
  readonly checkpoint?: string;
  readonly message?: string;
  readonly beforeMessage?: string;
  readonly timestamp?: string;
  readonly name: string;
  readonly plan: string;
  readonly includeConversation: boolean;
  readonly branchName?: string;
  readonly dryRun?: boolean;
}

/** `task fork`, and `supervisor task-fork`. */
export const forkTask = (parent: Command, cli: Cli, name: string): Command =>
  leaf(parent, {
    name: `${name} <task>`,
    summary: 'Start a new task from any point of another one',
    notes: `The source stays as it is. ${TIME_FORMS}`,
    examples: [
      [
        `makima ${parent.name()} ${name} 0190c3d4 --checkpoint 3 --name "Another way" --plan "Try without a cache"`,
        'from a checkpoint',
      ],
      [
        `makima ${parent.name()} ${name} 0190c3d4 --message 0190e5f6 --name Again --plan "…"`,
        'from a message, which is part of the fork',
      ],
      [
        `makima ${parent.name()} ${name} 0190c3d4 --timestamp "2 h ago" --name Then --plan "…" --no-include-conversation`,
        'from a time, with the code only',
      ],
    ],
    options: (command) => previews(forkOptions(command)),
    act: async (id: string, options: ForkOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const answer = await cli.api.tasks.fork(taskId, await requestOf(cli, taskId, options));
      if (!answer.dryRun) cli.afterwards(`read it with: makima task history ${answer.newTaskId}`);
      await cli.show({
        json: answer,
        lines: () => [answer.dryRun ? wouldDo(`fork ${told(answer)}`) : done(`forked ${told(answer)}`)],
      });
    },
  });

const forkOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--checkpoint <number>', 'from this checkpoint (its number, id or commit id)').conflicts([
        'message',
        'beforeMessage',
        'timestamp',
      ]),
    )
    .addOption(
      new Option('--message <id>', 'from this message, which is part of the fork').conflicts([
        'beforeMessage',
        'timestamp',
      ]),
    )
    .addOption(new Option('--before-message <id>', 'from before this message').conflicts('timestamp'))
    .option('--timestamp <time>', 'from this time')
    .requiredOption('--name <name>', 'name of the new task')
    .requiredOption('--plan <text>', 'what the new task is to do')
    .option('--include-conversation', 'with the conversation up to that point', true)
    .option('--no-include-conversation', 'without the conversation')
    .option('--branch-name <name>', 'create a git branch of this name (when a daemon takes the task)');

async function requestOf(cli: Cli, taskId: string, options: ForkOptions): Promise<ForkRequest> {
  const { name, plan, includeConversation, branchName, dryRun, beforeMessage } = options;
  return {
    forkFrom: await pointOf(cli, taskId, options),
    newTask: { name, plan, includeConversation },
    ...(branchName === undefined ? {} : { branchOptions: { createBranch: true, branchName } }),
    ...(beforeMessage === undefined ? {} : { inclusive: false }),
    ...(dryRun ? { dryRun } : {}),
  };
}

async function pointOf(cli: Cli, taskId: string, options: ForkOptions): Promise<ForkRequest['forkFrom']> {
  const { checkpoint, message, beforeMessage, timestamp } = options;
  if (checkpoint !== undefined) return { type: 'checkpoint', value: checkpoint };
  const named = message ?? beforeMessage;
  if (named !== undefined) return { type: 'message_id', value: await resolveMessage(cli.api, taskId, named) };
  if (timestamp !== undefined) return { type: 'timestamp', value: parseTime(timestamp, cli.now) };
  throw new UsageError('fork from where?', [
    'say one of --checkpoint <number>, --message <id>, --before-message <id>, --timestamp <time>',
  ]);
}

function told(answer: ForkAnswer): string {
  const { newTaskId, sourceTaskId, forkPoint, conversationIncluded, messageCount, branchName, dryRun } =
    answer;
  const at = forkPoint.checkpoint
    ? `checkpoint ${forkPoint.checkpoint.checkpointNumber}`
    : localTime(forkPoint.timestamp);
  const what = conversationIncluded
    ? `with ${counted(messageCount ?? 0, 'message')}`
    : 'without the conversation';
  const into = dryRun ? '' : ` into ${newTaskId}`;
  return `${sourceTaskId} at ${at}${into}, ${what}${branchName ? `, on git branch ${branchName}` : ''}`;
}
