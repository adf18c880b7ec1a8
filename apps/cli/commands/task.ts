import { Option, type Command } from 'commander';
import type { Cli } from '../cli.js';
import { leaf, noun } from '../command.js';
import { resolveContract, resolveTask } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { TIME_FORMS } from '../input/time.js';
import { count } from '../views/format.js';
import { checkpointLines, taskFacts, taskTable } from '../views/nouns.js';
import { blameFile } from './blame.js';
import { checkpointBranch } from './checkpoint-branch.js';
import { checkpointDiff } from './checkpoint-diff.js';
import { cancelRewind, listRewinds, rewindCode } from './code-rewind.js';
import { conversationOptions, showConversation, type ConversationOptions } from './conversation-reading.js';
import { historyOptions, showHistory, type HistoryOptions } from './history-reading.js';
import { listed, type ListOptions } from './listing.js';
import { asOfOption, asOfQuery, type AsOf } from './as-of.js';
import { compareTasks } from './compare.js';
import { createTask } from './task-create.js';
import { resumeFrom, resumeTask } from './resuming.js';
import { forkTask, rewindTask } from './task-change.js';
import { taskEvents, taskOutput } from './task-events.js';
import { followTask } from './task-follow.js';
import { reportTests } from './task-tests.js';
import { askForCheckpoint, runTask, startTask, stopTask } from './task-run.js';

/** `makima task …` */
export function taskCommands(program: Command, cli: Cli): void {
  const task = noun(program, 'task', 'What agents do, and the conversations that it consists of');
  list(task, cli);
  show(task, cli);
  createTask(task, cli);
  runTask(task, cli);
  startTask(task, cli);
  followTask(task, cli);
  stopTask(task, cli);
  taskHistory(task, cli, 'history');
  taskTimeline(task, cli);
  taskOutput(task, cli);
  taskEvents(task, cli);
  taskCheckpoints(task, cli, 'checkpoints');
  askForCheckpoint(task, cli);
  reportTests(task, cli);
  checkpointDiff(task, cli, 'checkpoint-diff');
  rewindCode(task, cli, 'rewind');
  listRewinds(task, cli);
  cancelRewind(task, cli);
  checkpointBranch(task, cli, 'branch');
  blameFile(task, cli);
  compareTasks(task, cli);
  rewindTask(task, cli);
  forkTask(task, cli, 'fork');
  resumeTask(task, cli);
  resumeFrom(task, cli, 'resume-from');
}

interface TaskListOptions extends ListOptions {
  readonly contract?: string;
  readonly parent?: string;
  readonly status?: string;
}

const STATUSES = [
  'pending',
  'starting',
  'running',
  'paused',
  'interrupted',
  'completed',
  'failed',
  'cancelled',
];

const list = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'list',
    summary: 'Tasks, newest first',
    examples: [
      ['makima task list', 'the newest 100, of all contracts'],
      ['makima task list --contract 0190a1b2 --status failed', 'those of one contract that failed'],
      ['makima task list --parent 0190c3d4', 'those that a task spawned'],
    ],
    options: (command) =>
      command
        .option('--contract <id>', 'only tasks of this contract')
        .option('--parent <task>', 'only tasks that this one spawned')
        .addOption(new Option('--status <status>', 'only these').choices(STATUSES))
        .option('-n, --limit <n>', 'the newest n', positive, 100)
        .option('--all', 'all, however many'),
    act: async (options: TaskListOptions) => {
      const { api } = cli;
      const filters = {
        contract_id:
          options.contract === undefined ? undefined : await resolveContract(api, options.contract),
        parent_task_id: options.parent === undefined ? undefined : await resolveTask(api, options.parent),
        status: options.status,
      };
      const page = await listed(options, (query) => api.tasks.list({ ...filters, ...query }), 'tasks');
      if (page.cursor)
        cli.afterwards(`the newest ${count(page.tasks.length)}; --limit <n> or --all shows more`);
      const empty = page.tasks.length === 0 && 'no tasks; import some with: makima import <file|folder>';
      await cli.show({ json: page, lines: () => taskTable(page.tasks, cli.width), empty });
    },
  });

const show = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'show <task>',
    summary: 'One task',
    examples: [
      ['makima task show 0190c3d4', 'the beginning of an id is enough, from 6 characters on'],
      ['makima task show 0190c3d4 --as-of "2 h ago"', 'as it stood two hours ago'],
    ],
    options: asOfOption,
    act: async (id: string, options: AsOf) => {
      const answer = await cli.api.tasks.show(await resolveTask(cli.api, id), asOfQuery(cli, options));
      await cli.show({ json: answer, lines: () => taskFacts(answer, cli.width) });
    },
  });

/** `task history`, and `supervisor task-history`. */
export const taskHistory = (parent: Command, cli: Cli, name: string): Command =>
  leaf(parent, {
    name: `${name} <task>`,
    summary: "A task's conversation",
    formats: ['chat', 'table', 'json'],
    notes: TIME_FORMS,
    examples: [
      [`makima ${parent.name()} ${name} 0190c3d4`, 'all of it, to read'],
      [
        `makima ${parent.name()} ${name} 0190c3d4 --limit 20 --no-tool-calls`,
        'the newest 20 messages, only what was said',
      ],
      [`makima ${parent.name()} ${name} 0190c3d4 --with-rewound`, 'also what rewinds have hidden'],
      [`makima ${parent.name()} ${name} 0190c3d4 --branch 0`, 'how it was before the first rewind'],
      [`makima ${parent.name()} ${name} 0190c3d4 --follow`, 'and each message as it comes'],
    ],
    options: conversationOptions,
    act: async (id: string, options: ConversationOptions) => {
      const { tasks } = cli.api;
      const taskId = await resolveTask(cli.api, id);
      await showConversation(
        cli,
        {
          load: (query) => tasks.conversation(taskId, query),
          branches: (query) => tasks.branches(taskId, query),
          streamPath: async () => tasks.streamPath(taskId),
          command: `makima task history ${taskId}`,
          undo: `makima undo ${taskId}`,
        },
        options,
      );
    },
  });

const taskTimeline = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'timeline <task>',
    summary: 'Everything that happened in a task',
    notes: TIME_FORMS,
    examples: [['makima task timeline 0190c3d4 --failed', 'what went wrong']],
    options: (command) => historyOptions(command, { overview: false }),
    act: async (id: string, options: HistoryOptions) => {
      const { tasks } = cli.api;
      const taskId = await resolveTask(cli.api, id);
      await showHistory(
        cli,
        {
          load: (query) => tasks.history(taskId, query),
          streamPath: tasks.streamPath(taskId),
          oneTask: true,
        },
        options,
      );
    },
  });

interface CheckpointOptions extends AsOf, ListOptions {
  readonly withDiff?: boolean;
}

/** `task checkpoints`, and `supervisor task-checkpoints`. */
export const taskCheckpoints = (parent: Command, cli: Cli, name: string): Command =>
  leaf(parent, {
    name: `${name} <task>`,
    summary: "A task's checkpoints, newest first",
    examples: [
      [`makima ${parent.name()} ${name} 0190c3d4`, 'numbers, commits, sizes'],
      [`makima ${parent.name()} ${name} 0190c3d4 --with-diff`, 'with the files that each changed'],
    ],
    options: (command) =>
      asOfOption(
        command
          .option('--with-diff', 'with the files that each one changed, and how much')
          .option('-n, --limit <n>', 'the newest n', positive, 100)
          .option('--all', 'all, however many'),
      ),
    act: async (id: string, options: CheckpointOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const at = asOfQuery(cli, options);
      const page = await listed(
        options,
        (query) => cli.api.tasks.checkpoints(taskId, { ...at, ...query }),
        'checkpoints',
      );
      const { checkpoints, cursor } = page;
      if (cursor) cli.afterwards(`the newest ${count(checkpoints.length)}; --limit <n> or --all shows more`);
      await cli.show({
        json: page,
        lines: () => checkpointLines(checkpoints, cli.width, options.withDiff ?? false),
        empty: checkpoints.length === 0 && 'no checkpoints',
      });
    },
  });
