import type { FileChange, HistoryEntry } from '#libs/client/types.js';
import { tableLines, type Cell, type Column, type Row } from '../terminal/table.js';
import { line, span, type Line, type Span, type Style } from '../terminal/styled.js';
import { count, counted, dayHeading, localTime, oneLine, partsOf } from './format.js';
import { filesIn } from './truncated.js';

interface Kind {
  readonly icon: string;
  readonly name: string;
  readonly style: Style;
}

const KINDS: Readonly<Record<string, Kind>> = {
  task_event: { icon: '▸', name: 'task', style: 'blue' },
  chat_message: { icon: '»', name: 'chat', style: 'cyan' },
  phase_change: { icon: '◆', name: 'phase', style: 'magenta' },
  checkpoint: { icon: '●', name: 'checkpoint', style: 'green' },
  file_change: { icon: '±', name: 'file', style: 'yellow' },
};

/** How a kind of entry looks. */
export const kindOf = (entryType: string): Kind =>
  KINDS[entryType] ?? { icon: '·', name: entryType, style: 'dim' };

const MOST_TEXT = 240;

export interface HistoryView {
  /** Columns of the terminal; Infinity in pipes. */
  readonly width: number;
  /** Whether texts are shown whole. */
  readonly full: boolean;
  /** Set where all entries are of one task. */
  readonly oneTask?: boolean;
  /** Set where no entry has a phase, being of no contract. */
  readonly withoutPhase?: boolean;
}

/** A timeline as a table. On a terminal each day has a heading; in pipes each line has its whole time. */
export function historyLines(entries: readonly HistoryEntry[], view: HistoryView): readonly Line[] {
  const rows: Row[] = [];
  let day: string | undefined;
  for (const entry of entries) {
    rows.push(...headed(entry, day, view), cellsOf(entry, view));
    day = dayHeading(entry.timestamp);
  }
  return tableLines(columnsOf(view), rows, view.width);
}

/** The lines of an entry that follows another one, in columns that fit below it. */
export function nextHistoryLines(
  entry: HistoryEntry,
  before: HistoryEntry | undefined,
  view: HistoryView,
): readonly Line[] {
  const rows = [...headed(entry, before && dayHeading(before.timestamp), view), cellsOf(entry, view)];
  // Without the line of column heads.
  return tableLines(columnsOf(view, true), rows, view.width, false);
}

const onTerminal = ({ width }: HistoryView): boolean => Number.isFinite(width);

function headed(entry: HistoryEntry, dayBefore: string | undefined, view: HistoryView): readonly Row[] {
  const heading = onTerminal(view) ? dayHeading(entry.timestamp) : undefined;
  return heading === undefined || heading === dayBefore ? [] : [{ heading: line(span(heading, 'bold')) }];
}

function columnsOf(view: HistoryView, following = false): readonly Column[] {
  const least = following && onTerminal(view);
  return [
    { head: 'time' },
    ...(view.withoutPhase ? [] : [{ head: 'phase', least: least ? 8 : 0 }]),
    { head: onTerminal(view) ? '' : 'kind' },
    ...(view.oneTask ? [] : [{ head: 'task', narrow: 'cut' as const, least: least ? 24 : 0 }]),
    { head: 'what', narrow: 'wrap' },
  ];
}

function cellsOf(entry: HistoryEntry, view: HistoryView): readonly Cell[] {
  const { icon, name, style } = kindOf(entry.entryType);
  const terminal = onTerminal(view);
  return [
    terminal ? (partsOf(entry.timestamp)?.time ?? entry.timestamp) : localTime(entry.timestamp),
    ...(view.withoutPhase ? [] : [span(entry.phase, 'dim')]),
    terminal ? span(icon, entry.failed ? 'red' : style) : span(name, style),
    ...(view.oneTask ? [] : [oneLine(entry.taskName ?? '', 40)]),
    whatLine(entry, view.full ? Infinity : MOST_TEXT),
  ];
}

/** What happened, on one line. */
export function whatLine(entry: HistoryEntry, most: number): Line {
  const failed = entry.failed ? [span('✗ ', 'red')] : [];
  switch (entry.entryType) {
    case 'chat_message':
      return line(
        ...failed,
        roleSpan(entry),
        ' ',
        oneLine(entry.content ?? '', most) || span('(calls tools)', 'dim'),
      );
    case 'phase_change':
      return line(...failed, phaseText(entry));
    case 'checkpoint':
      return line(...failed, ...checkpointParts(entry, most));
    case 'file_change':
      return line(...failed, ...filesParts(entry, most));
    case 'task_event':
      return line(...failed, ...eventParts(entry, most));
  }
}

const ROLE_STYLES: Readonly<Record<string, Style>> = {
  user: 'green',
  assistant: 'cyan',
  system: 'dim',
  tool: 'magenta',
};

export const roleStyle = (role: string): Style => ROLE_STYLES[role] ?? 'bold';

const roleSpan = ({ role = '', toolName }: HistoryEntry): Span => {
  const text = role === 'tool' && toolName ? oneLine(toolName, 40) : role;
  return span(`${text}:`, roleStyle(role));
};

function phaseText({
  eventType,
  previousPhase,
  newPhase,
  previousStatus,
  newStatus,
  name,
}: HistoryEntry): string {
  if (eventType === 'contract_created') return `contract created in ${newPhase ?? 'no phase'}: ${name ?? ''}`;
  if (eventType === 'contract_status') return `contract ${previousStatus ?? ''} → ${newStatus ?? ''}`;
  return previousPhase ? `${previousPhase} → ${newPhase ?? ''}` : (newPhase ?? '');
}

function checkpointParts(entry: HistoryEntry, most: number): readonly (Span | string)[] {
  const files = filesIn(entry);
  return [
    span(`#${entry.checkpointNumber ?? '?'}`, 'bold'),
    ' ',
    span((entry.commitSha ?? '').slice(0, 10), 'yellow'),
    ` ${oneLine(entry.message ?? '', most)}`,
    span(files > 0 ? ` (${counted(files, 'file')})` : '', 'dim'),
  ];
}

const ACTIONS: Readonly<Record<string, Style>> = { A: 'green', M: 'yellow', D: 'red' };
const FILES_SHOWN = 4;

function filesParts(entry: HistoryEntry, most: number): readonly (Span | string)[] {
  const files = entry.filesChanged ?? [];
  const shown = Number.isFinite(most) ? files.slice(0, FILES_SHOWN) : files;
  const parts = shown.flatMap((file, index): (Span | string)[] => [
    index > 0 ? ', ' : '',
    ...fileParts(file),
  ]);
  const more = filesIn(entry) - shown.length;
  return more > 0 ? [...parts, span(`, and ${count(more)} more`, 'dim')] : parts;
}

/** `M src/a.ts +3 −1`. */
export function fileParts({
  path,
  action,
  linesAdded,
  linesRemoved,
}: FileChange): readonly (Span | string)[] {
  const letter = action.charAt(0).toUpperCase();
  const style = ACTIONS[letter];
  return [
    style ? span(letter, style) : span(letter),
    ` ${path}`,
    linesAdded ? span(` +${count(linesAdded)}`, 'green') : '',
    linesRemoved ? span(` −${count(linesRemoved)}`, 'red') : '',
  ];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function eventParts({ eventType = '', eventData }: HistoryEntry, most: number): readonly (Span | string)[] {
  const data = isRecord(eventData) ? eventData : {};
  const name = span(eventType.replaceAll('_', ' '), 'bold');
  const details = detailsOf(eventType, data);
  return details === '' ? [name] : [name, ` ${oneLine(details, most)}`];
}

const shortId = (value: unknown): string => text(value).slice(0, 8);

/** What else is said of events that have no such fields as others. */
const TOLD: Readonly<Record<string, (data: Readonly<Record<string, unknown>>) => string>> = {
  task_leased: ({ daemonId, epoch }) => `by daemon ${shortId(daemonId)}, epoch ${String(epoch)}`,
  task_lease_ended: ({ end, reason }) => [text(end), text(reason)].filter(Boolean).join(': '),
  checkpoint_requested: ({ message }) => text(message),
  rewind_requested: ({ rewindId, reason }) => [shortId(rewindId), text(reason)].filter(Boolean).join(': '),
  rewind_committed: ({ rewindId }) => shortId(rewindId),
  rewind_completed: ({ rewindId }) => shortId(rewindId),
  rewind_aborted: ({ rewindId, reason }) => `${shortId(rewindId)}: ${text(reason)}`,
  rewind_failed: ({ rewindId, reason }) => `${shortId(rewindId)}: ${text(reason)}`,
};

function detailsOf(eventType: string, data: Readonly<Record<string, unknown>>): string {
  const {
    previousStatus,
    newStatus,
    reason,
    channel,
    name,
    hiddenMessages,
    lineType,
    messageCount,
    taskIds,
  } = data;
  if (newStatus !== undefined) {
    return `${text(previousStatus)} → ${text(newStatus)}${text(reason) === '' ? '' : `: ${text(reason)}`}`;
  }
  if (eventType === 'output') return `${text(channel)}: ${text(data['text'])}`;
  if (eventType === 'conversation_rewound' || eventType === 'rewind_undone') {
    const why = text(reason) === '' ? '' : `: ${text(reason)}`;
    return typeof hiddenMessages === 'number'
      ? `${count(hiddenMessages)} messages hidden${why}`
      : text(reason);
  }
  if (eventType === 'agent_line') return text(lineType);
  const told = TOLD[eventType]?.(data);
  if (told !== undefined) return told;
  if (typeof messageCount === 'number') return `${count(messageCount)} messages`;
  if (Array.isArray(taskIds)) return `${taskIds.length} tasks`;
  return text(name);
}
