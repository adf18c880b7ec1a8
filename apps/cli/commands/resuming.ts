import { Option, type Command } from 'commander';
import type { Checkpoint } from '#libs/client/types.js';
import type { GoesOn } from '#libs/client/types-resume.js';
import type { Cli } from '../cli.js';
import { changes, leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { UsageError } from '../usage-error.js';
import { done, wouldDo } from '../views/format.js';
import { goesOnLines } from '../views/goes-on.js';
import { contractOption, namedContract } from './contract-option.js';
import { listed } from './listing.js';

/** Says what an agent would be given, asks on a terminal, and lets it go on. */
async function goOn<Answer extends GoesOn>(
  cli: Cli,
  what: string,
  dryRun: boolean | undefined,
  ask: (dryRun: boolean) => Promise<Answer>,
  follow: (answer: Answer) => string,
): Promise<void> {
  const preview = await ask(true);
  const lines = goesOnLines(preview);
  if (dryRun) return cli.show({ json: preview, lines: () => [...lines, wouldDo(what)] });
  if (cli.format !== 'json') await cli.err.lines(lines);
  if (cli.interactive && !(await cli.agreed(`Go on with ${what}?`))) return cli.note('nothing was changed');
  const answer = await ask(false);
  cli.afterwards(`follow it with: ${follow(answer)}`);
  await cli.show({ json: answer, lines: () => [done(`${what}: it starts when a daemon takes it`)] });
}

const MODES: Readonly<Record<string, string>> = {
  context: 'with_context',
  clean: 'clean_restart',
  checkpoint: 'from_checkpoint',
};

interface ResumeOptions {
  readonly mode?: string;
  readonly checkpoint?: string;
  readonly maxMessages?: number;
  readonly maxTokens?: number;
  readonly toolCalls: boolean;
  readonly toolResults: boolean;
  readonly summary?: boolean;
  readonly prompt?: string;
  readonly daemon?: string;
  readonly dryRun?: boolean;
}

/** `task resume`. */
export const resumeTask = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'resume <task>',
    summary: 'Let an interrupted task go on',
    notes: 'It says first what the agent will be given, how many tokens that is, and what is left out.',
    examples: [
      ['makima task resume 0190c3d4 --dry-run', 'what would the agent be given?'],
      [
        'makima task resume 0190c3d4 --max-messages 50 --prompt "Mind the tests"',
        'with the newest 50 messages',
      ],
      ['makima task resume 0190c3d4 --checkpoint 3', 'code and conversation go back there first'],
    ],
    options: (command) =>
      changes(
        command
          .addOption(
            new Option('--mode <mode>', 'with the conversation, without it, or from a checkpoint').choices(
              Object.keys(MODES),
            ),
          )
          .option('--checkpoint <number>', 'go on from this checkpoint (its number, id or commit id)')
          .option('--max-messages <n>', 'only the newest n messages', positive)
          .option('--max-tokens <n>', 'at most about so many tokens', positive)
          .option('--no-tool-calls', 'without tool calls and their results')
          .option('--no-tool-results', 'without tool results')
          .option('--summary', 'the newest messages, and an extract of the others')
          .option('--prompt <text>', 'what the agent is told besides')
          .option('--daemon <id>', 'the daemon that is to run it'),
      ),
    act: async (id: string, options: ResumeOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const { checkpoint, maxMessages, maxTokens, prompt, daemon } = options;
      const mode = modeOf(options);
      const request = {
        resumeMode: MODES[mode]!,
        ...(checkpoint && { checkpointSha: (await checkpointOf(cli, taskId, checkpoint)).commitSha }),
        contextOptions: {
          ...(maxMessages === undefined ? {} : { maxMessages }),
          ...(options.toolCalls ? {} : { includeToolCalls: false }),
          ...(options.toolResults ? {} : { includeToolResults: false }),
          ...(options.summary ? { summaryMode: true } : {}),
        },
        ...(maxTokens === undefined ? {} : { maxTokens }),
        ...(prompt === undefined ? {} : { prompt }),
        ...(daemon === undefined ? {} : { targetDaemonId: daemon }),
      };
      await goOn(
        cli,
        `resume task ${taskId}`,
        options.dryRun,
        (dryRun) => cli.api.resumes.task(taskId, { ...request, dryRun }),
        () => `makima task follow ${taskId}`,
      );
    },
  });

function modeOf({ mode, checkpoint }: Pick<ResumeOptions, 'mode' | 'checkpoint'>): string {
  if (mode === 'checkpoint' && checkpoint === undefined)
    throw new UsageError('from which checkpoint?', ['add --checkpoint <number>']);
  if (mode !== undefined && mode !== 'checkpoint' && checkpoint !== undefined)
    throw new UsageError(`--checkpoint does not go with --mode ${mode}`, ['leave one of them out']);
  return checkpoint === undefined ? (mode ?? 'context') : 'checkpoint';
}

async function checkpointOf(cli: Cli, taskId: string, wanted: string): Promise<Checkpoint> {
  const all = { limit: 1, all: true };
  const { checkpoints } = await listed(
    all,
    (query) => cli.api.tasks.checkpoints(taskId, query),
    'checkpoints',
  );
  const found = checkpoints.find(
    ({ id, checkpointNumber, commitSha }) =>
      `${checkpointNumber}` === wanted || id === wanted || commitSha === wanted,
  );
  if (found) return found;
  throw new UsageError(`task ${taskId} has no checkpoint ${wanted}`, [
    `list them: makima task checkpoints ${taskId}`,
  ]);
}

interface ResumeFromOptions {
  readonly checkpoint: string;
  readonly plan: string;
  readonly name?: string;
  readonly includeConversation: boolean;
  readonly start: boolean;
  readonly daemon?: string;
  readonly dryRun?: boolean;
}

/** `task resume-from`, and `supervisor task-resume-from`. */
export const resumeFrom = (parent: Command, cli: Cli, name: string): Command =>
  leaf(parent, {
    name: `${name} <task>`,
    summary: 'Start a new task where a checkpoint of another one stands',
    examples: [
      [`makima ${parent.name()} ${name} 0190c3d4 --checkpoint 3 --plan "Use steel"`, 'with its code alone'],
    ],
    options: (command) =>
      changes(
        command
          .requiredOption('--checkpoint <number>', 'the checkpoint (its number, id or commit id)')
          .requiredOption('--plan <text>', 'what the new task is to do')
          .option('--name <name>', 'name of the new task')
          .option('--include-conversation', 'with the conversation up to there', false)
          .option('--no-start', 'create it only')
          .option('--daemon <id>', 'the daemon that is to run it'),
      ),
    act: async (id: string, options: ResumeFromOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const { plan, name: taskName, includeConversation, start, daemon } = options;
      const checkpoint = await checkpointOf(cli, taskId, options.checkpoint);
      const request = {
        plan,
        ...(taskName === undefined ? {} : { taskName }),
        includeConversation,
        start,
        ...(daemon === undefined ? {} : { targetDaemonId: daemon }),
      };
      await goOn(
        cli,
        `start a task at checkpoint ${checkpoint.checkpointNumber} of ${taskId}`,
        options.dryRun,
        (dryRun) => cli.api.resumes.fromCheckpoint(taskId, checkpoint.id, { ...request, dryRun }),
        ({ newTaskId }) => `makima task follow ${newTaskId}`,
      );
    },
  });

const SUPERVISOR_MODES: Readonly<Record<string, string>> = {
  continue: 'continue',
  restart: 'restart_phase',
  checkpoint: 'from_checkpoint',
  restart_phase: 'restart_phase',
  from_checkpoint: 'from_checkpoint',
};

interface ResumeSupervisorOptions {
  readonly mode: string;
  readonly checkpoint?: string;
  readonly context?: string;
  readonly contract?: string;
  readonly daemon?: string;
  readonly dryRun?: boolean;
}

/** `supervisor resume`. */
export const resumeSupervisor = (supervisor: Command, cli: Cli): Command =>
  leaf(supervisor, {
    name: 'resume [contract]',
    summary: 'Let an interrupted supervisor go on',
    examples: [
      ['makima supervisor resume --dry-run', 'what would it be given?'],
      ['makima supervisor resume 0190a1b2 --mode restart --context "Plan again"', 'its phase afresh'],
    ],
    options: (command) =>
      changes(
        contractOption(command)
          .addOption(
            new Option('--mode <mode>', 'how to go on')
              .choices(Object.keys(SUPERVISOR_MODES))
              .default('continue'),
          )
          .option('--checkpoint <id>', 'for --mode checkpoint: the checkpoint (its number, id or commit id)')
          .option('--context <text>', 'what else it is told')
          .option('--daemon <id>', 'the daemon that is to run it'),
      ),
    act: async (argument: string | undefined, options: ResumeSupervisorOptions) => {
      const { api } = cli;
      const contractId = await namedContract(cli, argument, options);
      const { mode, checkpoint, context, daemon } = options;
      const resumeMode = SUPERVISOR_MODES[mode]!;
      const isBack = resumeMode === 'from_checkpoint';
      if (isBack && checkpoint === undefined)
        throw new UsageError('from which checkpoint?', ['add --checkpoint <number>']);
      const supervisorId = async (): Promise<string> =>
        (await api.contracts.supervisorConversation(contractId, { limit: 1 })).supervisorTaskId;
      const request = {
        resumeMode,
        ...(isBack && { checkpointId: (await checkpointOf(cli, await supervisorId(), checkpoint!)).id }),
        ...(context === undefined ? {} : { additionalContext: context }),
        ...(daemon === undefined ? {} : { targetDaemonId: daemon }),
      };
      await goOn(
        cli,
        `resume the supervisor of contract ${contractId}`,
        options.dryRun,
        (dryRun) => api.resumes.supervisor(contractId, { ...request, dryRun }),
        () => `makima supervisor history ${contractId} --follow`,
      );
    },
  });
