import type { Branch, ConversationMessage } from '#libs/client/types-conversation.js';
import { tableLines } from '../terminal/table.js';
import { line, span, type Line } from '../terminal/styled.js';
import type { ChatView, Marker } from './conversation.js';
import { count, counted, dollars, localTime, oneLine } from './format.js';
import { roleStyle } from './history.js';
import { targetOf } from './tool-call.js';

const MOST_TEXT = 240;

/** A conversation as a table, one message a row. */
export function messageTable(
  messages: readonly ConversationMessage[],
  { width, full, idOf }: ChatView,
): readonly Line[] {
  const rows = messages.map((message) => [
    message.seq === undefined ? '' : String(message.seq),
    localTime(message.timestamp),
    idOf(message.id),
    span(message.role, roleStyle(message.role)),
    textOf(message, full ? Infinity : MOST_TEXT),
  ]);
  return tableLines(
    [
      { head: '#', align: 'right' },
      { head: 'time' },
      { head: 'message' },
      { head: 'role' },
      { head: 'text', narrow: 'wrap' },
    ],
    rows,
    width,
  );
}

function textOf(
  { role, content, toolName, toolResult = '', toolCalls = [], isError }: ConversationMessage,
  most: number,
): Line {
  if (role === 'tool') {
    return line(
      isError ? span('✗ ', 'red') : undefined,
      span(`${toolName ?? ''} `, 'bold'),
      oneLine(toolResult || content, most),
    );
  }
  const calls = toolCalls.map(({ name, input }) => `${name} ${targetOf(input, 80)}`.trim()).join('; ');
  return line(
    oneLine(content, most),
    calls === '' ? undefined : span(`${content.trim() === '' ? '' : '  '}⏺ ${oneLine(calls, most)}`, 'dim'),
  );
}

export interface ConversationFacts {
  readonly name: string;
  readonly status?: string;
  readonly totalCount?: number | undefined;
  readonly totalTokens?: number | null | undefined;
  readonly totalCost?: number | null | undefined;
  readonly shown: number;
}

/** What stands above a conversation. */
export function conversationHead({
  name,
  status,
  totalCount,
  totalTokens,
  totalCost,
  shown,
}: ConversationFacts): readonly Line[] {
  const total = totalCount ?? shown;
  const facts = [
    shown < total ? `the newest ${count(shown)} of ${counted(total, 'message')}` : counted(total, 'message'),
    ...(totalTokens ? [`${count(totalTokens)} tokens`] : []),
    ...(totalCost ? [dollars(totalCost)] : []),
  ];
  return [
    line(span(oneLine(name, 120), 'bold'), status === undefined ? undefined : span(`  ${status}`, 'dim')),
    line(span(facts.join(' · '), 'dim')),
    [],
  ];
}

/** A place in a conversation where it was taken back. */
export interface Cut {
  /** The branch that began here. */
  readonly branch: Branch;
  /** Messages of the whole conversation before the cut. */
  readonly kept: number;
  /** The branch that holds what was hidden. */
  readonly hiddenIn: number;
}

/**
 * Where the branch that is shown was taken back, first to last. A cut that lies behind a later one is not in the
 * conversation any more.
 */
export function cutsOf(branches: readonly Branch[], shown: number): readonly Cut[] {
  const byNumber = new Map(branches.map((branch) => [branch.branch, branch]));
  const previousOf = (branch: Branch | undefined): Branch | undefined =>
    byNumber.get(branch?.previousBranch ?? -1);
  const cuts: Cut[] = [];
  let least = Infinity;
  let at = byNumber.get(shown);
  while (at) {
    // An undo shows again what was shown before the rewind that it takes back.
    if (at.kind === 'undo') {
      at = previousOf(byNumber.get(at.undoneBranch ?? -1));
      continue;
    }
    const previous = previousOf(at);
    if (!previous) break;
    const kept = previous.messageCount - at.hiddenMessages;
    if (at.hiddenMessages > 0 && kept >= 0 && kept <= least)
      cuts.unshift({ branch: at, kept, hiddenIn: previous.branch });
    least = Math.min(least, kept);
    // What a restored snapshot showed need not be a part of what was shown before.
    at = at.kind === 'restore' ? undefined : previous;
  }
  return cuts;
}

const HOW: Readonly<Record<string, string>> = { rewind: 'rewound', restore: 'a snapshot restored' };

/** The line that says that messages are hidden here, and how to see them or have them back. */
export function cutMarker(
  { branch, kept, hiddenIn }: Cut,
  before: number,
  commands: { readonly see: string; readonly undo: string },
): Marker {
  const { kind, hiddenMessages, reason, actor, createdAt } = branch;
  const why = reason ? ` · “${oneLine(reason, 120)}”` : '';
  return {
    after: Math.max(0, kept - before),
    lines: [
      line(
        span('↶ ', 'yellow'),
        span(
          `${HOW[kind] ?? kind} here: ${counted(hiddenMessages, 'message')} hidden, in branch ${hiddenIn}`,
          'yellow',
        ),
        span(` · ${localTime(createdAt)} by ${actor.kind}${why}`, 'dim'),
      ),
      line(span(`  see them with:         ${commands.see}`, 'dim')),
      line(span(`  have them back with:   ${commands.undo}`, 'dim')),
    ],
  };
}
