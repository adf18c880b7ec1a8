import { imageOf } from './entry-log.js';
import { safeId } from './entry-names.js';
import { isRecord, isTrueAt, jsonText, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import type { ImageEntry, ToolCallEntry } from './transcript.js';

/** A block of a message's content (Anthropic Messages API), as far as a transcript needs it. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'thinking'; readonly text: string }
  | { readonly kind: 'image'; readonly image: ImageEntry; readonly key: string }
  | { readonly kind: 'call'; readonly call: ToolCallEntry }
  | {
      readonly kind: 'result';
      readonly toolCallId: string;
      readonly output: Output;
      readonly isError: boolean;
    }
  /** Nothing that can be read: the provider's encrypted thinking. */
  | { readonly kind: 'sealed' }
  /** A type that is not known; its JSON stands for it. */
  | { readonly kind: 'unknown'; readonly text: string };

export interface Output {
  readonly text: string;
  readonly images: readonly ImageEntry[];
}

/** The blocks of a content, which is a string or a list; undefined where it is neither. */
export function blocksOf(content: unknown): readonly Block[] | undefined {
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  return Array.isArray(content) ? content.map(blockOf) : undefined;
}

function blockOf(block: unknown): Block {
  if (typeof block === 'string') return { kind: 'text', text: block };
  if (!isRecord(block)) return { kind: 'unknown', text: jsonText(block) };
  const type = textAt(block, 'type') ?? '';
  switch (type) {
    case 'text':
      return { kind: 'text', text: textAt(block, 'text') ?? '' };
    case 'thinking':
      return { kind: 'thinking', text: textAt(block, 'thinking') ?? '' };
    case 'redacted_thinking':
      return { kind: 'sealed' };
    case 'image':
    case 'document':
      return attached(block);
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return called(block);
    default:
      return type.endsWith('tool_result') ? answered(block) : { kind: 'unknown', text: jsonText(block) };
  }
}

function called(block: JsonRecord): Block {
  const id = textAt(block, 'id');
  if (id === undefined) return { kind: 'unknown', text: jsonText(block) };
  const name = textAt(block, 'name') ?? 'unknown';
  return { kind: 'call', call: { id: safeId(id), name, input: block['input'] ?? {} } };
}

function answered(block: JsonRecord): Block {
  const id = textAt(block, 'tool_use_id');
  if (id === undefined) return { kind: 'unknown', text: jsonText(block) };
  const isError = isTrueAt(block, 'is_error');
  return { kind: 'result', toolCallId: safeId(id), output: outputOf(block['content']), isError };
}

function attached(block: JsonRecord): Block {
  const source = recordAt(block, 'source');
  const data = textAt(source, 'data');
  const mediaType = textAt(source, 'media_type');
  if (textAt(source, 'type') === 'text') return { kind: 'text', text: data ?? '' };
  const image = textAt(source, 'type') === 'base64' ? imageOf(mediaType, data) : undefined;
  if (!image || !data) return { kind: 'unknown', text: jsonText(block) };
  return { kind: 'image', image, key: `${data.length} ${data.slice(0, 200)} ${data.slice(-200)}` };
}

/** A tool's output: a string, or a list of texts and pictures. */
function outputOf(content: unknown): Output {
  if (typeof content === 'string') return { text: content, images: [] };
  if (content === undefined || content === null) return { text: '', images: [] };
  if (!Array.isArray(content)) return { text: jsonText(content), images: [] };
  const texts: string[] = [];
  const images: ImageEntry[] = [];
  for (const block of content.map(blockOf)) {
    if (block.kind === 'image') images.push(block.image);
    else if (block.kind === 'text' || block.kind === 'thinking' || block.kind === 'unknown')
      texts.push(block.text);
  }
  return { text: texts.join('\n'), images };
}
