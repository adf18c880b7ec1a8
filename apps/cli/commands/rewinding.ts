import type { Command } from 'commander';
import { Option } from 'commander';
import type { HeadMoved, RewindRequest } from '#libs/client/types-conversation.js';
import type { Cli } from '../cli.js';
import { positive } from '../input/numbers.js';
import { parseTime, TIME_FORMS } from '../input/time.js';
import { UsageError } from '../usage-error.js';
import { count, counted, done, wouldDo } from '../views/format.js';

export interface RewindOptions {
  readonly toMessage?: string;
  readonly beforeMessage?: string;
  readonly toTimestamp?: string;
  readonly byMessages?: number;
  readonly rewindCode?: boolean;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

export const REWIND_NOTES = `Nothing is deleted: what is hidden stays readable as a branch, and makima undo brings it back.\n${TIME_FORMS}`;

/** Adds the options that say where a conversation is taken back to. */
export const rewindOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--to-message <id>',
        'back to this message, which stays (with the results of its tool calls)',
      ).conflicts(['beforeMessage', 'toTimestamp', 'byMessages']),
    )
    .addOption(
      new Option('--before-message <id>', 'back to before this message').conflicts([
        'toTimestamp',
        'byMessages',
      ]),
    )
    .addOption(
      new Option('--to-timestamp <time>', 'back to before the first message of this time or later').conflicts(
        'byMessages',
      ),
    )
    .option(
      '--by-messages <n>',
      'back by n whole messages: a tool call and its result count as one',
      positive,
    )
    .option('--rewind-code', 'also take the code back to the matching checkpoint')
    .option('--reason <text>', 'why, for whoever reads the history later');

/** What is rewound, and how. */
export interface Rewinding {
  /** Such as `task 0190…`. */
  readonly what: string;
  readonly resolveMessage: (text: string) => Promise<string>;
  readonly rewind: (request: RewindRequest) => Promise<HeadMoved>;
  /** Command that takes it back. */
  readonly undo: string;
}

/** Takes a conversation back. On a terminal it says first what that would hide, and asks. */
export async function rewindConversation(
  cli: Cli,
  rewinding: Rewinding,
  options: RewindOptions,
): Promise<void> {
  const request = await requestOf(cli, rewinding, options);
  if (options.dryRun) return tell(cli, rewinding, await rewinding.rewind({ ...request, dryRun: true }));
  if (cli.interactive) {
    const preview = await rewinding.rewind({ ...request, dryRun: true });
    const question = `Rewind ${rewinding.what}? ${sentence(preview)}.`;
    if (!(await cli.agreed(question))) return cli.note('nothing was changed');
  }
  await tell(cli, rewinding, await rewinding.rewind(request));
}

async function requestOf(
  cli: Cli,
  { resolveMessage }: Rewinding,
  options: RewindOptions,
): Promise<RewindRequest> {
  const { toMessage, beforeMessage, toTimestamp, byMessages, rewindCode, reason } = options;
  const how = {
    ...(rewindCode ? { rewindCode } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
  if (toMessage !== undefined) return { ...how, toMessageId: await resolveMessage(toMessage) };
  if (beforeMessage !== undefined)
    return { ...how, toMessageId: await resolveMessage(beforeMessage), inclusive: false };
  if (toTimestamp !== undefined) return { ...how, toTimestamp: parseTime(toTimestamp, cli.now) };
  if (byMessages !== undefined) return { ...how, byMessageCount: byMessages };
  throw new UsageError('back to where?', [
    'say one of --to-message <id>, --before-message <id>, --to-timestamp <time>, --by-messages <n>',
  ]);
}

const sentence = ({ hiddenMessages, messageCount }: HeadMoved): string =>
  `That hides ${counted(hiddenMessages, 'message')}; ${count(messageCount)} stay`;

async function tell(cli: Cli, { what, undo }: Rewinding, moved: HeadMoved): Promise<void> {
  const { branch, previousBranch, dryRun } = moved;
  if (!dryRun)
    cli.afterwards(`what was hidden is in branch ${previousBranch}`, `undo with: ${undo} --branch ${branch}`);
  await cli.show({
    json: moved,
    lines: () => [
      dryRun ? wouldDo(`rewind ${what}: ${outcome(moved)}`) : done(`rewound ${what}: ${outcome(moved)}`),
    ],
  });
}

const outcome = ({ hiddenMessages, messageCount, branch }: HeadMoved): string =>
  `${hiddenMessages > 0 ? `${counted(hiddenMessages, 'message')} hidden, ` : ''}${count(messageCount)} shown, on branch ${branch}`;

/** Says what an undo or a restore did. */
export async function tellMoved(
  cli: Cli,
  verb: readonly [would: string, did: string],
  moved: HeadMoved,
  undo?: string,
): Promise<void> {
  const { dryRun } = moved;
  if (!dryRun && undo !== undefined) cli.afterwards(`undo with: ${undo}`);
  await cli.show({
    json: moved,
    lines: () => [dryRun ? wouldDo(`${verb[0]}: ${outcome(moved)}`) : done(`${verb[1]}: ${outcome(moved)}`)],
  });
}
