import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveContract, resolveTask } from '../input/ids.js';
import { TIME_FORMS } from '../input/time.js';
import { historyOptions, showHistory, type HistoryOptions } from './history-reading.js';

interface TimelineOptions extends HistoryOptions {
  readonly contract?: string;
  readonly task?: string;
  readonly includeSubtasks?: boolean;
}

/** `makima timeline` (SPEC §2.5). */
export const timelineCommand = (program: Command, cli: Cli): Command =>
  leaf(program, {
    name: 'timeline',
    summary: 'Everything that happened: in all contracts, in one, or in a task',
    notes: TIME_FORMS,
    examples: [
      ['makima timeline', 'the newest 100 entries'],
      ['makima timeline --task 0190c3d4 --include-subtasks --all', 'a task with those that it spawned'],
      ['makima timeline --from yesterday --failed', 'what went wrong since yesterday'],
      ['makima timeline --overview --contract 0190a1b2', 'how much happened when'],
      ['makima timeline --follow', 'and each entry as it comes'],
    ],
    options: (command) =>
      historyOptions(
        command
          .option('--contract <id>', 'only this contract')
          .option('--task <id>', 'only this task')
          .option('--include-subtasks', 'with --task: also the tasks that it spawned, and theirs'),
      ),
    act: async (options: TimelineOptions) => {
      const { api } = cli;
      const scope = {
        contract_id:
          options.contract === undefined ? undefined : await resolveContract(api, options.contract),
        task_id: options.task === undefined ? undefined : await resolveTask(api, options.task),
        include_subtasks: options.includeSubtasks,
      };
      await showHistory(
        cli,
        {
          load: (query) => api.timeline.list({ ...query, ...scope }),
          overview: (query) => api.timeline.overview({ ...query, ...scope }),
          streamPath: api.timeline.streamPath,
          streamQuery: scope,
          oneTask: options.task !== undefined && !options.includeSubtasks,
        },
        options,
      );
    },
  });
