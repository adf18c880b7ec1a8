import type { Command } from 'commander';
import { EXIT, type ExitCode } from '#libs/client/exit-codes.js';
import type { HistoryEntry, Task } from '#libs/client/types.js';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { CommandFailed } from '../usage-error.js';
import { LiveTask } from './live-task.js';
import { follow } from './history-reading.js';

/** `task follow`. */
export const followTask = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'follow <task>',
    summary: 'Watch a task until it ends: messages, output, tool calls, checkpoints, its status',
    ndjson: true,
    notes: `The exit code is by how it ends: 0 completed, ${EXIT.taskFailed} failed, ${EXIT.taskStopped} cancelled, interrupted or paused.`,
    examples: [
      ['makima task follow 0190c3d4', 'from the newest 20 entries on'],
      ['makima task follow 0190c3d4 --limit 500', 'from further back'],
    ],
    options: (command) => command.option('-n, --limit <n>', 'begin with the newest n entries', positive, 20),
    act: async (id: string, { limit }: { readonly limit: number }) => {
      const { tasks } = cli.api;
      const taskId = await resolveTask(cli.api, id);
      const live = new LiveTask(cli, taskId);
      await watch(cli, taskId, {
        start: async (position) => {
          const { entries } = await tasks.history(taskId, { order: 'newest', limit, asOf: position });
          await live.begin(position);
          for (const entry of [...entries].reverse()) await live.show(entry);
          const { status } = await tasks.show(taskId, { asOf: position });
          return waitsAgain(entries) ? undefined : endOf(status);
        },
        entry: (entry) => live.next(entry),
      });
    },
  });

/** Starts a task and shows all that it does, until it ends. */
export async function followRun(cli: Cli, { id }: Task, start: () => Promise<void>): Promise<void> {
  const live = new LiveTask(cli, id);
  await watch(cli, id, {
    // Nothing is missed: the stream is open when the task is started.
    start: async (position) => {
      await live.begin(position);
      await start();
      return undefined;
    },
    entry: (entry) => live.next(entry),
  });
}

interface Watching {
  /** @returns how the task has ended already. */
  readonly start: (position: string) => Promise<TaskEnd | undefined>;
  readonly entry: (entry: HistoryEntry) => Promise<void>;
}

/** @throws CommandFailed when the task ends and is not completed. */
async function watch(cli: Cli, taskId: string, { start, entry }: Watching): Promise<void> {
  let ended: TaskEnd | undefined;
  await follow(cli, cli.api.tasks.streamPath(taskId), undefined, {
    start: async (position) => void (ended ??= await start(position)),
    entry: async (one) => {
      await entry(one);
      ended ??= endIn(one);
    },
    isOver: () => ended !== undefined,
  });
  cli.following = false;
  if (!ended) return;
  await cli.note(`task ${taskId} is ${ended.status}${ended.advice(taskId)}`);
  if (ended.exitCode !== EXIT.ok) throw new CommandFailed(ended.exitCode);
}

/** How a task ended, or why nothing happens in it until somebody does something. */
interface TaskEnd {
  readonly status: string;
  readonly exitCode: ExitCode;
  readonly advice: (taskId: string) => string;
}

const none = (): string => '';
const goOn = (taskId: string): string => `; go on with: makima task resume ${taskId}`;
const ENDS: readonly TaskEnd[] = [
  { status: 'completed', exitCode: EXIT.ok, advice: none },
  { status: 'failed', exitCode: EXIT.taskFailed, advice: none },
  { status: 'cancelled', exitCode: EXIT.taskStopped, advice: none },
  { status: 'interrupted', exitCode: EXIT.taskStopped, advice: goOn },
  { status: 'paused', exitCode: EXIT.taskStopped, advice: goOn },
];

const endOf = (status: unknown): TaskEnd | undefined => ENDS.find((end) => end.status === status);

const ASKED: readonly string[] = ['task_start_requested', 'task_continue_requested', 'task_reassigned'];

/** Whether somebody has asked for it to run since it ended. @param newestFirst its newest entries */
function waitsAgain(newestFirst: readonly HistoryEntry[]): boolean {
  const last = newestFirst.find((entry) => ASKED.includes(entry.eventType ?? '') || endIn(entry));
  return last !== undefined && ASKED.includes(last.eventType ?? '');
}

function endIn({ entryType, eventData }: HistoryEntry): TaskEnd | undefined {
  if (entryType !== 'task_event' || typeof eventData !== 'object' || eventData === null) return undefined;
  return 'newStatus' in eventData ? endOf(eventData.newStatus) : undefined;
}
