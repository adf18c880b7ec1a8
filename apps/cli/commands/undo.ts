import { Option, type Command } from 'commander';
import { ApiError } from '#libs/client/api-error.js';
import { EXIT } from '#libs/client/exit-codes.js';
import type { BranchTree, HeadMoved } from '#libs/client/types-conversation.js';
import type { CodeRewind } from '#libs/client/types-rewind.js';
import type { Cli } from '../cli.js';
import { changes, leaf } from '../command.js';
import { NothingFound, resolveContract, resolveRewind, resolveTask } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { counted } from '../views/format.js';
import { carryOut } from './code-rewind.js';
import { tellMoved } from './rewinding.js';

interface UndoOptions {
  readonly branch?: number;
  readonly rewind?: string;
  readonly dryRun?: boolean;
}

/** `makima undo`. */
export const undoCommand = (program: Command, cli: Cli): Command =>
  leaf(program, {
    name: 'undo <task|contract>',
    summary:
      "Take back the last rewind of a task, or of a contract's supervisor: of code, conversation or both",
    notes: 'What came after the rewind is kept: messages as a branch, code as a checkpoint.',
    examples: [
      ['makima undo 0190c3d4', 'the newest rewind that was not undone'],
      ['makima undo 0190c3d4 --branch 2', 'the rewind that began branch 2 (see: makima branches)'],
      ['makima undo 0190c3d4 --rewind 0190f7a8-…', 'this rewind of code (see: makima task rewinds)'],
      ['makima undo 0190c3d4 --dry-run', 'what would that show and hide?'],
    ],
    options: (command) =>
      changes(
        command
          .option('--branch <n>', 'the branch of the conversation that the rewind began', positive)
          .addOption(new Option('--rewind <id>', 'the rewind of code').conflicts('branch')),
      ),
    act: async (id: string, options: UndoOptions) => {
      const subject = await subjectOf(cli, id);
      const { taskId } = subject;
      if (taskId !== null) {
        const rewindId = await rewindOf(cli, taskId, options);
        const isDryRun = options.dryRun ?? false;
        if (rewindId !== undefined) return undoCode(cli, { id, taskId, rewindId, isDryRun });
      }
      await undoConversation(cli, id, subject, options);
    },
  });

interface CodeUndo {
  /** As it stood on the command line. */
  readonly id: string;
  readonly taskId: string;
  readonly rewindId: string;
  readonly isDryRun: boolean;
}

const undoCode = (cli: Cli, { id, taskId, rewindId, isDryRun }: CodeUndo): Promise<void> =>
  carryOut(cli, {
    verbs: [`undo rewind ${rewindId} of task ${taskId}`, `undid rewind ${rewindId} of task ${taskId}`],
    ask: (dryRun) => cli.api.rewinds.undo(taskId, dryRun ? { rewindId, dryRun } : { rewindId }),
    question: `Undo the rewind of task ${taskId}?`,
    isDryRun,
    undo: `makima undo ${id}`,
  });

/** The rewind of code that is meant; undefined: one of the conversation alone is. */
async function rewindOf(
  cli: Cli,
  taskId: string,
  { branch, rewind }: UndoOptions,
): Promise<string | undefined> {
  if (rewind !== undefined) return resolveRewind(cli.api, taskId, rewind);
  const { rewinds } = await cli.api.rewinds.list(taskId, MOST_REWINDS);
  // What moved both goes back together, by whichever name.
  if (branch !== undefined) return rewinds.find((one) => one.branch === branch)?.rewindId;
  const code = newestStanding(rewinds);
  if (!code) return undefined;
  const conversation = newestBranch(await cli.api.tasks.branches(taskId));
  const isNewer =
    conversation !== undefined &&
    conversation.branch !== code.branch &&
    Date.parse(conversation.createdAt) > Date.parse(code.requestedAt);
  return isNewer ? undefined : code.rewindId;
}

/** An undo can name no more than the last few. */
const MOST_REWINDS = 100;
const COUNTS: readonly string[] = ['committed', 'deferred', 'completed'];

/** The newest rewind that counts and was not taken back. */
function newestStanding(rewinds: readonly CodeRewind[]): CodeRewind | undefined {
  const counting = rewinds.filter(({ phase }) => COUNTS.includes(phase));
  const undone = new Set(counting.map(({ undoes }) => undoes));
  return counting.find(({ rewindId, undoes }) => undoes === undefined && !undone.has(rewindId));
}

/** The newest rewind of the conversation that was not taken back. */
function newestBranch({ branches }: BranchTree) {
  const undone = new Set(branches.map(({ undoneBranch }) => undoneBranch));
  return branches.findLast(
    ({ branch, kind }) => (kind === 'rewind' || kind === 'restore') && !undone.has(branch),
  );
}

async function undoConversation(
  cli: Cli,
  id: string,
  { what, undo }: Subject,
  options: UndoOptions,
): Promise<void> {
  const request = options.branch === undefined ? {} : { branch: options.branch };
  if (options.dryRun) return tellUndone(cli, id, what, await undo({ ...request, dryRun: true }));
  if (cli.interactive) {
    const { hiddenMessages } = await undo({ ...request, dryRun: true });
    const question = `Undo the rewind of ${what}? ${counted(hiddenMessages, 'message')} that came after it become a branch.`;
    if (!(await cli.agreed(question))) return cli.note('nothing was changed');
  }
  await tellUndone(cli, id, what, await undo(request));
}

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

/** Whose rewind is taken back. */
interface Subject {
  readonly what: string;
  /** Null: a contract without a supervisor. */
  readonly taskId: string | null;
  readonly undo: (request: { readonly branch?: number; readonly dryRun?: boolean }) => Promise<HeadMoved>;
}

/** An id may be a task's or a contract's: tasks are tried first. */
async function subjectOf(cli: Cli, id: string): Promise<Subject> {
  const { api } = cli;
  try {
    const taskId = await resolveTask(api, id);
    await api.tasks.show(taskId);
    return { what: `task ${taskId}`, taskId, undo: (request) => api.tasks.undo(taskId, request) };
  } catch (error) {
    const notATask =
      error instanceof NothingFound || (error instanceof ApiError && error.exitCode === EXIT.notFound);
    if (!notATask) throw error;
  }
  const contractId = await resolveContract(api, id);
  const { supervisorTaskId } = await api.contracts.show(contractId);
  return {
    what: `the supervisor of contract ${contractId}`,
    taskId: supervisorTaskId,
    undo: (request) => api.contracts.undoSupervisor(contractId, request),
  };
}
