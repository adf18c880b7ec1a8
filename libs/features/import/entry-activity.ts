import type { ImageEntry, MessageEntry, ToolResultEntry } from '#libs/agents/transcripts/transcript.js';
import { isBlobReference, lengthOf, type LongText } from '#libs/kernel/blob-reference.js';
import { sha256 } from '#libs/event-store/event-hash.js';
import type { Attachment, MessageContent, ToolResultContent } from '../conversation/conversation.events.js';
import type { Activity } from '../task/activity.decider.js';

export type SpokenEntry = MessageEntry | ToolResultEntry;
export type SpokenActivity = Extract<Activity, { type: 'RecordMessage' | 'RecordToolResult' }>;

/**
 * What is recorded of a message or a tool result. Its JSON is hashed to tell whether an entry has changed: the order of
 * the fields must stay as it is.
 * @param sourceId the id to record, where it is not the entry's own.
 */
export function activityOf(entry: SpokenEntry, sourceId: string = entry.sourceId): SpokenActivity {
  return entry.kind === 'message'
    ? { type: 'RecordMessage', content: messageOf(entry, sourceId) }
    : { type: 'RecordToolResult', content: resultOf(entry, sourceId) };
}

function messageOf(entry: MessageEntry, sourceId: string): MessageContent {
  const { role, content, thinking, toolCalls, images, model, usage, costUsd, origin } = entry;
  return {
    role,
    content,
    ...(thinking !== undefined && { thinking }),
    ...(toolCalls && { toolCalls }),
    ...(images && { attachments: images.map(attachmentOf) }),
    ...(model !== undefined && { model }),
    ...(usage && { usage }),
    ...(costUsd !== undefined && { costUsd }),
    ...(origin !== undefined && { origin }),
    sourceId,
  };
}

function resultOf(entry: ToolResultEntry, sourceId: string): ToolResultContent {
  const { toolCallId, toolName, content, isError, files, images } = entry;
  return {
    toolCallId,
    toolName: toolName ?? '',
    result: content,
    isError,
    ...(files && { files }),
    ...(images && { attachments: images.map(attachmentOf) }),
    sourceId,
  };
}

const attachmentOf = ({ mediaType, bytes }: ImageEntry): Attachment => ({
  mediaType,
  sha256: sha256(bytes).toString('hex'),
  bytes: bytes.length,
});

/** How much of an entry there is: its calls or files, its text and thinking in bytes, its output in tokens. */
export type Extent = readonly [parts: number, text: number, thinking: number, tokens: number];

/** The extent of a content, also of one that was read back from the log with long texts in blobs. */
export function extentOf(content: Partial<MessageContent & ToolResultContent>): Extent {
  const { toolCalls, files, attachments, usage } = content;
  const parts = (toolCalls?.length ?? 0) + lengthOf(files) + (attachments?.length ?? 0);
  return [parts, bytesOf(content.content ?? content.result), bytesOf(content.thinking), usage?.output ?? 0];
}

/** True when there is less of it in some way and in no way more: an earlier state of what grew. */
export const isLess = (one: Extent, other: Extent): boolean =>
  one.every((size, index) => size <= other[index]!) && one.some((size, index) => size < other[index]!);

function bytesOf(text: LongText = ''): number {
  return isBlobReference(text) ? text.bytes : Buffer.byteLength(text);
}
