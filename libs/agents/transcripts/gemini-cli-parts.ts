import { imageOf } from './entry-log.js';
import { isRecord, isTrueAt, jsonText, numberAt, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import { countUnifiedDiff, linesOf } from './text-lines.js';
import type { FileChangeEntry, ImageEntry, ToolCallEntry } from './transcript.js';

/** The parts of a content (`PartListUnion`): a text, a part or a list of either. */
export interface Parts {
  readonly texts: readonly string[];
  readonly thoughts: readonly string[];
  readonly images: readonly ImageEntry[];
  readonly calls: readonly JsonRecord[];
  readonly responses: readonly JsonRecord[];
}

export function partsOf(content: unknown): Parts {
  const texts: string[] = [];
  const thoughts: string[] = [];
  const images: ImageEntry[] = [];
  const calls: JsonRecord[] = [];
  const responses: JsonRecord[] = [];
  const parts: readonly unknown[] = Array.isArray(content) ? content : [content];
  for (const part of parts) {
    if (typeof part === 'string') texts.push(part);
    if (!isRecord(part)) continue;
    const text = textAt(part, 'text');
    const data = recordAt(part, 'inlineData');
    const call = recordAt(part, 'functionCall');
    const response = recordAt(part, 'functionResponse');
    const image = imageOf(textAt(data, 'mimeType'), textAt(data, 'data'));
    if (image) images.push(image);
    else if (call) calls.push(call);
    else if (response) responses.push(response);
    else if (text !== undefined) (isTrueAt(part, 'thought') ? thoughts : texts).push(text);
    else texts.push(jsonText(part));
  }
  return { texts, thoughts, images, calls, responses };
}

/** A tool's answer as a text: the output or error that the response holds, else its JSON. */
export function responseText(response: JsonRecord): string {
  const inner = recordAt(response, 'response');
  const said = textAt(inner, 'output') ?? textAt(inner, 'error') ?? textAt(inner, 'content');
  return said ?? (inner ? jsonText(inner) : '');
}

/** A recorded thought: its subject as a heading and what it says. */
export function thoughtOf(thought: unknown): string {
  if (!isRecord(thought)) return '';
  const subject = textAt(thought, 'subject');
  const said = textAt(thought, 'description') ?? '';
  return subject ? `**${subject}** ${said}`.trimEnd() : said;
}

/** What came of a recorded call. */
export interface Outcome {
  readonly shown: string;
  readonly isError: boolean;
  readonly images: readonly ImageEntry[];
  readonly files: readonly FileChangeEntry[];
}

/** What came of a recorded call; undefined while it is not over. */
export function outcomeOf(record: JsonRecord): Outcome | undefined {
  const status = textAt(record, 'status') ?? 'success';
  const isError = status === 'error' || status === 'cancelled';
  const result = record['result'] ?? undefined;
  if (result === undefined && !isError && status !== 'success') return undefined;
  const { texts, images, responses } = partsOf(result ?? '');
  const content = [...texts, ...responses.map(responseText)].filter((text) => text !== '').join('\n');
  const shown = content || (textAt(record, 'resultDisplay') ?? '');
  return { shown, isError, images, files: isError ? [] : filesOfRecordedCall(record) };
}

const WRITING_TOOLS = new Set(['write_file', 'replace', 'edit', 'smart_edit']);

/** Files that a tool call changed, from what it shows of the change, else from its name and the words of its answer. */
function filesOfRecordedCall(record: JsonRecord): readonly FileChangeEntry[] {
  const display = recordAt(record, 'resultDisplay');
  const args = recordAt(record, 'args');
  const path = textAt(args, 'file_path') ?? textAt(args, 'path') ?? textAt(display, 'fileName');
  const diff = textAt(display, 'fileDiff');
  if (path === undefined || (diff === undefined && !WRITING_TOOLS.has(textAt(record, 'name') ?? '')))
    return [];
  if (diff === undefined) return [];
  const isNew = display?.['isNewFile'] === true || display?.['originalContent'] === null;
  return [{ path, action: isNew ? 'A' : 'M', ...(countsOf(display) ?? countUnifiedDiff(diff)) }];
}

/** Files that a writing tool must have changed, when nothing more is recorded than its call and its answer. */
export function filesOfGeminiCall(
  call: ToolCallEntry,
  result: { readonly content: string },
): readonly FileChangeEntry[] {
  const path = isRecord(call.input)
    ? (textAt(call.input, 'file_path') ?? textAt(call.input, 'path'))
    : undefined;
  if (path === undefined || !isRecord(call.input) || !WRITING_TOOLS.has(call.name)) return [];
  const isNew = /created (?:and wrote to )?new file/i.test(result.content.slice(0, 1000));
  const content = textAt(call.input, 'content');
  if (!isNew || content === undefined) return [{ path, action: isNew ? 'A' : 'M' }];
  return [{ path, action: 'A', linesAdded: linesOf(content).length, linesRemoved: 0 }];
}

function countsOf(display: JsonRecord | undefined): { linesAdded: number; linesRemoved: number } | undefined {
  const stat = recordAt(display, 'diffStat');
  if (!stat) return undefined;
  const sum = (one: string, other: string): number =>
    (numberAt(stat, one) ?? 0) + (numberAt(stat, other) ?? 0);
  return {
    linesAdded: sum('model_added_lines', 'user_added_lines'),
    linesRemoved: sum('model_removed_lines', 'user_removed_lines'),
  };
}
