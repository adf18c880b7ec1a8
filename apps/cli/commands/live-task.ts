import type { HistoryEntry } from '#libs/client/types.js';
import type { Cli } from '../cli.js';
import { line, linesOf, span, wrapLine, type Line } from '../terminal/styled.js';
import { chatView, messageLines } from '../views/conversation.js';
import { partsOf } from '../views/format.js';
import { kindOf, whatLine } from '../views/history.js';
import { LOOK_BACK, ShownMessages, unseen } from './conversation-reading.js';

/** Entries that say nothing to somebody who watches. */
const QUIET: readonly string[] = ['agent_line', 'snapshot'];
const MOST_TEXT = 240;

/** Prints what happens in a task, as it comes. */
export class LiveTask {
  readonly #shown = new ShownMessages();

  constructor(
    private readonly cli: Cli,
    private readonly taskId: string,
  ) {}

  /** Notes which messages are there at a position of the log. */
  async begin(position: string): Promise<void> {
    const page = await this.#load({ order: 'newest', limit: LOOK_BACK, asOf: position });
    this.#shown.add(page.messages);
  }

  /** Prints something that came. */
  async next(entry: HistoryEntry): Promise<void> {
    if (this.cli.format === 'json' || entry.entryType !== 'chat_message') return this.show(entry);
    // It came with the one before it.
    if (this.#shown.has(entry)) return;
    const fresh = await unseen({ load: this.#load }, { minPosition: entry.position }, this.#shown);
    this.#shown.add(fresh);
    const view = chatView(fresh, this.cli.width, false);
    for (const message of fresh) await this.#print([...messageLines(message, new Map(), view), []]);
  }

  /** Prints an entry on its own, a message by its beginning. */
  async show(entry: HistoryEntry): Promise<void> {
    if (this.cli.format === 'json') return this.cli.jsonLine(entry);
    if (!QUIET.includes(entry.eventType ?? '') && !isToldByCall(entry))
      await this.#print(linesOfEntry(entry));
  }

  #print(lines: readonly Line[]): Promise<void> {
    return this.cli.out.lines(lines.flatMap((one) => wrapLine(one, this.cli.width)));
  }

  readonly #load = (query: Parameters<Cli['api']['tasks']['conversation']>[1]) =>
    this.cli.api.tasks.conversation(this.taskId, query);
}

/** A tool call has been shown with the file that it changes. */
const isToldByCall = ({ entryType, toolName }: HistoryEntry): boolean =>
  entryType === 'file_change' && toolName !== undefined;

function linesOfEntry(entry: HistoryEntry): readonly Line[] {
  const { eventType, eventData, entryType, failed, timestamp } = entry;
  if (eventType === 'output') return outputLines(eventData);
  const { icon, style } = kindOf(entryType);
  const time = span(`${partsOf(timestamp)?.time ?? ''} `, 'dim');
  return [line(time, span(icon, failed ? 'red' : style), ' ', ...whatLine(entry, MOST_TEXT))];
}

function outputLines(data: unknown): readonly Line[] {
  const { text, channel } = (typeof data === 'object' && data !== null ? data : {}) as Output;
  const mark = channel === 'stderr' ? span('! ', 'red') : span('│ ', 'dim');
  return typeof text === 'string' ? linesOf(text.replace(/\n$/, '')).map((one) => line(mark, ...one)) : [];
}

interface Output {
  readonly text?: unknown;
  readonly channel?: unknown;
}
