import { EntryLog, usageOf } from './entry-log.js';
import type { MessageDraft, ResultDraft } from './entry-log.js';
import { fingerprint, safeId, titleOf } from './entry-names.js';
import { filesOfGeminiCall, outcomeOf, partsOf, responseText, thoughtOf } from './gemini-cli-parts.js';
import { countAt, isRecord, isTooDeep, jsonText, listAt, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import { imported, raw, skipped } from './line-account.js';
import type { Fate, LineAccount } from './line-account.js';
import type { TokenUsage, TranscriptSession } from './transcript.js';

/** Where a record stands: its line, or its index for a file that is one document. */
interface Spot {
  readonly number: number;
  readonly text: string;
}

interface Message {
  readonly draft: MessageDraft;
  /** Among the messages that hold. */
  readonly index: number;
}

/** A message, or a result that came of it, in its place among the entries. */
interface Told {
  readonly of: Message;
  readonly draft: MessageDraft | ResultDraft;
}

const MESSAGE_TYPES = new Set(['user', 'gemini', 'info', 'warning', 'error']);

/** How texts in a user's place begin that are commands or the machinery's. */
const NOT_TYPED = /^\s*(?:[/?]|<session_context>|<hook_context>)/;

const HEAD_KEYS = ['sessionId', 'kind', 'summary', 'directories'];

/** A chat that goes back thousands of times behind thousands of results must not become millions of entries. */
const MAX_TOLD_AGAIN = 10_000;

/** One chat of Gemini CLI, record by record. The same id again replaces a message. */
export class GeminiCliChat {
  readonly #log = new EntryLog();
  /** Messages that still hold, and their ids in order. */
  readonly #messages = new Map<string, Message>();
  readonly #order: string[] = [];
  /** What of the entries still holds. A result may stand behind later messages than its own. */
  readonly #told: Told[] = [];
  #toldAgain = 0;
  readonly #head = new Map<string, unknown>();
  #firstPrompt: string | undefined;
  /** Sub-agents by the call that started them. */
  readonly startedAgents = new Map<string, string>();

  constructor(private readonly account: LineAccount) {}

  /** Takes a line of a `.jsonl` chat in. */
  add(record: JsonRecord, spot: Spot): Fate {
    const target = textAt(record, '$rewindTo');
    if (target !== undefined) return this.#rewind(target, spot);
    const changes = recordAt(record, '$set');
    if (changes) return this.#set(changes, spot);
    if (textAt(record, 'id') !== undefined) return this.message(record, spot);
    if (textAt(record, 'sessionId') === undefined)
      return this.#raw(spot, textAt(record, 'type') ?? '(no type)');
    this.head(record);
    const messages = listAt(record, 'messages');
    if (!messages) return this.#raw(spot, 'metadata');
    for (const message of messages)
      if (isRecord(message)) this.message(message, { ...spot, text: jsonText(message) });
    return imported(this.#log);
  }

  /** What a document or a metadata line says of the chat as a whole; later values win. */
  head(record: JsonRecord): void {
    this.#log.goesOnUntil(textAt(record, 'lastUpdated'));
    for (const key of HEAD_KEYS) if (record[key] !== undefined) this.#head.set(key, record[key]);
  }

  message(record: JsonRecord, spot: Spot): Fate {
    const type = textAt(record, 'type') ?? '(no type)';
    const id = textAt(record, 'id') ?? `message-${fingerprint(spot.text)}`;
    if (!MESSAGE_TYPES.has(type) || isTooDeep(record)) return this.#raw(spot, type);
    this.#fill(this.#messages.get(id) ?? this.#open(id, type, record, spot), record, spot);
    return imported(this.#log);
  }

  get sessionId(): string | undefined {
    const id = this.#head.get('sessionId');
    return typeof id === 'string' ? safeId(id) : undefined;
  }

  get isSubAgent(): boolean {
    return this.#head.get('kind') === 'subagent';
  }

  session(file: string, sessionId: string, parent: TranscriptSession['parent']): TranscriptSession {
    const { startedAt, endedAt } = this.#log;
    const head = Object.fromEntries(this.#head);
    const cwd = (listAt(head, 'directories') ?? []).find((path) => typeof path === 'string');
    const entries = this.#log.close(this.account, filesOfGeminiCall);
    const model = entries.find((entry) => entry.kind === 'message' && entry.model !== undefined);
    return {
      agent: 'gemini-cli',
      file,
      sessionId,
      title: titleOf(textAt(head, 'summary') ?? this.#firstPrompt ?? '') || sessionId,
      ...(parent && { parent }),
      ...(startedAt !== undefined && { startedAt }),
      ...(endedAt !== undefined && { endedAt }),
      ...(cwd !== undefined && { cwd }),
      ...(model?.kind === 'message' && model.model !== undefined && { model: model.model }),
      entries,
      importedLines: this.#log.lines,
    };
  }

  #open(id: string, type: string, record: JsonRecord, spot: Spot): Message {
    const origin = { id, line: spot.number, time: textAt(record, 'timestamp') };
    const role = type === 'gemini' ? 'assistant' : type === 'user' ? 'user' : 'system';
    const draft = this.#log.message(origin, role);
    if (role === 'system') draft.origin = type === 'error' ? 'error' : 'notice';
    const message = { draft, index: this.#order.length };
    this.#messages.set(id, message);
    this.#told.push({ of: message, draft });
    this.#order.push(id);
    return message;
  }

  #fill(message: Message, record: JsonRecord, spot: Spot): void {
    const { draft } = message;
    const parts = partsOf(record['content'] ?? '');
    const recorded = (listAt(record, 'thoughts') ?? []).map(thoughtOf);
    // Parts are pieces of one text, wherever the stream broke it.
    replace(draft.texts, [parts.texts.join('')]);
    replace(draft.thoughts, recorded.length > 0 ? recorded : parts.thoughts);
    replace(draft.pictures, parts.images);
    if (draft.role === 'user') this.#markUser(draft, parts.responses.length > 0);
    const usage = usageIn(recordAt(record, 'tokens'));
    const model = textAt(record, 'model');
    if (usage) draft.usage = usage;
    if (model !== undefined) draft.model = model;
    for (const call of parts.calls) this.#call(draft, call);
    for (const call of listAt(record, 'toolCalls') ?? [])
      if (isRecord(call)) this.#recordedCall(message, call, spot);
    for (const response of parts.responses) this.#response(message, response, spot, record);
  }

  #markUser(draft: MessageDraft, isAnswer: boolean): void {
    const text = draft.texts.join(' ');
    const isTyped =
      !isAnswer && !NOT_TYPED.test(text.slice(0, 200)) && (text.trim() !== '' || draft.pictures.length > 0);
    if (!isTyped) draft.origin = 'meta';
    else if (!this.isSubAgent) draft.origin = 'human';
    if (isTyped) this.#firstPrompt ??= text;
  }

  #call(draft: MessageDraft, record: JsonRecord): string | undefined {
    const id = textAt(record, 'id');
    if (id === undefined) return undefined;
    const call = { id: safeId(id), name: textAt(record, 'name') ?? 'unknown', input: record['args'] ?? {} };
    if (this.#log.call(call)) draft.calls.push(call);
    return call.id;
  }

  /** A call with what came of it. The record is written again when more is known. */
  #recordedCall(message: Message, record: JsonRecord, spot: Spot): void {
    const callId = this.#call(message.draft, record);
    const agentId = textAt(record, 'agentId');
    if (callId === undefined) return this.account.note('call_without_id');
    if (agentId !== undefined) this.startedAgents.set(safeId(agentId), callId);
    const outcome = outcomeOf(record);
    if (!outcome) return;
    const { shown, isError, images, files } = outcome;
    const origin = { id: `result-${callId}`, line: spot.number, time: textAt(record, 'timestamp') };
    const known = this.#log.resultOf(callId);
    const draft = known ?? this.#log.result(origin, callId, shown, isError);
    if (!known) this.#told.push({ of: message, draft });
    draft.content = shown || draft.content;
    draft.isError = isError;
    if (images.length > 0) draft.images = images;
    if (files.length > 0) draft.files = files;
  }

  /** An answer in a message of its own; most are recorded with their call too. */
  #response(message: Message, response: JsonRecord, spot: Spot, record: JsonRecord): void {
    const id = textAt(response, 'id');
    if (id === undefined) return this.account.note('response_without_id');
    const callId = safeId(id);
    if (this.#log.resultOf(callId)) return;
    const origin = { id: `result-${callId}`, line: spot.number, time: textAt(record, 'timestamp') };
    const isError = recordAt(response, 'response')?.['error'] !== undefined;
    const draft = this.#log.result(origin, callId, responseText(response), isError);
    this.#told.push({ of: message, draft });
  }

  /** Drops a message and all after it; an id that is not known drops everything. */
  #rewind(target: string, spot: Spot): Fate {
    if (this.#order.length === 0) return this.#raw(spot, '$rewindTo');
    return this.#dropFrom(this.#messages.get(target)?.index ?? 0, spot);
  }

  /** Drops the messages from an index on. Results of earlier ones that came in between hold: they are told again. */
  #dropFrom(index: number, spot: Spot): Fate {
    const first = this.#told.findIndex(({ of }) => of.index >= index);
    const late = this.#told.splice(first).filter(({ of }) => of.index < index);
    const keepUpTo = this.#told.at(-1)?.draft.sourceId ?? null;
    this.#log.rewind({ id: `rewind-${fingerprint(spot.text)}`, line: spot.number }, keepUpTo);
    for (const { of, draft } of late) {
      if (draft.kind !== 'tool_result') continue;
      if (this.#toldAgain >= MAX_TOLD_AGAIN) this.account.note('late_result_left_out');
      else this.#told.push({ of, draft: this.#log.resultAgain(draft, spot.number) });
      this.#toldAgain += 1;
    }
    for (const id of this.#order.splice(index)) this.#messages.delete(id);
    return imported(this.#log);
  }

  /** Changed metadata, or all messages anew. */
  #set(changes: JsonRecord, spot: Spot): Fate {
    this.head(changes);
    const messages = listAt(changes, 'messages')?.filter(isRecord);
    if (messages) return this.#checkpoint(messages, spot);
    return Object.keys(changes).join() === 'lastUpdated' ? skipped('lastUpdated') : this.#raw(spot, '$set');
  }

  /**
   * All messages anew. Fewer of the same: the conversation went back. Others in place of some: the oldest were replaced
   * by a summary, and what they said stays. Known ones stay as they are: the new copies have outputs cut out of them.
   */
  #checkpoint(messages: readonly JsonRecord[], spot: Spot): Fate {
    const ids = messages.map((message) => textAt(message, 'id') ?? '');
    const isBeginning =
      ids.length < this.#order.length && ids.every((id, index) => id === this.#order[index]);
    if (isBeginning) return this.#dropFrom(ids.length, spot);
    const known = new Set(ids.filter((id) => this.#messages.has(id)));
    const isSummarised = known.size < this.#order.length;
    if (isSummarised) this.account.note('history_summarised');
    const fresh = messages.filter((_, index) => !known.has(ids[index] ?? ''));
    for (const message of fresh) {
      this.message(message, { ...spot, text: jsonText(message) });
      const draft = this.#messages.get(textAt(message, 'id') ?? '')?.draft;
      if (isSummarised && draft?.role === 'user') draft.origin = 'compaction';
    }
    return fresh.length > 0 ? imported(this.#log) : skipped('repeated');
  }

  #raw(spot: Spot, type: string): Fate {
    this.#log.raw(spot, type);
    return raw(type);
  }
}

/** Prompt tokens include the cached ones, and thoughts are put out too. */
function usageIn(tokens: JsonRecord | undefined): TokenUsage | undefined {
  if (!tokens || countAt(tokens, 'total') === 0) return undefined;
  const cacheRead = countAt(tokens, 'cached') ?? 0;
  const input = Math.max(0, (countAt(tokens, 'input') ?? 0) - cacheRead);
  const output = (countAt(tokens, 'output') ?? 0) + (countAt(tokens, 'thoughts') ?? 0);
  return usageOf({ input, output, cacheRead });
}

const replace = <Item>(list: Item[], items: readonly Item[]): void => {
  list.splice(0, list.length, ...items);
};
