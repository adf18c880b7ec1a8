import type { Chat, ChatMessage, ChatToolCall, PendingQuestion } from '#libs/client/types-admin.js';
import { line, linesOf, span, type Line } from '../terminal/styled.js';
import { tableLines } from '../terminal/table.js';
import { count, counted, idShortener, localTime, oneLine, statusSpan } from './format.js';
import { roleStyle } from './history.js';
import { targetOf } from './tool-call.js';

export function chatTable(chats: readonly Chat[], width: number): readonly Line[] {
  const idOf = idShortener(
    chats.map(({ id }) => id),
    !Number.isFinite(width),
  );
  return tableLines(
    [
      { head: 'chat' },
      { head: 'status' },
      { head: 'messages', align: 'right' },
      { head: 'asks', align: 'right' },
      { head: 'changed' },
      { head: 'name', narrow: 'cut' },
    ],
    chats.map((chat) => [
      span(idOf(chat.id), 'bold'),
      statusSpan(chat.isActive ? 'active' : chat.status),
      count(chat.messageCount),
      chat.openQuestions > 0 ? span(count(chat.openQuestions), 'yellow') : '',
      localTime(chat.updatedAt),
      oneLine(chat.name),
    ]),
    width,
  );
}

export const chatMessageTable = (messages: readonly ChatMessage[], width: number): readonly Line[] =>
  tableLines(
    [{ head: 'time' }, { head: 'role' }, { head: 'text', narrow: 'wrap' }],
    messages.map(({ createdAt, role, content }) => [
      localTime(createdAt),
      span(role, roleStyle(role)),
      oneLine(content, 240),
    ]),
    width,
  );

/** A chat to read, with what it asks. */
export function chatMessageLines(chat: Chat, messages: readonly ChatMessage[]): readonly Line[] {
  const { name, isActive, status, messageCount } = chat;
  const shown = messages.length < messageCount ? `the newest ${count(messages.length)} of ` : '';
  const facts = `  ${isActive ? 'active' : status} · ${shown}${counted(messageCount, 'message')}`;
  return [
    line(span(oneLine(name, 120), 'bold'), span(facts, 'dim')),
    [],
    ...messages.flatMap((message) => [...messageLines(message), []]),
  ];
}

function messageLines({
  role,
  content,
  createdAt,
  contextType,
  contextTaskId,
  toolCalls,
  pendingQuestions,
}: ChatMessage): readonly Line[] {
  const about = contextTaskId
    ? ` · about task ${contextTaskId}`
    : contextType === 'task'
      ? ''
      : ` · about the ${contextType}`;
  return [
    line(
      span('── ', roleStyle(role)),
      span(role, roleStyle(role), 'bold'),
      span(` ${localTime(createdAt)}${about}`, 'dim'),
    ),
    ...(content.trim() === '' ? [] : linesOf(content.replace(/^\s*\n|\s+$/g, ''))),
    ...toolCalls.map(callLine),
    ...pendingQuestions.flatMap(questionLines),
  ];
}

function callLine({ name, input, result, isError }: ChatToolCall): Line {
  const style = isError ? 'red' : result === undefined ? 'yellow' : 'green';
  const outcome =
    result === undefined
      ? ''
      : `  → ${typeof result === 'string' ? oneLine(result, 80) : oneLine(JSON.stringify(result), 80)}`;
  return line(
    '  ',
    span('⏺', style),
    ' ',
    span(oneLine(name, 80), 'bold'),
    `  ${targetOf(input, 100)}`,
    span(outcome, 'dim'),
  );
}

const questionLines = ({ question, options, answer }: PendingQuestion): readonly Line[] => [
  line(
    '  ',
    span('? ', answer === null ? 'yellow' : 'green'),
    oneLine(question),
    answer === null ? undefined : span(`  → ${oneLine(answer)}`, 'green'),
  ),
  ...(answer === null ? options.map((option) => line('      ', span('· ', 'dim'), oneLine(option))) : []),
];
