import type { Command } from 'commander';
import type { Query } from '#libs/client/http-client.js';
import type { HistoryEntry, TaskEvents } from '#libs/client/types.js';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { linesOf, type Line } from '../terminal/styled.js';
import { count } from '../views/format.js';
import { historyLines, nextHistoryLines } from '../views/history.js';
import { asOfOption, asOfQuery, followOption, type AsOf } from './as-of.js';
import { follow } from './history-reading.js';
import { truncatedLines } from '../views/truncated.js';

interface EventsOptions extends AsOf {
  readonly limit: number;
  readonly follow?: boolean;
  readonly full?: boolean;
}

/** How a task's events are read and printed. */
interface Printing {
  readonly load: (query: Query) => Promise<TaskEvents>;
  /** What of the live stream belongs to it. */
  readonly wanted: (entry: HistoryEntry) => boolean;
  readonly all: (entries: readonly HistoryEntry[]) => readonly Line[];
  readonly next: (entry: HistoryEntry, before: HistoryEntry | undefined) => readonly Line[];
  readonly nothing: string;
}

const eventsOptions = (command: Command): Command =>
  followOption(asOfOption(command.option('-n, --limit <n>', 'the newest n', positive, 1_000)));

/** `task output`. */
export const taskOutput = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'output <task>',
    summary: "What a task's agent printed",
    examples: [
      ['makima task output 0190c3d4', 'the newest 1,000 pieces'],
      ['makima task output 0190c3d4 --follow', 'and more as it comes'],
    ],
    options: eventsOptions,
    act: async (id: string, options: EventsOptions) => {
      const taskId = await resolveTask(cli.api, id);
      await showEvents(cli, taskId, options, {
        load: (query) => cli.api.tasks.output(taskId, query),
        wanted: ({ eventType }) => eventType === 'output',
        all: (entries) => entries.flatMap(printed),
        next: printed,
        nothing: 'no output',
      });
    },
  });

const printed = (entry: HistoryEntry): readonly Line[] => {
  const { eventData } = entry;
  const text =
    typeof eventData === 'object' && eventData !== null && 'text' in eventData ? eventData.text : '';
  return [...(typeof text === 'string' ? linesOf(text.replace(/\n$/, '')) : []), ...truncatedLines(entry)];
};

/** `task events`. */
export const taskEvents = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'events <task>',
    summary: "A task's own events: its life, output, rewinds, snapshots",
    examples: [['makima task events 0190c3d4 --limit 20', 'the newest 20']],
    options: (command) => eventsOptions(command).option('--full', 'whole texts'),
    act: async (id: string, options: EventsOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const view = { width: cli.width, full: options.full ?? false, oneTask: true, withoutPhase: true };
      await showEvents(cli, taskId, options, {
        load: (query) => cli.api.tasks.events(taskId, query),
        wanted: ({ entryType }) => entryType === 'task_event',
        all: (entries) => historyLines(entries, view),
        next: (entry, before) => nextHistoryLines(entry, before, view),
        nothing: 'no events',
      });
    },
  });

async function showEvents(
  cli: Cli,
  taskId: string,
  options: EventsOptions,
  printing: Printing,
): Promise<void> {
  if (options.follow) return followEvents(cli, taskId, options, printing);
  const answer = await printing.load({ limit: options.limit, ...asOfQuery(cli, options) });
  const { events, cursor } = answer;
  if (cursor) cli.afterwards(`the newest ${count(events.length)}; --limit <n> shows more`);
  await cli.show({
    json: answer,
    lines: () => printing.all(events),
    empty: events.length === 0 && printing.nothing,
  });
}

async function followEvents(
  cli: Cli,
  taskId: string,
  { limit }: EventsOptions,
  printing: Printing,
): Promise<void> {
  let before: HistoryEntry | undefined;
  const print = async (entry: HistoryEntry): Promise<void> => {
    await (cli.format === 'json' ? cli.jsonLine(entry) : cli.out.lines(printing.next(entry, before)));
    before = entry;
  };
  await follow(cli, cli.api.tasks.streamPath(taskId), undefined, {
    start: async (position) => {
      for (const entry of (await printing.load({ limit, asOf: position })).events) await print(entry);
    },
    entry: async (entry) => (printing.wanted(entry) ? print(entry) : undefined),
  });
}
