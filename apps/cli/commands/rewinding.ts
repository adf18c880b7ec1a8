import type { Command } from 'commander';
import { Option } from 'commander';
import type { HeadMoved, RewindRequest } from '#libs/client/types-conversation.js';
import type { Cli } from '../cli.js';
import { positive } from '../input/numbers.js';
import { parseTime, TIME_FORMS } from '../input/time.js';
import { UsageError } from '../usage-error.js';
import type { Line } from '../terminal/styled.js';
import { count, counted, done, oneLine, wouldDo } from '../views/format.js';
import { nextSteps, rewoundLines, rewoundSentence } from '../views/rewind.js';

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
      'back by n whole messages: a message and its tool results count as one',
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

const sentence = (moved: HeadMoved): string =>
  `That hides ${counted(moved.hiddenMessages, 'message')}; ${count(moved.messageCount)} stay${reopened(moved)}`;

async function tell(cli: Cli, { what, undo }: Rewinding, moved: HeadMoved): Promise<void> {
  const { branch, previousBranch, dryRun, code } = moved;
  if (!dryRun)
    cli.afterwards(
      `what was hidden is in branch ${previousBranch}`,
      ...(code ? nextSteps(code, undo) : [`undo with: ${undo} --branch ${branch}`]),
    );
  await cli.show({ json: moved, lines: () => [sentenceOf(what, moved), ...codeLines(moved)] });
}

const sentenceOf = (what: string, moved: HeadMoved): Line =>
  moved.dryRun ? wouldDo(`rewind ${what}: ${outcome(moved)}`) : done(`rewound ${what}: ${outcome(moved)}`);

/** A rewind of a conversation may be a process too, where an agent had to be stopped: of code there is nothing to say. */
const codeLines = ({ code }: HeadMoved): readonly Line[] =>
  code?.rewindedTo ? rewoundLines(code, rewoundSentence(code, ['rewind its code', 'rewound its code'])) : [];

function outcome(moved: HeadMoved): string {
  const { hiddenMessages, messageCount, branch } = moved;
  const hidden = hiddenMessages > 0 ? `${counted(hiddenMessages, 'message')} hidden, ` : '';
  return `${hidden}${count(messageCount)} shown, on branch ${branch}${reopened(moved)}`;
}

/** Which calls stay without the result that they had. */
function reopened({ openCalls = [] }: HeadMoved): string {
  if (openCalls.length === 0) return '';
  const names = [...new Set(openCalls.map(({ name }) => oneLine(name, 40)))];
  const listed = names.length > 5 ? [...names.slice(0, 5), '…'] : names;
  const stay = openCalls.length === 1 ? 'stays without its result' : 'stay without their results';
  return `; ${counted(openCalls.length, 'tool call')} ${stay}: ${listed.join(', ')}`;
}

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
