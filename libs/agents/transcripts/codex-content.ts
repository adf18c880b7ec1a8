import { imageOfUrl } from './entry-log.js';
import {
  isRecord,
  isTooDeep,
  jsonText,
  listAt,
  numberAt,
  parseJson,
  recordAt,
  textAt,
} from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import type { ImageEntry } from './transcript.js';

export interface Content {
  readonly texts: readonly string[];
  readonly images: readonly ImageEntry[];
}

/** Texts and pictures of a content list; a picture that is not in the file is named by its address. */
export function contentOf(items: unknown): Content {
  if (typeof items === 'string') return { texts: [items], images: [] };
  const texts: string[] = [];
  const images: ImageEntry[] = [];
  for (const item of Array.isArray(items) ? items : []) {
    if (!isRecord(item)) continue;
    const url = textAt(item, 'image_url') ?? textAt(recordAt(item, 'image_url'), 'url');
    const image = url === undefined ? undefined : imageOfUrl(url);
    const text = textAt(item, 'text') ?? textAt(item, 'refusal');
    if (image) images.push(image);
    else if (url !== undefined) texts.push(`[image: ${url.slice(0, 500)}]`);
    else texts.push(text ?? jsonText(item));
  }
  return { texts, images };
}

/** Tags of texts that Codex puts in a user's place to tell the model of its surroundings. */
const INJECTED = new Set([
  'environment_context',
  'user_instructions',
  'permissions instructions',
  'INSTRUCTIONS',
  'apps_instructions',
  'collaboration_mode',
  'model_switch',
  'multi_agent_mode',
  'personality_spec',
  'plugins_instructions',
  'recommended_plugins',
  'skills_instructions',
  'token_budget',
]);

/** Tags of texts that the machinery wrote, but that tell of something that happened. */
const MACHINE = new Set([
  'hook_prompt',
  'skill',
  'subagent_notification',
  'turn_aborted',
  'user_action',
  'user_shell_command',
]);

/** Who a text in a user's place comes from. */
export function senderOf(text: string): 'human' | 'machine' | 'context' {
  const start = text.slice(0, 200).trimStart();
  if (start.startsWith('# AGENTS.md instructions for ')) return 'context';
  const tag = /^<([A-Za-z_]+(?: instructions)?)/.exec(start)?.[1] ?? '';
  if (INJECTED.has(tag)) return 'context';
  return MACHINE.has(tag) ? 'machine' : 'human';
}

export interface CallOutput extends Content {
  readonly isError: boolean;
}

/** How outputs begin that say the call itself did not work. */
const FAILED =
  /^(?:execution error|exec_command failed|apply_patch verification failed|aborted\b|unsupported (?:custom tool )?call|failed to parse function arguments|patch rejected)/i;
const EXIT_CODE = /^(?:Exit code:|Process exited with code) (-?\d+)/m;

/** A call's output: a text, `{"output", "metadata": {"exit_code"}}` as a text, or a list of contents. */
export function outputOf(output: unknown): CallOutput {
  if (isRecord(output)) {
    const content = contentOf(output['content_items'] ?? output['content'] ?? jsonText(output));
    return { ...content, isError: output['success'] === false };
  }
  const content = contentOf(output);
  const [text] = content.texts;
  if (typeof output !== 'string' || text === undefined) return { ...content, isError: false };
  const wrapped = text.startsWith('{') ? parseJson(text) : undefined;
  const inner = isRecord(wrapped) ? textAt(wrapped, 'output') : undefined;
  if (isRecord(wrapped) && inner !== undefined) {
    const exitCode = numberAt(recordAt(wrapped, 'metadata'), 'exit_code') ?? 0;
    return { texts: [inner], images: [], isError: exitCode !== 0 };
  }
  // What the command printed comes after the head and may say anything.
  const head = text.slice(0, 2000).split('\nOutput:', 1)[0] ?? '';
  const exitCode = Number(EXIT_CODE.exec(head)?.[1] ?? 0);
  return { ...content, isError: exitCode !== 0 || FAILED.test(text.slice(0, 200)) };
}

/** A call's arguments come as a JSON text; what is no JSON, or nested too deeply, stays a text. */
export function argumentsOf(text: string): unknown {
  const value = parseJson(text);
  return value === undefined || isTooDeep(value) ? text : value;
}

/** What a reasoning item shows of itself: its summary and, where the provider gives it, its content. */
export const thoughtsOf = (payload: JsonRecord): readonly string[] =>
  [...(listAt(payload, 'summary') ?? []), ...(listAt(payload, 'content') ?? [])]
    .map((part) => (isRecord(part) ? textAt(part, 'text') : undefined))
    .filter((text) => text !== undefined);
