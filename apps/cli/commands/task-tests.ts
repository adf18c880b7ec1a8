import { Option, type Command } from 'commander';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { UsageError } from '../usage-error.js';
import { done } from '../views/format.js';

interface TestsOptions {
  readonly passed?: boolean;
  readonly failed?: boolean;
  readonly message?: string;
}

/** `task tests`: what `task rewind --last-green` goes by. */
export const reportTests = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'tests <task>',
    summary: "Say how a task's tests came out, on its folder as it is now",
    notes:
      'A checkpoint of the folder is taken to say it of; where no daemon has one, it is said of the newest.',
    examples: [
      ['npm test && makima task tests . --passed || makima task tests . --failed', "in a task's folder"],
      ['makima task rewind 0190c3d4 --last-green', 'go back to where they passed last'],
    ],
    options: (command) =>
      command
        .addOption(new Option('--passed', 'they passed').conflicts('failed'))
        .option('--failed', 'they failed')
        .option('--message <text>', 'what was run, or what it said'),
    act: async (id: string, { passed, failed, message }: TestsOptions) => {
      if (!passed && !failed) throw new UsageError('how did they come out?', ['add --passed or --failed']);
      const taskId = await resolveTask(cli.api, id);
      const report = { passed: passed === true, ...(message === undefined ? {} : { summary: message }) };
      const answer = await cli.api.runs.reportTests(taskId, report);
      if (answer.passed) cli.afterwards(`come back here with: makima task rewind ${taskId} --last-green`);
      await cli.show({
        json: answer,
        lines: () => [done(`tests ${answer.passed ? 'passed' : 'failed'} in task ${taskId}`)],
      });
    },
  });
