import {
  countAt,
  isRecord,
  isTooDeep,
  jsonText,
  listAt,
  numberAt,
  recordAt,
  textAt,
} from '../transcripts/json-fields.js';
import type { JsonRecord } from '../transcripts/json-fields.js';
import { plainText } from '../transcripts/text-lines.js';
import type { FileChangeEntry, TokenUsage, ToolCallEntry } from '../transcripts/transcript.js';
import type { Happening } from './happening.js';
import type { ProgramLine } from './line-splitter.js';
import type { Narrator } from './narrator.js';
import { OpenCalls } from './open-calls.js';
import { OpenMessage, type TurnCost } from './open-message.js';
import { keptAs, parsedLine, passed, placeOf } from './stream-interpreter.js';
import type { Heard, StreamInterpreter, Verdict } from './stream-interpreter.js';

/** Items that are a call and its result. */
const TOOLS = new Set(['command_execution', 'file_change', 'mcp_tool_call', 'web_search']);

const FILE_ACTIONS: Readonly<Record<string, FileChangeEntry['action']>> = {
  add: 'A',
  update: 'M',
  delete: 'D',
};

/**
 * Reads `codex exec --json`. Items become messages, calls and results; an item's id counts anew in every run, so calls get
 * the run's id before it. What the agent thought stands on what it says or does next. A message is held until the next
 * line, for the turn's tokens follow its last message. The format has neither times nor prices nor diffs.
 */
export class CodexStream implements StreamInterpreter {
  conversationId: string | undefined;
  verdict: Verdict | undefined;
  #open: OpenMessage | undefined;
  readonly #calls = new OpenCalls();
  /** What is open holds thoughts and nothing else: it waits for what they lead to. */
  #isThinking = false;
  #usage: TokenUsage | undefined;

  constructor(private readonly narrator: Narrator) {}

  get holds(): boolean {
    return this.#open !== undefined;
  }

  get spent(): TurnCost {
    return this.#usage ? { usage: this.#usage } : {};
  }

  release(): readonly Happening[] {
    const open = this.#open;
    this.#open = undefined;
    return open?.told(this.narrator) ?? [];
  }

  line(line: ProgramLine): Heard {
    const parsed = parsedLine(this.narrator, line);
    return 'heard' in parsed ? parsed.heard : this.#event(line, parsed.record);
  }

  #event(line: ProgramLine, event: JsonRecord): Heard {
    const type = textAt(event, 'type') ?? '(no type)';
    switch (type) {
      case 'thread.started':
        this.conversationId = textAt(event, 'thread_id') ?? this.conversationId;
        return keptAs(this.narrator, line, type);
      case 'turn.started':
        return passed(type);
      case 'item.started':
      case 'item.updated':
      case 'item.completed':
        return this.#item(line, type, recordAt(event, 'item') ?? {});
      case 'turn.completed':
        return this.#turnCompleted(line, event);
      case 'turn.failed':
        return this.#turnFailed(line, event);
      case 'error':
        return this.#notice(line, textAt(event, 'message'));
      default:
        return keptAs(this.narrator, line, type);
    }
  }

  #item(line: ProgramLine, event: string, item: JsonRecord): Heard {
    const type = textAt(item, 'type') ?? '(no type)';
    const isCompleted = event === 'item.completed';
    if (isTooDeep(item)) return keptAs(this.narrator, line, `${event}:${type}`);
    if (TOOLS.has(type)) return this.#tool(line, event, type, item);
    if (type === 'agent_message' || type === 'reasoning') {
      return isCompleted ? this.#said(line, type, item) : passed(`${event}:${type}`);
    }
    if (type === 'error' && isCompleted) return this.#notice(line, textAt(item, 'message'));
    return keptAs(this.narrator, line, `${event}:${type}`);
  }

  #said(line: ProgramLine, type: string, item: JsonRecord): Heard {
    const text = textAt(item, 'text') ?? '';
    const isThought = type === 'reasoning';
    // A thought joins what follows it; after a message it begins the next one.
    const told = this.#isThinking ? [] : this.release();
    this.#open ??= new OpenMessage(placeOf(line), placeOf(line), undefined, undefined);
    const texts = isThought ? [] : [text];
    this.#open.add(
      { uuid: undefined, texts, thoughts: isThought ? [text] : [], calls: [], images: [] },
      line.bytes,
    );
    this.#isThinking = isThought;
    return { fate: { as: 'told' }, told: this.#open.isFull ? [...told, ...this.release()] : told };
  }

  #tool(line: ProgramLine, event: string, type: string, item: JsonRecord): Heard {
    const id = this.narrator.callId((textAt(item, 'id') ?? placeOf(line)).slice(0, 400));
    const isCompleted = event === 'item.completed';
    if (event === 'item.updated') return passed(`${event}:${type}`);
    const name = nameOf(type, item);
    const told = this.#calls.has(id) ? [] : this.#call(line, { id, name, input: inputOf(type, item) });
    if (!isCompleted) return { fate: { as: 'told' }, told };
    this.#calls.answered(id);
    const files = type === 'file_change' && !isFailed(item) ? filesOf(item) : [];
    const result = this.narrator.tell(`${placeOf(line)}/result`, {
      kind: 'tool_result',
      toolCallId: id,
      toolName: name,
      content: answerOf(type, item),
      isError: isFailed(item),
      ...(files.length > 0 && { files }),
    });
    return { fate: { as: 'told' }, told: [...told, ...this.release(), result] };
  }

  /** A call, with the thoughts before it. */
  #call(line: ProgramLine, call: ToolCallEntry): readonly Happening[] {
    const told = this.#isThinking ? [] : this.release();
    const open = this.#open ?? new OpenMessage(call.id, placeOf(line), undefined, undefined);
    this.#open = undefined;
    this.#isThinking = false;
    open.add(
      { uuid: undefined, texts: [], thoughts: [], calls: [this.#calls.opened(call)], images: [] },
      line.bytes,
    );
    return [...told, ...open.told(this.narrator)];
  }

  #turnCompleted(line: ProgramLine, event: JsonRecord): Heard {
    this.verdict = { as: 'completed' };
    const usage = usageIn(recordAt(event, 'usage'));
    const cost: TurnCost = usage ? { usage } : {};
    // The format says the tokens of the thread so far; a run has one turn.
    this.#usage = usage ?? this.#usage;
    const open = this.#open;
    this.#open = undefined;
    const content = 'The turn ended.';
    const notice = usage && !open;
    const told = notice
      ? [this.narrator.tell(placeOf(line), { kind: 'message', role: 'system', content, ...cost })]
      : (open?.told(this.narrator, cost) ?? []);
    const kept = keptAs(this.narrator, line, 'turn.completed');
    return { ...kept, told: [...told, ...kept.told], endsTurn: true };
  }

  #turnFailed(line: ProgramLine, event: JsonRecord): Heard {
    const reason = textAt(recordAt(event, 'error'), 'message') || 'The agent does not say why.';
    this.verdict = { as: 'failed', reason };
    const content = `The turn failed: ${reason}`;
    const message = this.narrator.tell(placeOf(line), { kind: 'message', role: 'system', content });
    return { fate: { as: 'told' }, told: [...this.release(), message], endsTurn: true };
  }

  /** A word of the machinery, which may try again after it: whether the turn failed is said by its end. */
  #notice(line: ProgramLine, text: string | undefined): Heard {
    const content = text || line.text;
    const notice = this.narrator.tell(placeOf(line), { kind: 'output', channel: 'agent', content });
    return { fate: { as: 'told' }, told: [...this.release(), notice] };
  }
}

function nameOf(type: string, item: JsonRecord): string {
  if (type === 'file_change') return 'apply_patch';
  if (type !== 'mcp_tool_call') return type;
  const name = [textAt(item, 'server'), textAt(item, 'tool')].filter(Boolean).join('.');
  return name.slice(0, 1_000) || type;
}

function inputOf(type: string, item: JsonRecord): unknown {
  switch (type) {
    case 'command_execution':
      return { command: item['command'] ?? null };
    case 'file_change':
      return { changes: item['changes'] ?? [] };
    case 'mcp_tool_call':
      return item['arguments'] ?? {};
    default:
      return { query: item['query'] ?? null };
  }
}

function answerOf(type: string, item: JsonRecord): string {
  const error = textAt(recordAt(item, 'error'), 'message') ?? textAt(item, 'error');
  if (error !== undefined) return error;
  if (type === 'command_execution') return textAt(item, 'aggregated_output') ?? '';
  if (type === 'file_change')
    return filesOf(item)
      .map(({ action, path }) => `${action} ${path}`)
      .join('\n');
  const result = item['result'] ?? undefined;
  const content = isRecord(result) ? plainText(result['content']) : '';
  return content || (result === undefined ? '' : jsonText(result));
}

const isFailed = (item: JsonRecord): boolean =>
  textAt(item, 'status') === 'failed' || (numberAt(item, 'exit_code') ?? 0) !== 0 || isRecord(item['error']);

const filesOf = (item: JsonRecord): readonly FileChangeEntry[] =>
  (listAt(item, 'changes') ?? []).flatMap((change): FileChangeEntry[] => {
    const path = isRecord(change) ? textAt(change, 'path') : undefined;
    const action = isRecord(change) ? FILE_ACTIONS[textAt(change, 'kind') ?? ''] : undefined;
    return path !== undefined && action !== undefined ? [{ path, action }] : [];
  });

function usageIn(usage: JsonRecord | undefined): TokenUsage | undefined {
  const input = countAt(usage, 'input_tokens');
  const output = countAt(usage, 'output_tokens');
  if (input === undefined && output === undefined) return undefined;
  const cacheRead = countAt(usage, 'cached_input_tokens') ?? 0;
  const cacheWrite = countAt(usage, 'cache_write_input_tokens');
  return {
    input: Math.max(0, (input ?? 0) - cacheRead),
    output: output ?? 0,
    cacheRead,
    ...(cacheWrite !== undefined && { cacheWrite }),
  };
}
