import { filesOfCall, filesOfToolUseResult } from '../transcripts/claude-code-changes.js';
import type { Block } from '../transcripts/claude-code-blocks.js';
import { readableBlocks } from '../transcripts/claude-code-messages.js';
import { safeId } from '../transcripts/entry-names.js';
import { isTrueAt, listAt, recordAt, textAt } from '../transcripts/json-fields.js';
import type { JsonRecord } from '../transcripts/json-fields.js';
import type { FileChangeEntry } from '../transcripts/transcript.js';
import { ClaudeUsage } from './claude-usage.js';
import type { Happening } from './happening.js';
import type { ProgramLine } from './line-splitter.js';
import { picturesText, type Narrator } from './narrator.js';
import { OpenMessage, type MessagePart, type TurnCost } from './open-message.js';
import { OpenCalls } from './open-calls.js';
import { keptAs, parsedLine, passed, placeOf } from './stream-interpreter.js';
import type { Heard, StreamInterpreter, Verdict } from './stream-interpreter.js';

/** Types and subtypes of lines that only say that something goes on. */
const TICKS = new Set([
  'stream_event',
  'tool_progress',
  'keep_alive',
  'system:hook_progress',
  'system:status',
  'system:task_progress',
  'system:thinking_tokens',
  'system:control_request_progress',
]);

/** More sub-agents than that do not talk at once; beyond it messages are told as they stand. */
const MAX_OPEN = 100;

/** The main conversation among the open messages, which are held by the call that started their sub-agent. */
const MAIN = '';

type ResultBlock = Block & { readonly kind: 'result' };

/**
 * Reads `claude -p --output-format stream-json --verbose`.
 *
 * A line holds one block of a message, and no line says that a message is whole. So a message is held until a line comes
 * that is not of it (in its own conversation: sub-agents talk in between), or until nothing has come for a while; then it
 * is told once and never amended. A block that comes later still becomes a message of its own.
 * Tokens on these lines are not final; a turn's tokens and price come from `result` and stand on the turn's last message,
 * or on a notice that the turn ended when that message has been told already or the turn failed.
 */
export class ClaudeStream implements StreamInterpreter {
  conversationId: string | undefined;
  verdict: Verdict | undefined;
  readonly #open = new Map<string, OpenMessage>();
  readonly #calls = new OpenCalls();
  readonly #usage = new ClaudeUsage();

  constructor(private readonly narrator: Narrator) {}

  get holds(): boolean {
    return this.#open.size > 0;
  }

  get spent(): TurnCost {
    return this.#usage.spent;
  }

  release(): readonly Happening[] {
    return [...this.#open.keys()].flatMap((parent) => this.#close(parent));
  }

  line(line: ProgramLine): Heard {
    const parsed = parsedLine(this.narrator, line);
    return 'heard' in parsed ? parsed.heard : this.#record(line, parsed.record);
  }

  #record(line: ProgramLine, record: JsonRecord): Heard {
    const type = textAt(record, 'type') ?? '(no type)';
    if (type === 'assistant') return this.#assistant(line, record);
    if (type === 'user') return this.#user(line, record);
    if (type === 'result') return this.#result(line, record);
    const subtype = textAt(record, 'subtype');
    const name = subtype === undefined ? type : `${type}:${subtype}`;
    if (name === 'system:init') this.conversationId = textAt(record, 'session_id') ?? this.conversationId;
    if (type === 'conversation_reset')
      this.conversationId = textAt(record, 'new_conversation_id') ?? this.conversationId;
    return TICKS.has(name) || TICKS.has(type) ? passed(name) : keptAs(this.narrator, line, name);
  }

  #assistant(line: ProgramLine, record: JsonRecord): Heard {
    const message = recordAt(record, 'message');
    const blocks = readableBlocks(message?.['content']);
    if (!message || !blocks) return keptAs(this.narrator, line, 'assistant');
    const parentCallId = parentOf(record);
    const key = parentCallId ?? MAIN;
    const id = textAt(message, 'id') ?? textAt(record, 'uuid') ?? placeOf(line);
    const told = [...this.#takeBack(line, record), ...this.#makeRoom(key, id)];
    if (blocks.every((block) => block.kind === 'sealed')) {
      return { fate: { as: 'passed', type: 'sealed_thinking' }, told };
    }
    const open = this.#open.get(key) ?? new OpenMessage(id, placeOf(line), parentCallId, modelOf(message));
    this.#open.set(key, open);
    open.add(this.#partOf(record, blocks), line.bytes);
    const results = blocks.filter((block) => block.kind === 'result');
    if (results.length > 0 || open.isFull) told.push(...this.#close(key));
    // Of a tool that the provider ran itself: the call stands in the same message.
    results.forEach((block, index) => told.push(this.#answer(line, index, block, parentCallId, undefined)));
    return { fate: { as: 'told' }, told };
  }

  #partOf(record: JsonRecord, blocks: readonly Block[]): MessagePart {
    return {
      uuid: textAt(record, 'uuid'),
      texts: blocks.flatMap((block) =>
        block.kind === 'text' || block.kind === 'unknown' ? [block.text] : [],
      ),
      thoughts: blocks.flatMap((block) => (block.kind === 'thinking' ? [block.text] : [])),
      calls: blocks.flatMap((block) => (block.kind === 'call' ? [this.#calls.opened(block.call)] : [])),
      images: blocks.flatMap((block) => (block.kind === 'image' ? [block.image] : [])),
    };
  }

  #user(line: ProgramLine, record: JsonRecord): Heard {
    if (isTrueAt(record, 'isReplay')) return passed('user:replay');
    const blocks = readableBlocks(recordAt(record, 'message')?.['content']);
    if (!blocks || blocks.length === 0) return keptAs(this.narrator, line, 'user');
    const parentCallId = parentOf(record);
    const told = [...this.#close(parentCallId ?? MAIN)];
    const results = blocks.filter((block) => block.kind === 'result');
    const structured = results.length === 1 ? record['tool_use_result'] : undefined;
    results.forEach((block, index) => told.push(this.#answer(line, index, block, parentCallId, structured)));
    const said = blocks.filter((block) => block.kind !== 'result');
    if (said.length > 0) told.push(this.#said(line, record, said, parentCallId));
    return { fate: { as: 'told' }, told };
  }

  /** What stands in the user's place: a sub-agent's prompt, or what the machinery put there. */
  #said(
    line: ProgramLine,
    record: JsonRecord,
    blocks: readonly Block[],
    parentCallId: string | undefined,
  ): Happening {
    const sender = textAt(recordAt(record, 'origin'), 'kind') ?? 'human';
    const isMachine = isTrueAt(record, 'isSynthetic') || isTrueAt(record, 'isMeta') || sender !== 'human';
    const texts = blocks.flatMap((block) => {
      if (block.kind === 'image') return picturesText([block.image]);
      return 'text' in block ? [block.text] : [];
    });
    return this.narrator.tell(`${placeOf(line)}/said`, {
      kind: 'message',
      role: isMachine ? 'system' : 'user',
      content: texts.join('\n\n'),
      ...(parentCallId !== undefined && { parentCallId }),
    });
  }

  #answer(
    line: ProgramLine,
    index: number,
    block: ResultBlock,
    parentCallId: string | undefined,
    structured: unknown,
  ): Happening {
    const { toolCallId, isError, output } = block;
    const call = this.#calls.answered(toolCallId);
    const content = [output.text, ...picturesText(output.images)].filter((text) => text !== '').join('\n');
    const entry = { sourceId: '', occurredAt: '', line: line.number, toolCallId, content, isError };
    const files: readonly FileChangeEntry[] = isError
      ? []
      : (filesOfToolUseResult(structured) ??
        (call ? filesOfCall(call, { kind: 'tool_result', ...entry }) : []));
    return this.narrator.tell(`${placeOf(line)}/result/${index}`, {
      kind: 'tool_result',
      toolCallId,
      ...(call && { toolName: call.name }),
      content,
      isError,
      ...(files.length > 0 && { files }),
      ...(parentCallId !== undefined && { parentCallId }),
    });
  }

  #result(line: ProgramLine, record: JsonRecord): Heard {
    const cost = this.#usage.turn(record);
    const subtype = textAt(record, 'subtype') ?? 'unknown';
    const isFailed = subtype !== 'success' || isTrueAt(record, 'is_error');
    this.verdict = isFailed ? { as: 'failed', reason: failureOf(record, subtype) } : { as: 'completed' };
    const main = this.#open.get(MAIN);
    const bearer = isFailed ? undefined : main;
    if (bearer) this.#open.delete(MAIN);
    const told = [...this.release(), ...(bearer?.told(this.narrator, cost) ?? [])];
    if (!bearer && (isFailed || cost.usage || cost.costUsd !== undefined)) {
      const content =
        this.verdict.as === 'failed' ? `The turn failed: ${this.verdict.reason}` : 'The turn ended.';
      told.push(
        this.narrator.tell(`${placeOf(line)}/turn`, { kind: 'message', role: 'system', content, ...cost }),
      );
    }
    const kept = keptAs(this.narrator, line, `result:${subtype}`);
    return { ...kept, told: [...told, ...kept.told], endsTurn: true };
  }

  /** A line that takes others back: what has not been told is left out, for the rest the line itself is kept. */
  #takeBack(line: ProgramLine, record: JsonRecord): readonly Happening[] {
    const uuids = new Set((listAt(record, 'supersedes') ?? []).filter((uuid) => typeof uuid === 'string'));
    if (uuids.size === 0) return [];
    for (const open of this.#open.values()) for (const uuid of open.takeBack(uuids)) uuids.delete(uuid);
    return uuids.size === 0 ? [] : keptAs(this.narrator, line, 'assistant:supersedes').told;
  }

  /** Tells what is open in the conversation, if it is another message, and all when too many are open. */
  #makeRoom(key: string, id: string): readonly Happening[] {
    const open = this.#open.get(key);
    if (open) return open.id === id ? [] : this.#close(key);
    return this.#open.size < MAX_OPEN ? [] : this.release();
  }

  #close(key: string): readonly Happening[] {
    const open = this.#open.get(key);
    this.#open.delete(key);
    return open?.told(this.narrator) ?? [];
  }
}

function modelOf(message: JsonRecord): string | undefined {
  const model = textAt(message, 'model');
  // What the program itself puts in the agent's place.
  return model === '' || model === '<synthetic>' ? undefined : model?.slice(0, 500);
}

const parentOf = (record: JsonRecord): string | undefined => {
  const id = textAt(record, 'parent_tool_use_id');
  return id === undefined ? undefined : safeId(id);
};

function failureOf(record: JsonRecord, subtype: string): string {
  const errors = (listAt(record, 'errors') ?? []).filter((error) => typeof error === 'string');
  const said = errors.length > 0 ? errors.join('; ') : textAt(record, 'result');
  return said ? `${said} (${subtype})` : subtype;
}
