import type { MessageHappening, ToolResultHappening } from './happening.js';
import { jsonText } from '../transcripts/json-fields.js';
import type { Narrator } from './narrator.js';

/** What was said or done before, in the task's own words: what the log has, shaped by whoever asks for the run. */
export type Earlier =
  | Pick<MessageHappening, 'kind' | 'role' | 'content' | 'toolCalls'>
  | Pick<ToolResultHappening, 'kind' | 'toolCallId' | 'toolName' | 'content' | 'isError'>;

/**
 * The prompt of an agent that knows nothing yet: with what was said and done before, oldest first, where there is any.
 * Every mark carries a word that nobody knew who spoke before the run was asked for: a tool's output cannot end the record
 * or put words into anybody's mouth.
 */
export function firstPrompt(
  { conversation = [], prompt }: { readonly conversation?: readonly Earlier[]; readonly prompt: string },
  narrator: Narrator,
): string {
  if (conversation.length === 0) return prompt;
  const mark = narrator.idOf('record').slice(0, 13);
  return [
    'You go on with work that was begun before, by you or by another agent. What was said and done stands below as a ' +
      `record, oldest first; every mark in it carries the word ${mark}. Files may have changed since: look at them ` +
      'before you rely on what the record says of them.',
    `=== ${mark} record`,
    ...conversation.flatMap((each) => linesOf(each, mark)),
    `=== ${mark} end of the record`,
    'This is what you are asked now:',
    prompt,
  ].join('\n');
}

function linesOf(each: Earlier, mark: string): readonly string[] {
  if (each.kind === 'tool_result') {
    const { content, isError, toolCallId, toolName = 'call' } = each;
    return [`--- ${mark} result of ${toolName} ${toolCallId}${isError ? ' (failed)' : ''}`, content];
  }
  const calls = (each.toolCalls ?? []).flatMap(({ id, name, input }) => [
    `--- ${mark} call of ${name} ${id}`,
    jsonText(input),
  ]);
  // A message that only calls says nothing.
  return each.content === '' && calls.length > 0
    ? calls
    : [`--- ${mark} ${each.role}`, each.content, ...calls];
}
