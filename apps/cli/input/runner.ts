import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { MakimaApi } from '#libs/client/makima-api.js';
import type { RunnerChoice, StartRequest } from '#libs/client/types-daemon.js';
import { UsageError } from '../usage-error.js';
import { resolveDaemon } from './ids.js';
import { speed } from './numbers.js';

export interface RunnerOptions {
  readonly runner?: RunnerChoice['name'];
  readonly command?: string;
  readonly recording?: string;
  readonly speed?: number;
  readonly model?: string;
  readonly prompt?: string;
  readonly daemon?: string;
}

export const RUNNER_NOTES = `A program and its arguments may follow after --; --command takes one line for a shell instead. Without a runner the task's
former one is used, or else the daemon's own choice.`;

/** Adds what says which program the agent is, and where it runs. */
export const runnerOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--runner <runner>', 'what the agent is').choices(['command', 'claude', 'codex', 'replay']),
    )
    .option('--command <line>', 'a command line, for sh')
    .option('--recording <file>', "for replay: a recorded transcript on the daemon's machine")
    .option('--speed <factor>', 'for replay: 1 as it was recorded, 10 ten times as fast, 0 at once', speed)
    .option('--model <model>', 'for claude and codex')
    .option('--prompt <text>', "what the agent is asked, instead of the task's plan")
    .option('--daemon <id>', 'the daemon that is to run it (otherwise any)');

/** What is asked of the server; of the runner nothing, where nothing was said of it. */
export async function startRequest(
  api: MakimaApi,
  options: RunnerOptions,
  program: readonly string[],
): Promise<StartRequest> {
  const { prompt, daemon } = options;
  const runner = runnerChoice(options, program);
  return {
    ...(runner ? { runner } : {}),
    ...(prompt === undefined ? {} : { prompt }),
    ...(daemon === undefined ? {} : { targetDaemonId: await resolveDaemon(api, daemon) }),
  };
}

/** @throws UsageError where what was said does not go together. */
export function runnerChoice(options: RunnerOptions, program: readonly string[]): RunnerChoice | undefined {
  const { command, recording, model } = options;
  if (command !== undefined && program.length > 0)
    throw new UsageError('say either --command or a program after --, not both');
  const line = command === undefined ? program : ['sh', '-c', command];
  const name =
    options.runner ?? (line.length > 0 ? 'command' : recording === undefined ? undefined : 'replay');
  refuseStrays(name, {
    'a program': line.length > 0,
    '--recording': recording !== undefined,
    '--speed': options.speed !== undefined,
    '--model': model !== undefined,
  });
  switch (name) {
    case undefined:
      return undefined;
    case 'command':
      if (line.length === 0)
        throw new UsageError('which program?', ['say --command "<line>", or the program after --']);
      return { name, command: line };
    case 'replay':
      if (recording === undefined) throw new UsageError('which recording?', ['say --recording <file>']);
      return {
        name,
        recording: resolve(recording),
        ...(options.speed === undefined ? {} : { speed: options.speed }),
      };
    default:
      return { name, ...(model === undefined ? {} : { model }) };
  }
}

const TAKES: Readonly<Record<RunnerChoice['name'], readonly string[]>> = {
  command: ['a program'],
  replay: ['--recording', '--speed'],
  claude: ['--model'],
  codex: ['--model'],
};

function refuseStrays(name: RunnerChoice['name'] | undefined, said: Readonly<Record<string, boolean>>): void {
  const stray = Object.keys(said).find((what) => said[what] && !(name && TAKES[name].includes(what)));
  if (stray !== undefined)
    throw new UsageError(`${stray} means nothing ${name ? `for runner ${name}` : 'without --runner'}`);
}
