import type { Command } from 'commander';
import type { Task } from '#libs/client/types.js';
import type { RunAsked, StartRequest } from '#libs/client/types-daemon.js';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { RUNNER_NOTES, runnerOptions, startRequest, type RunnerOptions } from '../input/runner.js';
import { line, span } from '../terminal/styled.js';
import { done, oneLine } from '../views/format.js';
import { newTaskOptions, newTaskRequest, type NewTaskOptions } from './task-create.js';
import { followRun } from './task-follow.js';

interface Followed {
  readonly follow?: boolean;
}

const runOptions = (command: Command): Command =>
  runnerOptions(command).option(
    '-f, --follow',
    'then watch it until it ends; the exit code is by how it ends',
  );

/** `task run`. */
export const runTask = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'run [program...]',
    summary: 'Create a task and let an agent run in it',
    notes: RUNNER_NOTES,
    examples: [
      [
        'makima task run --name "Fix the login" --plan "Find out why it fails" --runner claude',
        "the task's plan is what the agent is asked",
      ],
      ['makima task run --name Tests --follow -- npm test', 'any program; watched until it ends'],
      [
        'makima task run --name Again --recording session.jsonl --speed 10',
        'a recorded session, its edits made again',
      ],
    ],
    options: (command) => runOptions(newTaskOptions(command)),
    act: async (program: string[], options: NewTaskOptions & RunnerOptions & Followed) => {
      // What cannot be started is not created either.
      const start = await startRequest(cli.api, options, program);
      const task = await cli.api.tasks.create(await newTaskRequest(cli, options));
      await startAndTell(cli, task, start, options);
    },
  });

/** `task start`. */
export const startTask = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'start <task> [program...]',
    summary: 'Let an agent run in a task that there is',
    notes: RUNNER_NOTES,
    examples: [
      ['makima task start 0190c3d4', 'the runner that it had before'],
      [
        'makima task start 0190c3d4 --prompt "Now the tests" --follow',
        'another question; watched until it ends',
      ],
      ['makima task start 0190c3d4 -- make check', 'another program'],
    ],
    options: runOptions,
    act: async (id: string, program: string[], options: RunnerOptions & Followed) => {
      const { api } = cli;
      const task = await api.tasks.show(await resolveTask(api, id));
      await startAndTell(cli, task, await startRequest(api, options, program), options);
    },
  });

/** Asks for a task to be started, and says so or follows it. */
export async function startAndTell(
  cli: Cli,
  task: Task,
  request: StartRequest,
  { follow = false }: Followed,
): Promise<void> {
  const start = (): Promise<RunAsked> => cli.api.runs.start(task.id, request);
  if (follow) return followRun(cli, task, async () => void (await start()));
  const asked = await start();
  cli.afterwards(...(await nobodyThere(cli)), `watch it with: makima task follow ${task.id}`);
  await cli.show({
    json: { task, start: asked },
    lines: () => [done(`task ${task.id} waits for a daemon to run it`)],
  });
}

async function nobodyThere(cli: Cli): Promise<readonly string[]> {
  const { daemons } = await cli.api.daemons.list();
  return daemons.some(({ status }) => status === 'connected')
    ? []
    : ['no daemon is connected; start one with: makima daemon start'];
}

interface StopOptions {
  readonly cancel?: boolean;
  readonly reason?: string;
}

/** `task stop`. */
export const stopTask = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'stop <task>',
    summary: "Stop a task's agent; its folder and all that it did are kept",
    examples: [
      ['makima task stop 0190c3d4', 'it is paused: makima task resume goes on with it'],
      ['makima task stop 0190c3d4 --cancel --reason "not needed"', 'it is over'],
    ],
    options: (command) =>
      command
        .option('--cancel', 'nobody is to go on with it')
        .option('--reason <text>', 'why, for whoever reads the history later'),
    act: async (id: string, { cancel, reason }: StopOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const answer = await cli.api.runs.stop(taskId, {
        ...(cancel ? { status: 'cancelled' } : {}),
        ...(reason === undefined ? {} : { reason }),
      });
      cli.afterwards(`go on with: makima task resume ${taskId}`);
      await cli.show({
        json: answer,
        lines: () => [done(`task ${taskId} is ${answer.status}`)],
      });
    },
  });

/** `task checkpoint`. */
export const askForCheckpoint = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'checkpoint <task>',
    summary: "Take a checkpoint of a task's folder as it is now",
    notes:
      'The daemon that has the folder takes it, whether the agent runs or not. Where nothing has changed, the newest one answers.',
    examples: [
      [
        'makima task checkpoint 0190c3d4 --message "before the big change"',
        'see it with: makima task checkpoints 0190c3d4',
      ],
    ],
    options: (command) => command.option('--message <text>', 'what it is for'),
    act: async (id: string, { message }: { readonly message?: string }) => {
      const taskId = await resolveTask(cli.api, id);
      const answer = await cli.api.runs.checkpoint(taskId, message === undefined ? {} : { message });
      const { checkpoint, detail } = answer;
      cli.afterwards(
        checkpoint
          ? `see what is in it with: makima task checkpoint-diff ${taskId} ${checkpoint.checkpointNumber}`
          : `see it, when it is there, with: makima task checkpoints ${taskId}`,
      );
      await cli.show({
        json: answer,
        lines: () =>
          checkpoint
            ? [done(`checkpoint ${checkpoint.checkpointNumber}: ${oneLine(checkpoint.message, 120)}`)]
            : [line(span('… ', 'yellow'), detail)],
      });
    },
  });
