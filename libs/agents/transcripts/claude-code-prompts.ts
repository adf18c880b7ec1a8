import { isRecord, numberAt, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';

/** How texts begin that stand in a user's place although no person typed them. */
const MACHINE_TEXT = ['[Request interrupted', 'Caveat: The messages below were generated'];

/** True for the summary that takes the place of a compacted conversation. */
export const continuesAnother = (text: string): boolean =>
  text.startsWith('This session is being continued from a previous conversation');

const MACHINE_TAG =
  /^<(?:command-(?:name|message|args)|local-command-(?:stdout|stderr|caveat)|bash-(?:input|stdout|stderr)|task-notification|system-reminder|user-prompt-submit-hook|ide_(?:opened_file|selection|diagnostics)|user-memory-input|teammate-message|channel|tick|session-start-hook)\b/;

/** True for a text that a person typed. */
export function isTyped(text: string): boolean {
  const start = text.slice(0, 200).trimStart();
  return (
    start !== '' && !MACHINE_TAG.test(start) && !MACHINE_TEXT.some((machine) => start.startsWith(machine))
  );
}

const TAGS = /<\/?(?:command-(?:name|message|args)|local-command-(?:stdout|stderr|caveat))>/g;

/** The command of a `<command-name>` text with its arguments, for a title. */
export function commandOf(text: string): string | undefined {
  const name = /<command-name>\s*([^<]{1,200}?)\s*<\/command-name>/.exec(text.slice(0, 4000))?.[1];
  if (!name) return undefined;
  const words = /<command-args>([^<]{0,400})<\/command-args>/.exec(text.slice(0, 4000))?.[1]?.trim();
  return words ? `${name} ${words}` : name;
}

export interface Notice {
  readonly text: string;
  readonly kind: 'notice' | 'error';
}

/** What a reader wants to know of a system line; undefined for the purely technical ones. */
export function noticeOf(line: JsonRecord): Notice | undefined {
  const content = textAt(line, 'content')?.replace(TAGS, '').trim();
  switch (textAt(line, 'subtype')) {
    case 'api_error':
      return { text: apiError(line), kind: 'error' };
    case 'compact_boundary':
    case 'microcompact_boundary':
      return { text: compaction(line, content), kind: 'notice' };
    case 'local_command':
    case 'informational':
    case 'away_summary':
      return content
        ? { text: content, kind: textAt(line, 'level') === 'error' ? 'error' : 'notice' }
        : undefined;
    default:
      return undefined;
  }
}

function compaction(line: JsonRecord, content: string | undefined): string {
  const facts = recordAt(line, 'compactMetadata') ?? recordAt(line, 'microcompactMetadata');
  const tokens = numberAt(facts, 'preTokens');
  const details = [textAt(facts, 'trigger'), tokens === undefined ? undefined : `${tokens} tokens before`];
  const known = details.filter((detail) => detail !== undefined);
  const title = content || 'Conversation compacted';
  return known.length > 0 ? `${title} (${known.join(', ')})` : title;
}

function apiError(line: JsonRecord): string {
  const reason = reasonOf(recordAt(line, 'error')) ?? reasonOf(recordAt(line, 'cause')) ?? 'unknown reason';
  const attempt = numberAt(line, 'retryAttempt');
  const most = numberAt(line, 'maxRetries');
  const tries =
    attempt === undefined ? '' : ` (attempt ${attempt}${most === undefined ? '' : ` of ${most}`})`;
  return `API error: ${reason}${tries}`;
}

/** Errors hold the reason at some depth: `message`, `error.message`, `error.error.message` or a code of the cause. */
function reasonOf(error: JsonRecord | undefined): string | undefined {
  const status = numberAt(error, 'status');
  let inner: unknown = error;
  for (let depth = 0; depth < 4 && isRecord(inner); depth += 1) {
    const said = textAt(inner, 'message') ?? textAt(inner, 'code');
    if (said) return status === undefined ? said : `${status} ${said}`;
    inner = inner['error'] ?? inner['cause'];
  }
  return status === undefined ? undefined : String(status);
}
