import { fingerprint, safeId, timeOf, UniqueIds } from './entry-names.js';
import type { Counted, LineAccount } from './line-account.js';
import type {
  FileChangeEntry,
  ImageEntry,
  MessageEntry,
  RawEntry,
  RewindEntry,
  TokenUsage,
  ToolCallEntry,
  ToolResultEntry,
  TranscriptEntry,
} from './transcript.js';

type Writable<Entry> = { -readonly [Key in keyof Entry]: Entry[Key] };

/** Where an entry begins: its line, that line's time (none: the time before it) and the id that it asks for. */
export interface EntryOrigin {
  readonly id: string;
  readonly line: number;
  readonly time?: string | undefined;
  readonly copiedFrom?: string | undefined;
}

/** A message while its lines are being read. Text blocks are joined when the log is closed. */
export interface MessageDraft extends Writable<
  Omit<MessageEntry, 'content' | 'thinking' | 'toolCalls' | 'images'>
> {
  readonly texts: string[];
  readonly thoughts: string[];
  readonly calls: ToolCallEntry[];
  readonly pictures: ImageEntry[];
}

export type ResultDraft = Writable<ToolResultEntry>;

/** How a result's files are told from the call that asked for it, for results that don't tell themselves. */
export type FilesOfCall = (call: ToolCallEntry, result: ResultDraft) => readonly FileChangeEntry[];

type Draft = MessageDraft | ResultDraft | Writable<RewindEntry> | Writable<RawEntry>;

/** Used where no line of a file has a time. */
const NO_TIME = '1970-01-01T00:00:00.000Z';

/**
 * The entries of one session in file order, with ids that are unique and times that are never missing.
 * Everything depends on earlier lines alone, so that a longer file only adds entries.
 */
export class EntryLog implements Counted {
  lines = 0;
  readonly #entries: Draft[] = [];
  readonly #ids = new UniqueIds();
  readonly #calls = new Map<string, ToolCallEntry>();
  readonly #results = new Map<string, ResultDraft>();
  /** Results that were told again later. */
  readonly #toldBefore: ResultDraft[] = [];
  #time = '';
  #first = '';
  #earliest = '';
  #latest = '';

  message(origin: EntryOrigin, role: MessageEntry['role']): MessageDraft {
    const { line } = origin;
    const sourceId = this.#ids.take(origin.id);
    const occurredAt = this.#timeOf(origin.time);
    const parts = { texts: [], thoughts: [], calls: [], pictures: [] };
    const draft: MessageDraft = { kind: 'message', sourceId, occurredAt, line, role, ...parts };
    if (origin.copiedFrom) draft.copiedFrom = safeId(origin.copiedFrom);
    this.#entries.push(draft);
    return draft;
  }

  /** A short message that people read in place of what the agent recorded. */
  notice(
    origin: EntryOrigin,
    text: string,
    kind: 'notice' | 'error' | 'compaction' = 'notice',
  ): MessageDraft {
    const draft = this.message(origin, 'system');
    draft.texts.push(text);
    draft.origin = kind;
    return draft;
  }

  result(origin: EntryOrigin, toolCallId: string, content: string, isError: boolean): ResultDraft {
    const draft: ResultDraft = { ...this.#base(origin), kind: 'tool_result', toolCallId, content, isError };
    this.#entries.push(draft);
    if (!this.#results.has(toolCallId)) this.#results.set(toolCallId, draft);
    return draft;
  }

  /** Tells a result once more as it is now, where a rewind went back to before it. What is said of it later goes there. */
  resultAgain(result: ResultDraft, line: number): ResultDraft {
    const draft = { ...result, sourceId: this.#ids.take(result.sourceId), line };
    this.#entries.push(draft);
    this.#results.set(result.toolCallId, draft);
    this.#toldBefore.push(result);
    return draft;
  }

  rewind(origin: EntryOrigin, keepUpTo: string | null): void {
    this.#entries.push({ ...this.#base(origin), kind: 'rewind', keepUpTo });
  }

  /** Keeps a line as it is. Without an id of its own it is named by its content. */
  raw(
    line: { readonly number: number; readonly text: string },
    lineType: string,
    id?: string,
    time?: string,
  ): void {
    const origin = { id: id ?? `raw-${fingerprint(line.text)}`, line: line.number, time };
    this.#entries.push({ ...this.#base(origin), kind: 'raw', lineType, raw: line.text });
  }

  /** Remembers a call, so that its result can be told from others. False when the id was called before. */
  call(call: ToolCallEntry): boolean {
    if (this.#calls.has(call.id)) return false;
    this.#calls.set(call.id, call);
    return true;
  }

  callOf(toolCallId: string): ToolCallEntry | undefined {
    return this.#calls.get(toolCallId);
  }

  resultOf(toolCallId: string): ResultDraft | undefined {
    return this.#results.get(toolCallId);
  }

  calls(): Iterable<ToolCallEntry> {
    return this.#calls.values();
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** What the agent said first, for a title where no person said anything. */
  get firstAnswer(): string | undefined {
    for (const entry of this.#entries) {
      if (entry.kind !== 'message' || entry.role !== 'assistant') continue;
      const text = entry.texts.find((block) => block.trim() !== '');
      if (text !== undefined) return text;
    }
    return undefined;
  }

  get startedAt(): string | undefined {
    return this.#earliest || undefined;
  }

  get endedAt(): string | undefined {
    return this.#latest || undefined;
  }

  /** Says that the conversation went on until a time, where a line changes an entry that is there. */
  goesOnUntil(time: string | undefined): void {
    const known = timeOf(time);
    if (known !== undefined && known > this.#latest) this.#latest = known;
  }

  /** The entries, with results told by their calls; notes what has no counterpart. */
  close(account: LineAccount, filesOf: FilesOfCall): TranscriptEntry[] {
    let withoutCall = 0;
    for (const result of this.#results.values()) if (!this.#calls.has(result.toolCallId)) withoutCall += 1;
    for (const result of [...this.#toldBefore, ...this.#results.values()]) this.#complete(result, filesOf);
    let withoutResult = 0;
    for (const id of this.#calls.keys()) if (!this.#results.has(id)) withoutResult += 1;
    account.note('result_without_call', withoutCall);
    account.note('call_without_result', withoutResult);
    return this.#entries.map((entry) => this.#finished(entry));
  }

  /** Tells of a result what its call says. */
  #complete(result: ResultDraft, filesOf: FilesOfCall): void {
    const call = this.#calls.get(result.toolCallId);
    if (!call) return;
    if (!result.toolName) result.toolName = call.name;
    if (result.files || result.isError) return;
    const files = filesOf(call, result);
    if (files.length > 0) result.files = files;
  }

  #base(origin: EntryOrigin): { sourceId: string; occurredAt: string; line: number; copiedFrom?: string } {
    const { id, line, time, copiedFrom } = origin;
    const sourceId = this.#ids.take(id);
    return {
      sourceId,
      occurredAt: this.#timeOf(time),
      line,
      ...(copiedFrom && { copiedFrom: safeId(copiedFrom) }),
    };
  }

  #timeOf(time: string | undefined): string {
    const known = timeOf(time);
    if (known === undefined) return this.#time;
    this.#time = known;
    this.#first ||= known;
    if (!this.#earliest || known < this.#earliest) this.#earliest = known;
    if (known > this.#latest) this.#latest = known;
    return known;
  }

  #finished(entry: Draft): TranscriptEntry {
    entry.occurredAt ||= this.#first || NO_TIME;
    return entry.kind === 'message' ? finishedMessage(entry) : entry;
  }
}

function finishedMessage(draft: MessageDraft): MessageEntry {
  const { texts, thoughts, calls, pictures, ...rest } = draft;
  return {
    ...rest,
    content: joined(texts),
    ...(thoughts.length > 0 && { thinking: joined(thoughts) }),
    ...(calls.length > 0 && { toolCalls: calls }),
    ...(pictures.length > 0 && { images: pictures }),
  };
}

/** Blocks are paragraphs of their own; blocks of white space alone (some models begin with one) say nothing. */
const joined = (blocks: readonly string[]): string =>
  blocks.filter((block) => block.trim() !== '').join('\n\n');

/** Token counts, or undefined where the source gives none. */
export const usageOf = (counts: {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
}): TokenUsage | undefined =>
  counts.input === undefined && counts.output === undefined
    ? undefined
    : {
        input: counts.input ?? 0,
        output: counts.output ?? 0,
        ...(counts.cacheRead !== undefined && { cacheRead: counts.cacheRead }),
        ...(counts.cacheWrite !== undefined && { cacheWrite: counts.cacheWrite }),
      };

/** A picture from base64, or undefined where there is none. */
export function imageOf(mediaType: string | undefined, base64: string | undefined): ImageEntry | undefined {
  if (!base64) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length === 0 ? undefined : { mediaType: mediaType ?? 'application/octet-stream', bytes };
}

const DATA_URL = /^data:([^;,]{0,100})(?:;[^;,]{1,100})*;base64,/;

/** A picture from a `data:` URL, or undefined for any other URL: nothing is fetched. */
export function imageOfUrl(url: string): ImageEntry | undefined {
  const head = DATA_URL.exec(url.slice(0, 1000));
  return head ? imageOf(head[1] || undefined, url.slice(head[0].length)) : undefined;
}
