import { Option, type Command } from 'commander';
import type { CodeRewindRequest, CodeRewound, PreserveMode, RewindScope } from '#libs/client/types-rewind.js';
import { EXIT } from '#libs/client/exit-codes.js';
import type { Cli } from '../cli.js';
import { changes, leaf } from '../command.js';
import { namedCheckpoint } from '../input/checkpoint.js';
import { resolveMessage, resolveRewind, resolveTask } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { parseTime, TIME_FORMS } from '../input/time.js';
import { line, wrapLine } from '../terminal/styled.js';
import { CommandFailed, UsageError } from '../usage-error.js';
import { done } from '../views/format.js';
import { nextSteps, outcomeOf, rewindTable, rewoundLines, rewoundSentence } from '../views/rewind.js';

interface CodeRewindOptions {
  readonly checkpoint?: string;
  readonly toMessage?: string;
  readonly beforeMessage?: string;
  readonly toTimestamp?: string;
  readonly byMessages?: number;
  readonly lastGreen?: boolean;
  readonly withoutCheckpoint?: number;
  readonly scope?: RewindScope;
  readonly rewindCode?: boolean;
  readonly preserve?: PreserveMode;
  readonly preserveBranch?: string;
  readonly branchName?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

const NOTES = `Nothing is lost: what is there is kept as a checkpoint first, and makima undo brings it back. Ignored files
stay as they are. An agent that runs is stopped, and waits for makima task resume.
${TIME_FORMS}`;

/** `task rewind`, and `supervisor task-rewind`, which keeps what is there as a branch unless told otherwise. */
export const rewindCode = (parent: Command, cli: Cli, name: string, preserve?: PreserveMode): Command =>
  leaf(parent, {
    name: `${name} <task>`,
    summary: "Take a task's code back to an earlier point, alone or with its conversation",
    notes: NOTES,
    examples: [
      [`makima ${parent.name()} ${name} 0190c3d4 --checkpoint 3 --dry-run`, 'what would change?'],
      [
        `makima ${parent.name()} ${name} 0190c3d4 --checkpoint 3 --preserve-branch before`,
        'keep what is there as a git branch',
      ],
      [
        `makima ${parent.name()} ${name} 0190c3d4 --by-messages 4 --rewind-code`,
        'code and conversation, by four messages',
      ],
      [
        `makima ${parent.name()} ${name} 0190c3d4 --without-checkpoint 2`,
        'take back one change, leave later ones',
      ],
      ['makima undo 0190c3d4', 'take the rewind back'],
    ],
    options: (command) => changes(preserveOptions(pointOptions(command), preserve)),
    act: async (id: string, options: CodeRewindOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const request = await requestOf(cli, taskId, options);
      await carryOut(cli, {
        verbs: verbsOf(taskId, options),
        ask: (dryRun) => cli.api.rewinds.rewind(taskId, dryRun ? { ...request, dryRun } : request),
        question: `Rewind task ${taskId}?`,
        isDryRun: options.dryRun ?? false,
        undo: `makima undo ${taskId}`,
      });
    },
  });

const verbsOf = (taskId: string, { withoutCheckpoint: n }: CodeRewindOptions): CodeMove['verbs'] =>
  n === undefined
    ? [`rewind task ${taskId}`, `rewound task ${taskId}`]
    : [`take checkpoint ${n} of task ${taskId} back`, `took checkpoint ${n} of task ${taskId} back`];

const POINTS = [
  'checkpoint',
  'toMessage',
  'beforeMessage',
  'toTimestamp',
  'byMessages',
  'lastGreen',
  'withoutCheckpoint',
] as const;

const others = (point: (typeof POINTS)[number]): string[] => POINTS.filter((one) => one !== point);

const pointOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--checkpoint <number>', 'to this checkpoint (its number, id or commit id)').conflicts(
        others('checkpoint'),
      ),
    )
    .addOption(
      new Option('--to-message <id>', 'to the checkpoint at this message, which stays').conflicts(
        others('toMessage'),
      ),
    )
    .addOption(
      new Option('--before-message <id>', 'to the checkpoint before this message').conflicts(
        others('beforeMessage'),
      ),
    )
    .addOption(
      new Option('--to-timestamp <time>', 'to how it was at this time').conflicts(others('toTimestamp')),
    )
    .addOption(
      new Option('--by-messages <n>', 'by n whole messages: a message and its tool results are one')
        .argParser(positive)
        .conflicts(others('byMessages')),
    )
    .addOption(
      new Option('--last-green', 'to the newest checkpoint whose tests passed').conflicts(
        others('lastGreen'),
      ),
    )
    .addOption(
      new Option(
        '--without-checkpoint <n>',
        'take back what this checkpoint changed, and leave later changes',
      )
        .argParser(positive)
        .conflicts([...others('withoutCheckpoint'), 'scope', 'rewindCode']),
    )
    .addOption(
      new Option('--scope <scope>', 'what goes back (otherwise code)').choices([
        'code',
        'conversation',
        'both',
      ]),
    )
    .addOption(new Option('--rewind-code', 'code and conversation, as --scope both').conflicts('scope'));

const MODES: Readonly<Record<string, PreserveMode>> = {
  discard: 'discard',
  branch: 'create_branch',
  create_branch: 'create_branch',
  stash: 'stash',
};

/** What the SPEC and the first implementation call it. */
function preserveMode(text: string): PreserveMode {
  const mode = MODES[text];
  if (!mode)
    throw new UsageError(`${JSON.stringify(text)} is no way to keep what is there`, [
      'say discard, branch or stash (a checkpoint of it is kept anyway)',
    ]);
  return mode;
}

const preserveOptions = (command: Command, preserve: PreserveMode | undefined): Command =>
  command
    .addOption(
      new Option(
        '--preserve <mode>',
        'what becomes of what is there, besides the checkpoint: discard, branch or stash',
      )
        .argParser(preserveMode)
        .default(preserve, preserve === 'create_branch' ? 'branch' : undefined),
    )
    .addOption(new Option('--preserve-mode <mode>').argParser(preserveMode).hideHelp())
    .option('--preserve-branch <name>', 'keep it as a git branch of this name')
    .addOption(
      new Option('--branch-name <name>', 'for --preserve branch: its name').conflicts('preserveBranch'),
    )
    .option('--reason <text>', 'why, for whoever reads the history later');

async function requestOf(
  cli: Cli,
  taskId: string,
  options: CodeRewindOptions & { readonly preserveMode?: PreserveMode },
): Promise<CodeRewindRequest> {
  const { reason } = options;
  const branchName = options.preserveBranch ?? options.branchName;
  const mode =
    options.preserveMode ?? options.preserve ?? (branchName === undefined ? undefined : 'create_branch');
  if (branchName !== undefined && mode !== undefined && mode !== 'create_branch')
    throw new UsageError(`a branch is named, and --preserve ${mode} makes none`);
  const scope = options.scope ?? (options.rewindCode ? 'both' : undefined);
  return {
    ...(await pointOf(cli, taskId, options)),
    ...(scope === undefined ? {} : { scope }),
    ...(mode === undefined ? {} : { preserveMode: mode }),
    ...(branchName === undefined ? {} : { branchName }),
    ...(reason === undefined ? {} : { reason }),
  };
}

async function pointOf(cli: Cli, taskId: string, options: CodeRewindOptions): Promise<CodeRewindRequest> {
  const { checkpoint, toMessage, beforeMessage, toTimestamp, byMessages, lastGreen, withoutCheckpoint } =
    options;
  if (checkpoint !== undefined) return namedCheckpoint(checkpoint);
  if (toMessage !== undefined) return { toMessageId: await resolveMessage(cli.api, taskId, toMessage) };
  if (beforeMessage !== undefined)
    return { toMessageId: await resolveMessage(cli.api, taskId, beforeMessage), inclusive: false };
  if (toTimestamp !== undefined) return { toTimestamp: parseTime(toTimestamp, cli.now) };
  if (byMessages !== undefined) return { byMessageCount: byMessages };
  if (lastGreen) return { lastGreen };
  if (withoutCheckpoint !== undefined) return { withoutCheckpoint };
  throw new UsageError('back to where?', [
    'say one of --checkpoint <number>, --to-message <id>, --before-message <id>, --to-timestamp <time>,',
    '--by-messages <n>, --last-green, --without-checkpoint <n>',
  ]);
}

/** A rewind, or an undo of one, that can be looked at before. */
export interface CodeMove {
  readonly verbs: readonly [would: string, did: string];
  readonly ask: (dryRun: boolean) => Promise<CodeRewound>;
  readonly question: string;
  readonly isDryRun: boolean;
  /** Command that takes it back. */
  readonly undo: string;
}

/** Does it; on a terminal it shows first what that would change, and asks. */
export async function carryOut(cli: Cli, move: CodeMove): Promise<void> {
  const { verbs, ask, question, isDryRun } = move;
  if (isDryRun) return tell(cli, move, await ask(true));
  if (cli.interactive) {
    const preview = await ask(true);
    const sentence = line(`This would ${verbs[0]}: ${outcomeOf(preview)}`);
    const lines = rewoundLines(preview, sentence).flatMap((one) => wrapLine(one, cli.err.width));
    for (const one of lines) await cli.note(one);
    if (!(await cli.agreed(question))) return cli.note('nothing was changed');
  }
  await tell(cli, move, await ask(false));
}

/** @throws CommandFailed for a rewind that did not happen. */
async function tell(cli: Cli, { verbs, undo }: CodeMove, rewound: CodeRewound): Promise<void> {
  if (!rewound.dryRun) cli.afterwards(...nextSteps(rewound, undo));
  const lines = () => rewoundLines(rewound, rewoundSentence(rewound, verbs));
  await cli.show({ json: rewound, lines });
  if (rewound.phase === 'aborted' || rewound.phase === 'failed') throw new CommandFailed(EXIT.conflict);
}

/** `task rewinds`. */
export const listRewinds = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'rewinds <task>',
    summary: "A task's rewinds of code, newest first, and how far each has come",
    examples: [['makima task rewinds 0190c3d4', 'the newest 100']],
    options: (command) => command.option('-n, --limit <n>', 'the newest n', positive, 100),
    act: async (id: string, { limit }: { readonly limit: number }) => {
      const taskId = await resolveTask(cli.api, id);
      const answer = await cli.api.rewinds.list(taskId, limit);
      const empty = answer.rewinds.length === 0 && 'no rewinds of code';
      await cli.show({ json: answer, lines: () => rewindTable(answer.rewinds, cli.width, cli.now), empty });
    },
  });

/** `task rewind-cancel`. */
export const cancelRewind = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'rewind-cancel <task> <rewind>',
    summary: 'Give up a rewind that waits for its daemon; nothing has changed then',
    examples: [['makima task rewind-cancel 0190c3d4 0190f7a8-…', 'its id, as task rewinds shows it']],
    act: async (id: string, rewind: string) => {
      const taskId = await resolveTask(cli.api, id);
      const rewindId = await resolveRewind(cli.api, taskId, rewind);
      const answer = await cli.api.rewinds.cancel(taskId, rewindId);
      await cli.show({
        json: answer,
        lines: () => [done(`rewind ${rewindId} is given up; nothing has changed`)],
      });
    },
  });
