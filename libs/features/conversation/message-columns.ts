import type { Row } from '#libs/database/database.js';
import { isBlobReference, type LongText } from '#libs/kernel/blob-reference.js';
import { columnJson, columnText } from '#libs/projections/column-text.js';
import type { MessageContent, ToolResultContent } from './conversation.events.js';

/** A field as a text column holds it: a long one by its preview, with the reference kept in `extra`. */
function textColumn(value: LongText, name: string, references: Record<string, unknown>): string {
  if (isBlobReference(value)) references[name] = value;
  return columnText(value);
}

const defined = (record: Record<string, unknown>): string | null => {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? columnJson(Object.fromEntries(entries)) : null;
};

/** What a message says, as its row's columns. */
export function messageColumns(data: MessageContent): Row {
  const references: Record<string, unknown> = {};
  const { usage, toolCalls } = data;
  const content = textColumn(data.content, 'content', references);
  const calls = toolCalls && toolCalls.length > 0 ? columnJson(toolCalls) : null;
  const extra = defined({
    thinking: data.thinking,
    model: data.model,
    usage,
    attachments: data.attachments,
    ...references,
  });
  return {
    role: data.role,
    content,
    tool_calls: calls,
    tool_call_id: null,
    tool_name: null,
    is_error: null,
    token_count: usage ? usage.input + usage.output : null,
    cost_usd: data.costUsd ?? null,
    origin: data.origin ?? null,
    source_id: data.sourceId === undefined ? null : columnText(data.sourceId),
    extra,
    has_blobs: containsReference(calls) || containsReference(extra),
  };
}

/** What a tool result says, as its row's columns. */
export function resultColumns(data: ToolResultContent): Row {
  const references: Record<string, unknown> = {};
  const content = textColumn(data.result, 'content', references);
  const extra = defined({
    outcome: data.outcome,
    files: data.files,
    attachments: data.attachments,
    ...references,
  });
  return {
    role: 'tool',
    content,
    tool_calls: null,
    tool_call_id: columnText(data.toolCallId),
    tool_name: columnText(data.toolName),
    is_error: data.isError,
    token_count: null,
    cost_usd: null,
    origin: null,
    source_id: data.sourceId === undefined ? null : columnText(data.sourceId),
    extra,
    has_blobs: containsReference(extra),
  };
}

const containsReference = (json: string | null): boolean => json?.includes('"$blob"') ?? false;
