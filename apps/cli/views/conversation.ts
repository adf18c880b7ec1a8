import type { ConversationMessage, ToolCall } from '#libs/client/types-conversation.js';
import { cutToWidth, displayWidth } from '../terminal/display-width.js';
import {
  cutLine,
  line,
  linesOf,
  span,
  wrapLine,
  type Line,
  type Span,
  type Style,
} from '../terminal/styled.js';
import { bytes, count, counted, dollars, idShortener, localTime, oneLine } from './format.js';
import { roleStyle } from './history.js';
import { exitCodeIn, targetOf } from './tool-call.js';

export interface ChatView {
  /** Columns of the terminal; Infinity in pipes. */
  readonly width: number;
  /** Whether tool results and thinking are shown whole. */
  readonly full: boolean;
  /** How message ids are shown. */
  readonly idOf: (id: string) => string;
}

/** Something that stands between two messages. */
export interface Marker {
  /** Number of messages before it. */
  readonly after: number;
  readonly lines: readonly Line[];
}

const RESULT_LINES = 6;
const TARGET_WIDTH = 160;
/** Columns of a result's line at most, where nothing else limits them: some files are one line. */
const MOST_RESULT = 400;

export const chatView = (
  messages: readonly ConversationMessage[],
  width: number,
  full: boolean,
): ChatView => ({
  width,
  full,
  idOf: idShortener(
    messages.map(({ id }) => id),
    !Number.isFinite(width),
  ),
});

/** A conversation to read: who said what when; each tool call on one line, with its result under it. */
export function chatLines(
  messages: readonly ConversationMessage[],
  view: ChatView,
  markers: readonly Marker[] = [],
): readonly Line[] {
  const results = resultsByCall(messages);
  const attached = new Set([...results.values()].map(({ id }) => id));
  const lines: Line[] = [];
  messages.forEach((message, index) => {
    for (const marker of markers) if (marker.after === index) lines.push(...marker.lines, []);
    if (!attached.has(message.id)) lines.push(...messageLines(message, results, view), []);
  });
  for (const marker of markers) if (marker.after >= messages.length) lines.push(...marker.lines, []);
  return lines.flatMap((one) => wrapLine(one, view.width));
}

/** Results that stand under the call which they answer. */
function resultsByCall(messages: readonly ConversationMessage[]): ReadonlyMap<string, ConversationMessage> {
  const called = new Set<string>();
  const results = new Map<string, ConversationMessage>();
  for (const message of messages) {
    for (const { id } of message.toolCalls ?? []) called.add(id);
    const { toolCallId } = message;
    const answers = message.role === 'tool' && toolCallId !== undefined && called.has(toolCallId);
    if (answers && !results.has(toolCallId)) results.set(toolCallId, message);
  }
  return results;
}

export function messageLines(
  message: ConversationMessage,
  results: ReadonlyMap<string, ConversationMessage>,
  view: ChatView,
): readonly Line[] {
  const { content, toolCalls = [], attachments = [], origin } = message;
  const looks: readonly Style[] =
    origin === 'meta' || origin === 'notice' ? ['dim'] : origin === 'error' ? ['red'] : [];
  return [
    headingOf(message, view),
    ...thinkingLines(message, view),
    ...(content.trim() === '' ? [] : linesOf(content.replace(/^\s*\n|\s+$/g, ''), ...looks)),
    ...attachments.map(({ mediaType, bytes: size, sha256 }) =>
      line(span(`[${mediaType}, ${bytes(size)}, blob ${sha256.slice(0, 12)}]`, 'dim')),
    ),
    ...toolCalls.flatMap((call) => callLines(call, results.get(call.id), view)),
    ...(message.role === 'tool' ? resultOnItsOwn(message, view) : []),
  ];
}

const WHO: Readonly<Record<string, string>> = {
  compaction: 'summary of what came before',
  meta: 'put in by the agent',
};

function headingOf(message: ConversationMessage, { width, idOf }: ChatView): Line {
  const { role, id, timestamp, seq, origin = '', model, tokenCount, costUsd, toolName } = message;
  const style = roleStyle(role);
  const details = [
    WHO[origin],
    role === 'tool' ? toolName : model,
    localTime(timestamp),
    seq === undefined ? undefined : `#${seq}`,
    idOf(id),
    tokenCount ? `${count(tokenCount)} tokens` : undefined,
    costUsd ? dollars(costUsd) : undefined,
  ].filter((detail) => detail !== undefined && detail !== '');
  const text = `${details.join(' · ')} `;
  const used = displayWidth(`── ${role} ${text}`);
  const rule = Number.isFinite(width) ? '─'.repeat(Math.max(0, width - used)) : '';
  return line(span('── ', style), span(role, style, 'bold'), ' ', span(`${text}${rule}`.trimEnd(), 'dim'));
}

function thinkingLines({ thinking = '' }: ConversationMessage, { full }: ChatView): readonly Line[] {
  if (thinking.trim() === '') return [];
  const lines = linesOf(thinking.trim(), 'dim', 'italic');
  const shown = full ? lines : [line(span(oneLine(thinking, 120), 'dim', 'italic'))];
  return shown.map((one, index) => line(span(index === 0 ? '✻ ' : '  ', 'dim'), ...one));
}

function callLines(call: ToolCall, result: ConversationMessage | undefined, view: ChatView): readonly Line[] {
  const outcome = result ? outcomeOf(result) : undefined;
  const name = oneLine(call.name, 80);
  const room = view.width - displayWidth(`  ⏺ ${name}  ${outcome?.text.text ?? ''}`);
  const target = targetOf(call.input, view.full ? Infinity : TARGET_WIDTH);
  const head = line(
    '  ',
    span('⏺', outcome?.failed ? 'red' : outcome ? 'green' : 'yellow'),
    ' ',
    span(name, 'bold'),
    target === '' ? undefined : `  ${view.full ? target : cutToWidth(target, Math.max(room, 20))}`,
    outcome?.text,
  );
  return [head, ...(result ? resultLines(result, view) : [])];
}

/** How a call ended, in a few words. */
function outcomeOf(result: ConversationMessage): { readonly failed: boolean; readonly text: Span } {
  const { isError = false, outcome, toolResult = '' } = result;
  if (outcome === 'unknown') return { failed: true, text: span('  cut off', 'yellow') };
  const code = exitCodeIn(toolResult);
  const failed = isError || (code !== undefined && code !== 0);
  const words = code === undefined ? (isError ? 'failed' : '') : `exit ${code}`;
  return { failed, text: span(words === '' ? '' : `  ${words}`, failed ? 'red' : 'green') };
}

const MARGIN = '  │ ';

function resultLines(
  { toolResult = '', content, attachments = [] }: ConversationMessage,
  view: ChatView,
): readonly Line[] {
  const text = (toolResult || content).replace(/^\s*\n|\s+$/g, '');
  const lines = text === '' ? [] : linesOf(text);
  const room = view.width - displayWidth(MARGIN);
  // One line more than would be cut is shown instead of saying so.
  const shown = view.full || lines.length <= RESULT_LINES + 1 ? lines : lines.slice(0, RESULT_LINES);
  const hidden = lines.length - shown.length;
  const all = [
    ...shown.flatMap((one) =>
      view.full ? wrapLine(one, room) : [cutLine(one, Math.min(room, MOST_RESULT))],
    ),
    ...(hidden > 0 ? [line(span(`… ${counted(hidden, 'more line')} (--full shows them)`, 'dim'))] : []),
    ...attachments.map(({ mediaType, bytes: size }) => line(span(`[${mediaType}, ${bytes(size)}]`, 'dim'))),
  ];
  return all.length === 0
    ? [line('    ', span('(no output)', 'dim'))]
    : all.map((one) => line(span(MARGIN, 'dim'), ...one));
}

function resultOnItsOwn(message: ConversationMessage, view: ChatView): readonly Line[] {
  const { toolInput } = message;
  const target = toolInput === undefined ? '' : targetOf(toolInput, TARGET_WIDTH);
  const head = line(
    '  ',
    span('⏺', outcomeOf(message).failed ? 'red' : 'green'),
    target === '' ? undefined : ` ${target}`,
    outcomeOf(message).text,
  );
  return [head, ...resultLines(message, view)];
}
