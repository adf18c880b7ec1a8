import type { Queryable } from '#libs/database/database.js';
import { unescapeText } from '#libs/database/text-escape.js';
import type { LongList, LongText } from '#libs/kernel/blob-reference.js';
import type { BlobStore } from '#libs/event-store/blob-store.js';
import { hydrate, withoutReferences } from '#libs/event-store/long-values.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import type { ConversationMessage } from './conversation.answers.dto.js';
import type { Attachment, FileChange, MessagePlace, ToolCall, Usage } from './conversation.events.js';
import { callsOf, extraOf, type MessageRow } from './conversation.queries.js';

/** What a row's `extra` column holds. */
interface Extra {
  /** The reference to a long text. */
  readonly content?: LongText;
  readonly thinking?: LongText;
  readonly model?: string;
  readonly usage?: Usage;
  readonly attachments?: readonly Attachment[];
  readonly outcome?: 'unknown';
  readonly files?: LongList<FileChange>;
}

const NOTHING_ELSE: Extra = {};

/** A message as its row says, its long values in their blobs. */
type Message = Omit<ConversationMessage, 'content' | 'toolResult' | 'thinking' | 'filesChanged'> & {
  readonly content: LongText;
  readonly toolResult: LongText | undefined;
  readonly thinking: LongText | undefined;
  readonly filesChanged: LongList<FileChange> | undefined;
};

export interface MessageOptions {
  readonly includeToolCalls: boolean;
  readonly includeToolResults: boolean;
}

/** Rows as messages: texts as they were recorded, long ones fetched from their blobs, results with their call's input. */
export async function toMessages(
  db: Queryable,
  blobs: BlobStore,
  ownerId: string,
  rows: readonly MessageRow[],
  at: bigint | null,
  options: MessageOptions,
): Promise<readonly ConversationMessage[]> {
  const calls = options.includeToolCalls ? await callsByPlace(db, rows, at) : new Map<string, string>();
  const inputs = new Map<string, readonly ToolCall[]>();
  const messages = rows.map((row) =>
    toMessage(row, options, (place) => {
      const known = inputs.get(place);
      if (known) return known;
      const json = calls.get(place);
      const parsed = json === undefined ? [] : (fromColumnJson(json) as ToolCall[]);
      inputs.set(place, parsed);
      return parsed;
    }),
  );
  const withBlobs = rows.some((row) => row.has_blobs);
  return withBlobs ? hydrate(blobs, ownerId, messages) : withoutReferences(messages);
}

async function callsByPlace(
  db: Queryable,
  rows: readonly MessageRow[],
  at: bigint | null,
): Promise<Map<string, string>> {
  const calls = new Map<string, string>();
  for (const row of rows) if (row.tool_calls !== null) calls.set(keyOf(ownPlace(row)), row.tool_calls);
  const elsewhere = rows.flatMap((row) => {
    const call = callOf(row);
    return call && !calls.has(keyOf(call)) ? [call] : [];
  });
  for (const [place, json] of await callsOf(db, elsewhere, at)) calls.set(place, json);
  return calls;
}

/** All messages have the same fields, undefined where they say nothing: objects of one shape are written the fastest. */
function toMessage(
  row: MessageRow,
  { includeToolCalls }: MessageOptions,
  callsAt: (place: string) => readonly ToolCall[],
): Message {
  const extra = row.extra === null ? NOTHING_ELSE : (extraOf(row) as Extra);
  const text = extra.content ?? unescapeText(row.content);
  const result = row.role === 'tool' ? resultOf(row, includeToolCalls ? callsAt : null) : NO_RESULT;
  return {
    id: row.message_id,
    role: row.role,
    content: result === NO_RESULT ? text : '',
    timestamp: row.occurred_at.toISOString(),
    toolCalls: row.tool_calls !== null && includeToolCalls ? callsAt(keyOf(ownPlace(row))) : undefined,
    toolCallId: result.toolCallId,
    toolName: result.toolName,
    toolInput: result.toolInput,
    toolResult: result === NO_RESULT ? undefined : text,
    isError: result.isError,
    tokenCount: row.token_count === null ? undefined : Number(row.token_count),
    costUsd: row.cost_usd ?? undefined,
    taskId: row.task_id,
    seq: row.seq,
    position: row.position.toString(),
    origin: row.origin ?? undefined,
    thinking: extra.thinking,
    model: extra.model,
    usage: extra.usage,
    attachments: extra.attachments,
    outcome: extra.outcome,
    filesChanged: extra.files,
  };
}

type ToolResult = Pick<ConversationMessage, 'toolCallId' | 'toolName' | 'toolInput' | 'isError'>;

const NO_RESULT: ToolResult = {};

/** @param callsAt finds the calls of a message; null: what the tool was given is not wanted. */
function resultOf(row: MessageRow, callsAt: ((place: string) => readonly ToolCall[]) | null): ToolResult {
  const toolCallId = unescapeText(row.tool_call_id ?? '');
  const call = callOf(row);
  const calls = callsAt && call ? callsAt(keyOf(call)) : [];
  return {
    toolCallId,
    toolName: unescapeText(row.tool_name ?? ''),
    toolInput: calls.find(({ id }) => id === toolCallId)?.input,
    isError: row.is_error ?? false,
  };
}

const ownPlace = ({ task_id: taskId, seq }: MessageRow): MessagePlace => ({ taskId, seq });

/** Of a result: where the message is that made its call. */
const callOf = ({ task_id, call_task_id, call_seq: seq }: MessageRow): MessagePlace | null =>
  seq === null ? null : { taskId: call_task_id ?? task_id, seq };

const keyOf = ({ taskId, seq }: MessagePlace): string => `${taskId}/${seq}`;
