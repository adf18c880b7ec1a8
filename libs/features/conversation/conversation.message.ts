import type { Queryable } from '#libs/database/database.js';
import { unescapeJson, unescapeText } from '#libs/database/text-escape.js';
import type { BlobStore } from '#libs/event-store/blob-store.js';
import { isBlobReference } from '#libs/event-store/codec.js';
import type { Attachment, FileChange, ToolCall, Usage } from './conversation.events.js';
import { callsOf, extraOf, type MessageRow } from './conversation.queries.js';

/** A message as the API shows it (SPEC §2.2, with what makima knows besides). */
export interface ConversationMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  /** Empty for a tool message: see toolResult. */
  readonly content: string;
  readonly timestamp: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly toolInput?: unknown;
  readonly toolResult?: string;
  readonly isError?: boolean;
  readonly tokenCount?: number;
  readonly costUsd?: number;
  /** The task that it was recorded in: another one where a fork shows its source's messages. */
  readonly taskId: string;
  /** Its number in that task, from 1. */
  readonly seq: number;
  readonly position: string;
  readonly origin?: string;
  readonly thinking?: string;
  readonly model?: string;
  readonly usage?: Usage;
  readonly attachments?: readonly Attachment[];
  readonly filesChanged?: readonly FileChange[];
}

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
  options: MessageOptions,
): Promise<readonly ConversationMessage[]> {
  const calls = options.includeToolCalls ? await callsByPlace(db, rows) : new Map<string, string>();
  const inputs = new Map<string, readonly ToolCall[]>();
  const messages = rows.map((row) =>
    toMessage(row, options, (place) => {
      const known = inputs.get(place);
      if (known) return known;
      const json = calls.get(place);
      const parsed = json === undefined ? [] : (unescapeJson(json) as ToolCall[]);
      inputs.set(place, parsed);
      return parsed;
    }),
  );
  const withBlobs = rows.some((row) => row.has_blobs);
  return withBlobs ? hydrate(blobs, ownerId, messages) : messages;
}

async function callsByPlace(db: Queryable, rows: readonly MessageRow[]): Promise<Map<string, string>> {
  const calls = new Map<string, string>();
  for (const row of rows) if (row.tool_calls !== null) calls.set(`${row.task_id}/${row.seq}`, row.tool_calls);
  const elsewhere = rows.flatMap((row) =>
    row.call_seq !== null && !calls.has(`${row.task_id}/${row.call_seq}`)
      ? [{ taskId: row.task_id, seq: row.call_seq }]
      : [],
  );
  for (const [place, json] of await callsOf(db, elsewhere)) calls.set(place, json);
  return calls;
}

function toMessage(
  row: MessageRow,
  options: MessageOptions,
  callsAt: (place: string) => readonly ToolCall[],
): ConversationMessage {
  const extra = row.extra === null ? {} : extraOf(row);
  const text = (extra['content'] as string | undefined) ?? unescapeText(row.content);
  const base = {
    id: row.message_id,
    role: row.role,
    content: row.role === 'tool' ? '' : text,
    timestamp: row.occurred_at.toISOString(),
    ...(row.role === 'tool' ? toolFields(row, text, options, callsAt) : {}),
    ...(row.tool_calls !== null && options.includeToolCalls
      ? { toolCalls: callsAt(`${row.task_id}/${row.seq}`) }
      : {}),
    ...(row.token_count === null ? {} : { tokenCount: Number(row.token_count) }),
    ...(row.cost_usd === null ? {} : { costUsd: row.cost_usd }),
    taskId: row.task_id,
    seq: row.seq,
    position: row.position.toString(),
    ...(row.origin === null ? {} : { origin: row.origin }),
  };
  if (row.extra === null) return base;
  const { content: _content, files, ...rest } = extra;
  return { ...base, ...rest, ...(files ? { filesChanged: files as readonly FileChange[] } : {}) };
}

function toolFields(
  row: MessageRow,
  text: string,
  options: MessageOptions,
  callsAt: (place: string) => readonly ToolCall[],
) {
  const toolCallId = unescapeText(row.tool_call_id ?? '');
  const call =
    options.includeToolCalls && row.call_seq !== null
      ? callsAt(`${row.task_id}/${row.call_seq}`).find(({ id }) => id === toolCallId)
      : undefined;
  return {
    toolCallId,
    toolName: unescapeText(row.tool_name ?? ''),
    ...(call ? { toolInput: call.input } : {}),
    toolResult: text,
    isError: row.is_error ?? false,
  };
}

/** Replaces references by the texts that they stand for; one whose blob is not there stays a reference's preview. */
export async function hydrate<T>(blobs: BlobStore, ownerId: string, value: T): Promise<T> {
  const hashes = new Set<string>();
  visit(value, (hash) => void hashes.add(hash));
  if (hashes.size === 0) return value;
  const found = await blobs.get(ownerId, [...hashes]);
  return replace(value, found) as T;
}

const SHA256 = /^[0-9a-f]{64}$/;

function visit(value: unknown, found: (hash: string) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (isBlobReference(value)) {
    if (SHA256.test(String(value.$blob?.sha256))) found(value.$blob.sha256);
  } else for (const inner of Object.values(value)) visit(inner, found);
}

/** A long text; undefined for another content, which only an agent that writes references itself can mean. */
function textIn(blob: Buffer): string | undefined {
  try {
    const text: unknown = JSON.parse(blob.toString('utf8'));
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

function replace(value: unknown, blobs: ReadonlyMap<string, Buffer>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isBlobReference(value)) {
    const blob = blobs.get(String(value.$blob?.sha256));
    return (blob && textIn(blob)) ?? value;
  }
  if (Array.isArray(value)) return value.map((inner) => replace(inner, blobs));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner, blobs)]));
}
