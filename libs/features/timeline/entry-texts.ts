import type { Entry, TimelineEvent } from './entries.js';

/** What is searched of an entry: a message with its thinking and tool calls, a result, or every text of its data. */
export function textsOf(event: TimelineEvent, { data }: Entry): readonly string[] {
  return textsIn(data === undefined ? saidIn(event) : data);
}

/** What is searched of a message after it was amended. */
export const amendedTexts = (event: Extract<TimelineEvent, { type: 'MessageAmended' }>): readonly string[] =>
  textsIn(saidIn(event));

/** What stands in a message's row, in the columns that text-filter.ts looks into. */
function saidIn({ type, data }: TimelineEvent): readonly unknown[] {
  switch (type) {
    case 'MessageRecorded':
      return [data.content, data.thinking, data.toolCalls];
    case 'ToolResultRecorded':
      return [data.result, data.toolName];
    case 'MessageAmended':
      return data.kind === 'message'
        ? [data.content, data.thinking, data.toolCalls]
        : [data.result, data.toolName];
    case 'ChatMessageRecorded':
      return [data.content, data.toolCalls, data.pendingQuestions];
    default:
      return [];
  }
}

/** Every text in a JSON value; not the names of fields. Of one that went to a blob that is the preview. */
function textsIn(value: unknown, found: string[] = []): readonly string[] {
  if (typeof value === 'string') found.push(value);
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) textsIn(inner, found);
  return found;
}
