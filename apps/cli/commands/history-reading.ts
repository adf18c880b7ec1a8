import type { Command } from 'commander';
import { Option } from 'commander';
import type { Query } from '#libs/client/http-client.js';
import type { History, HistoryEntry, HistoryOverview } from '#libs/client/types.js';
import { followEvents } from '#libs/client/sse-stream.js';
import type { Cli } from '../cli.js';
import { listed, positive } from '../input/numbers.js';
import { parseTime } from '../input/time.js';
import { count } from '../views/format.js';
import { historyLines, nextHistoryLines, type HistoryView } from '../views/history.js';
import { overviewLines } from '../views/overview.js';
import { asOfOption, asOfQuery, followOption, type AsOf } from './as-of.js';

export interface HistoryOptions extends AsOf {
  readonly phase?: string;
  readonly eventTypes?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly text?: string;
  readonly failed?: boolean;
  readonly limit: number;
  readonly all?: boolean;
  readonly reverse?: boolean;
  readonly full?: boolean;
  readonly follow?: boolean;
  readonly overview?: boolean;
}

/** Where a history comes from. */
export interface HistorySource {
  readonly load: (query: Query) => Promise<History>;
  readonly overview?: (query: Query) => Promise<HistoryOverview>;
  readonly streamPath: string;
  /** What the live stream is narrowed to. */
  readonly streamQuery?: Query;
  readonly oneTask?: boolean;
}

const PAGE = 1_000;
const BUCKETS = 60;
const NOTHING = 'nothing happened';
const ENTRY_TYPES = ['task_event', 'chat_message', 'phase_change', 'checkpoint', 'file_change'];
export const PHASES = ['research', 'specify', 'plan', 'execute', 'review'] as const;

/** Adds the options of every command that shows a timeline. */
export function historyOptions(
  command: Command,
  { overview = true }: { readonly overview?: boolean } = {},
): Command {
  command
    .addOption(new Option('--phase <phase>', 'only what happened in this phase').choices(PHASES))
    .option('--from <time>', 'only from then on')
    .option('--to <time>', 'only up to then (of a day: to its end)')
    .option(
      '--event-types <types>',
      `only these: ${ENTRY_TYPES.join(', ')}, or such as task_created, output`,
      listed,
    )
    .option('--text <text>', 'only what contains this text, in any case')
    .option('--failed', 'only what failed')
    .option('-n, --limit <n>', 'the newest n', positive, 100)
    .option('--all', 'all, however many')
    .option('--reverse', 'newest first')
    .option('--full', 'whole texts');
  followOption(asOfOption(command), 'to', 'reverse', 'overview');
  return overview ? command.option('--overview', 'how much happened when, instead of what') : command;
}

export function queryOf(cli: Cli, options: HistoryOptions): Query {
  const { phase, eventTypes, from, to, text, failed } = options;
  return {
    phase,
    event_types: eventTypes,
    from: from === undefined ? undefined : parseTime(from, cli.now),
    to: to === undefined ? undefined : parseTime(to, cli.now, 'end'),
    text,
    failed,
    ...asOfQuery(cli, options),
  };
}

/** Shows a timeline, its overview, or both the timeline and what is added to it. */
export async function showHistory(cli: Cli, source: HistorySource, options: HistoryOptions): Promise<void> {
  const query = queryOf(cli, options);
  if (options.overview && source.overview) {
    const overview = await source.overview({ ...query, buckets: BUCKETS });
    const empty = overview.buckets.length === 0 && NOTHING;
    return cli.show({ json: overview, lines: () => overviewLines(overview, BUCKETS), empty });
  }
  if (options.follow) return followHistory(cli, source, options, query);
  const history = await newest(source, options, query);
  const { entries, cursor } = history;
  if (cursor) cli.afterwards(moreNote(history));
  await cli.show({
    json: history,
    lines: () => historyLines(entries, viewOf(cli, source, options, entries)),
    empty: entries.length === 0 && NOTHING,
  });
}

function moreNote({ entries, totalCount }: History): string {
  const shown = count(entries.length);
  const of = totalCount === undefined ? '' : ` of ${count(totalCount)}`;
  return `the newest ${shown}${of}; --limit <n> or --all shows more`;
}

const viewOf = (
  cli: Cli,
  source: HistorySource,
  { full = false }: HistoryOptions,
  entries: readonly HistoryEntry[],
): HistoryView => ({
  width: cli.width,
  full,
  oneTask: source.oneTask ?? false,
  withoutPhase: entries.length > 0 && entries.every(({ phase }) => phase === ''),
});

/** The newest entries, as many as are wanted; oldest first unless reversed. */
async function newest(
  source: HistorySource,
  { limit, all, reverse }: HistoryOptions,
  query: Query,
): Promise<History> {
  const wanted = all ? Infinity : limit;
  const entries: HistoryEntry[] = [];
  let page: History;
  let cursor: string | undefined;
  do {
    page = await source.load({
      ...query,
      order: 'newest',
      limit: Math.min(PAGE, wanted - entries.length),
      cursor,
    });
    entries.push(...page.entries);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && entries.length < wanted);
  return { ...page, entries: reverse ? entries : entries.reverse() };
}

/**
 * Shows what there is at one position of the log, then everything after it: the stream is opened first, so that nothing
 * is missed and nothing shown twice.
 */
async function followHistory(
  cli: Cli,
  source: HistorySource,
  options: HistoryOptions,
  query: Query,
): Promise<void> {
  let before: HistoryEntry | undefined;
  let view: HistoryView | undefined;
  const print = async (entry: HistoryEntry): Promise<void> => {
    if (cli.format === 'json') await cli.jsonLine(entry);
    else await cli.out.lines(nextHistoryLines(entry, before, view ?? viewOf(cli, source, options, [])));
    before = entry;
  };
  await follow(cli, source.streamPath, source.streamQuery, {
    start: async (position) => {
      const { entries } = await newest(source, { ...options, reverse: false }, { ...query, asOf: position });
      view = viewOf(cli, source, options, entries);
      for (const entry of entries) await print(entry);
    },
    entry: async (entry) => {
      if (matches(entry, options)) await print(entry);
    },
  });
}

export interface Following {
  /** Called once, with the position after which the stream goes on. */
  readonly start: (position: string) => Promise<void>;
  readonly entry: (entry: HistoryEntry) => Promise<void>;
  /** Asked after each of them; without it only Ctrl-C ends it. */
  readonly isOver?: () => boolean;
}

/** Follows a live stream from now on, until it is over or Ctrl-C. */
export async function follow(
  cli: Cli,
  path: string,
  query: Query | undefined,
  { start, entry, isOver = () => false }: Following,
): Promise<void> {
  cli.following = true;
  let started = false;
  const early: HistoryEntry[] = [];
  const events = followEvents(cli.api.http, path, {
    query: query ?? {},
    signal: cli.signal,
    onConnection: (reason) =>
      void cli.note(reason === undefined ? 'connected again' : `${reason}; connecting again …`),
  });
  for await (const { event, data, id } of events) {
    if (event === 'synced' && !started) {
      started = true;
      await start(id);
      for (const one of early.splice(0)) await entry(one);
    } else if (event === 'entry') {
      const one = JSON.parse(data) as HistoryEntry;
      if (started) await entry(one);
      else early.push(one);
    }
    if (isOver()) return;
  }
}

/** The server's filters, for what comes by a live stream. */
export function matches(entry: HistoryEntry, { phase, eventTypes, text, failed }: HistoryOptions): boolean {
  const types = [
    entry.entryType,
    entry.eventType ?? '',
    entry.role ?? '',
    entry.entryType === 'chat_message' ? 'chat' : '',
  ];
  return (
    (phase === undefined || entry.phase === phase) &&
    (failed !== true || entry.failed === true) &&
    (eventTypes === undefined || eventTypes.some((type) => types.includes(type))) &&
    (text === undefined ||
      JSON.stringify(entry).toLowerCase().includes(JSON.stringify(text).slice(1, -1).toLowerCase()))
  );
}
