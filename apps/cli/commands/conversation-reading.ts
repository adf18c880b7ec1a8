import type { Command } from 'commander';
import type { Query } from '#libs/client/http-client.js';
import { pagesOf } from '#libs/client/pages.js';
import type { HistoryEntry, Paged } from '#libs/client/types.js';
import type { BranchTree, ConversationMessage } from '#libs/client/types-conversation.js';
import type { Cli } from '../cli.js';
import { natural, positive } from '../input/numbers.js';
import { indented, line, span, wrapLine, type Line } from '../terminal/styled.js';
import { chatLines, chatView, messageLines, type ChatView, type Marker } from '../views/conversation.js';
import { conversationHead, cutMarker, cutsOf, messageTable, type Cut } from '../views/conversation-table.js';
import { whatLine } from '../views/history.js';
import { asOfOption, asOfQuery, followOption, type AsOf } from './as-of.js';
import { follow } from './history-reading.js';

export interface ConversationOptions extends AsOf {
  readonly toolCalls: boolean;
  readonly toolResults: boolean;
  readonly limit?: number;
  readonly branch?: number;
  readonly full?: boolean;
  readonly withRewound?: boolean;
  readonly follow?: boolean;
}

/** What every conversation has, a task's and a supervisor's. */
export interface Conversation extends Paged {
  readonly taskName?: string;
  readonly status?: string;
  readonly messages: readonly ConversationMessage[];
  readonly totalCount?: number;
  readonly totalTokens?: number | null;
  readonly totalCost?: number | null;
  readonly branch?: number;
}

/** Where a conversation comes from, and what it is called on the command line. */
export interface ConversationSource<Answer extends Conversation> {
  readonly load: (query: Query) => Promise<Answer>;
  readonly branches: (query: Query) => Promise<BranchTree>;
  readonly streamPath: () => Promise<string>;
  /** Command that shows it, such as `makima task history 0190…`. */
  readonly command: string;
  /** Command that undoes a rewind of it. */
  readonly undo: string;
  /** Lines below it, such as the tasks that a supervisor spawned. */
  readonly below?: (answer: Answer) => readonly Line[];
}

const PAGE = 1_000;

/** Adds the options of every command that shows a conversation. */
export const conversationOptions = (command: Command): Command =>
  followOption(asOfOption(contentOptions(command)), 'branch');

const contentOptions = (command: Command): Command =>
  command
    .option('-n, --limit <n>', 'the newest n messages, instead of all', positive)
    .option('--tool-calls', 'with tool calls and their results', true)
    .option('--no-tool-calls', 'without tool calls and their results')
    .option('--no-tool-results', 'without the results of tool calls')
    .option('--branch <n>', 'another branch, also one that a rewind left', natural)
    .option('--with-rewound', 'also what rewinds have hidden, marked')
    .option('--full', 'whole tool results and thinking');

/** Shows a conversation: as a chat, a table or JSON. */
export async function showConversation<Answer extends Conversation>(
  cli: Cli,
  source: ConversationSource<Answer>,
  options: ConversationOptions,
): Promise<void> {
  if (options.follow) return followConversation(cli, source, options);
  const answer = await wanted(source, options, queryOf(cli, options));
  if (cli.format === 'json') return cli.json(answer);
  const lines = await linesOfConversation(cli, source, options, answer);
  await cli.show({ json: answer, lines: () => [...lines, ...(source.below?.(answer) ?? [])] });
}

function queryOf(cli: Cli, options: ConversationOptions): Query {
  const { toolCalls, toolResults, branch } = options;
  return {
    include_tool_calls: toolCalls,
    include_tool_results: toolCalls && toolResults,
    branch,
    ...asOfQuery(cli, options),
  };
}

/** As many messages as are wanted, oldest first. */
async function wanted<Answer extends Conversation>(
  { load }: ConversationSource<Answer>,
  { limit }: Pick<ConversationOptions, 'limit'>,
  query: Query,
): Promise<Answer> {
  const messages: ConversationMessage[] = [];
  const most = limit ?? Infinity;
  const order = limit === undefined ? 'oldest' : 'newest';
  let page: Answer;
  let cursor: string | undefined;
  do {
    page = await load({ ...query, order, limit: Math.min(PAGE, most - messages.length), cursor });
    messages.push(...page.messages);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && messages.length < most);
  return { ...page, messages: order === 'newest' ? messages.reverse() : messages };
}

async function linesOfConversation<Answer extends Conversation>(
  cli: Cli,
  source: ConversationSource<Answer>,
  options: ConversationOptions,
  answer: Answer,
): Promise<readonly Line[]> {
  const { messages } = answer;
  const view = chatView(messages, cli.width, options.full ?? false);
  if (cli.format === 'table') return messageTable(messages, view);
  const markers = options.branch === undefined ? await markersOf(cli, source, options, answer, view) : [];
  return [
    ...conversationHead({ ...answer, name: answer.taskName ?? '', shown: messages.length }).flatMap((one) =>
      wrapLine(one, cli.width),
    ),
    ...(options.branch === undefined ? [] : [line(span(`branch ${options.branch}`, 'yellow')), []]),
    ...chatLines(messages, view, markers),
  ];
}

async function markersOf<Answer extends Conversation>(
  cli: Cli,
  source: ConversationSource<Answer>,
  options: ConversationOptions,
  answer: Answer,
  view: ChatView,
): Promise<readonly Marker[]> {
  const { asOf } = queryOf(cli, options);
  const { branches, current } = await source.branches({ asOf });
  const whole = options.toolCalls && options.toolResults;
  const before = Math.max(0, (answer.totalCount ?? answer.messages.length) - answer.messages.length);
  // Without results the messages cannot be counted off.
  const cuts = whole ? cutsOf(branches, answer.branch ?? current).filter(({ kept }) => kept >= before) : [];
  return Promise.all(
    cuts.map(async (cut) => {
      const commands = {
        see: `${source.command} --branch ${cut.hiddenIn}`,
        undo: `${source.undo} --branch ${cut.branch.branch}`,
      };
      const marker = cutMarker(cut, before, commands);
      return options.withRewound
        ? { ...marker, lines: [...marker.lines, ...(await hiddenLines(source, cut, asOf, view))] }
        : marker;
    }),
  );
}

async function hiddenLines<Answer extends Conversation>(
  source: ConversationSource<Answer>,
  { hiddenIn, kept, branch }: Cut,
  asOf: Query[string],
  view: ChatView,
): Promise<readonly Line[]> {
  const { messages } = await wanted(source, {}, { branch: hiddenIn, asOf });
  const hidden = messages.slice(kept, kept + branch.hiddenMessages);
  return indented(chatLines(hidden, { ...view, width: view.width - 2 }), span('┊ ', 'yellow'));
}

/** Shows a conversation as it stands, then each message as it comes. */
async function followConversation<Answer extends Conversation>(
  cli: Cli,
  source: ConversationSource<Answer>,
  options: ConversationOptions,
): Promise<void> {
  const query = queryOf(cli, options);
  const shown = new ShownMessages();
  await follow(cli, await source.streamPath(), undefined, {
    start: async (position) => {
      const at = { ...query, asOf: position };
      shown.add((await wanted(source, { limit: LOOK_BACK }, at)).messages);
      const answer = await wanted(source, options, at);
      if (cli.format === 'json') for (const message of answer.messages) await cli.jsonLine(message);
      else await cli.out.lines(await linesOfConversation(cli, source, options, answer));
    },
    entry: async (entry) => {
      if (entry.entryType === 'chat_message' && !shown.has(entry)) {
        const fresh = await unseen(source, { ...query, minPosition: entry.position }, shown);
        shown.add(fresh);
        await printMessages(cli, fresh, options.full ?? false);
      } else if (movesHead(entry) && cli.format !== 'json') {
        await cli.out.lines([line(span('↶ ', 'yellow'), ...whatLine(entry, 200)), []]);
      }
    },
  });
}

/** Which messages were there, or have been shown since. */
export class ShownMessages {
  readonly #ids = new Set<string>();
  /** Numbers are a task's own: a fork's begin anew, behind those that it took over. */
  readonly #lastSeq = new Map<string, number>();

  add(messages: readonly ConversationMessage[]): void {
    for (const { id, taskId = '', seq = 0 } of messages) {
      this.#ids.add(id);
      this.#lastSeq.set(taskId, Math.max(this.#lastSeq.get(taskId) ?? 0, seq));
    }
  }

  /** Whether the message that an entry of a timeline stands for is among them. */
  has({ taskId, seq = Infinity }: HistoryEntry): boolean {
    return seq <= (this.#lastSeq.get(taskId ?? '') ?? 0);
  }

  hasId(id: string): boolean {
    return this.#ids.has(id);
  }
}

/** Messages that are looked at to tell new ones from those that were there. */
export const LOOK_BACK = 200;

/** The newest messages, back to the first one that has been seen. */
export async function unseen<Answer extends Conversation>(
  { load }: Pick<ConversationSource<Answer>, 'load'>,
  query: Query,
  shown: ShownMessages,
): Promise<readonly ConversationMessage[]> {
  const fresh: ConversationMessage[] = [];
  for await (const { messages } of pagesOf((cursor) =>
    load({ ...query, order: 'newest', limit: LOOK_BACK, cursor }),
  )) {
    const known = messages.findIndex(({ id }) => shown.hasId(id));
    fresh.push(...(known === -1 ? messages : messages.slice(0, known)));
    if (known !== -1) break;
  }
  return fresh.reverse();
}

const movesHead = ({ eventType }: HistoryEntry): boolean =>
  eventType === 'conversation_rewound' || eventType === 'rewind_undone';

async function printMessages(
  cli: Cli,
  messages: readonly ConversationMessage[],
  full: boolean,
): Promise<void> {
  const view = chatView(messages, cli.width, full);
  for (const message of messages) {
    if (cli.format === 'json') await cli.jsonLine(message);
    else if (cli.format === 'table') await cli.out.lines(messageTable([message], view).slice(1));
    else await cli.out.lines([...messageLines(message, new Map(), view), []]);
  }
}
