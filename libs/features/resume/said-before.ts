import { mapReferences } from '#libs/event-store/long-values.js';
import { unescapeText } from '#libs/database/text-escape.js';
import { isBlobReference, lengthOf, type LongList, type LongText } from '#libs/kernel/blob-reference.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import type { Attachment, FileChange, ToolCall } from '../conversation/conversation.events.js';
import { extraOf, type MessageRow } from '../conversation/conversation.queries.js';

/** A message or a tool result of a conversation, as far as an agent that goes on with it is told of it. */
export interface SaidBefore<Text = string, Files = readonly FileChange[]> {
  /** `<task>/<seq>`. */
  readonly place: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  readonly origin: string | null;
  /** What is said, or what came back from a tool. */
  readonly text: Text;
  readonly toolCalls: readonly ToolCall[];
  /** Of a result: its call. `place` is that of the message that made it; null: it is not known. */
  readonly answers: { readonly id: string; readonly name: string; readonly place: string | null } | null;
  readonly isError: boolean;
  readonly files: Files;
  /** How many files there are, also where not all are listed. */
  readonly fileCount: number;
  readonly attachments: readonly Attachment[];
}

interface Extra {
  readonly content?: LongText;
  readonly attachments?: readonly Attachment[];
  readonly files?: LongList<FileChange>;
}

/** A row as it is stored: long values are references. */
export function saidBefore(row: MessageRow): SaidBefore<LongText, LongList<FileChange>> {
  const extra = extraOf(row) as Extra;
  return {
    place: `${row.task_id}/${row.seq}`,
    role: row.role,
    origin: row.origin,
    text: extra.content ?? unescapeText(row.content),
    toolCalls: row.tool_calls === null ? [] : (fromColumnJson(row.tool_calls) as readonly ToolCall[]),
    answers: answeredBy(row),
    isError: row.is_error ?? false,
    files: extra.files ?? [],
    fileCount: lengthOf(extra.files),
    attachments: extra.attachments ?? [],
  };
}

function answeredBy(row: MessageRow): SaidBefore['answers'] {
  if (row.role !== 'tool') return null;
  const { call_seq: seq, call_task_id: elsewhere, task_id: own } = row;
  return {
    id: unescapeText(row.tool_call_id ?? ''),
    name: unescapeText(row.tool_name ?? ''),
    place: seq === null ? null : `${elsewhere ?? own}/${seq}`,
  };
}

/** The same with the beginning of what is long: enough for an extract, and nothing is fetched. */
export const beginningsOf = (said: SaidBefore<LongText, LongList<FileChange>>): SaidBefore =>
  mapReferences(said, (reference) =>
    isBlobReference(reference) ? reference.preview : reference,
  ) as SaidBefore;
