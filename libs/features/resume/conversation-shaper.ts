import type { Earlier } from '#libs/agents/runners/earlier-conversation.js';
import { jsonText } from '#libs/agents/transcripts/json-fields.js';
import { NOTHING, plus, type Amount, type LeftOutBecause, type Shape } from './context-options.js';
import { OlderExtract } from './older-extract.js';
import type { SaidBefore } from './said-before.js';
import { shortenedTo, TOKENS_AROUND, tokensOf } from './token-estimate.js';

/** In summary mode this many of the newest messages are given as they are. */
const KEPT_BESIDE_SUMMARY = 10;
/** What part of the room the extract may take, when there is one. */
const EXTRACT_SHARE = 0.2;
/** A message that takes more of the room than this is shortened where it would not fit. */
const LARGEST_SHARE = 0.25;
/** Of a message that is cut to fewer tokens nothing worth reading is left. */
const LEAST_SHORT = 100;

const CUT_OFF =
  'ToolResult: outcome unknown. The call was cut off before it had an answer; whether it had an effect is not known. ' +
  'Look before you repeat it.';
const NOT_ASKED_FOR = 'The call had a result, which is left out of this record.';

export interface Shaped {
  /** Oldest first. */
  readonly conversation: readonly Earlier[];
  readonly given: Amount;
  readonly leftOut: readonly (Amount & { readonly reason: LeftOutBecause })[];
  /** Messages and results that are given with their middle left out. */
  readonly shortened: number;
  /** Calls that had no result, and are given one that says so. */
  readonly unknownCalls: number;
  /** Whether it begins with an extract of what is left out. */
  readonly summary: boolean;
  /** By estimate. */
  readonly tokens: number;
}

interface Kept {
  readonly said: SaidBefore;
  readonly tokens: number;
}

/**
 * Takes a conversation newest first and keeps of it what an agent is to be given: all of it if there is room, otherwise the
 * newest messages whole and an extract of the others. It holds no more than there is room for.
 */
export class ConversationShaper {
  /** Newest first. */
  #kept: Kept[] = [];
  #spent = 0;
  #keptMessages = 0;
  #shortened = 0;
  #seen = 0;
  #room: number;
  #phase: 'all' | 'newest' | 'extract';
  /** Results that are kept, by their calls. */
  #results = new Set<string>();
  /** Calls that had a result which nobody asked for. */
  readonly #answered = new Set<string>();
  readonly #leftOut = new Map<LeftOutBecause, Amount>();
  readonly #extract = new OlderExtract();
  readonly #extractRoom: number;

  /** @param room tokens that the conversation may take. */
  constructor(
    private readonly shape: Shape,
    room: number,
  ) {
    this.#extractRoom = Math.floor(room * EXTRACT_SHARE);
    this.#room = shape.summaryMode ? room - this.#extractRoom : room;
    this.#phase = shape.summaryMode ? 'newest' : 'all';
  }

  /** Whether a message that comes now might be given whole: its beginning is enough otherwise. */
  get takesWhole(): boolean {
    return this.#phase !== 'extract' && !this.isFull;
  }

  /** Whether it has seen as many messages as were asked for: what comes now is left out. */
  get isFull(): boolean {
    return this.shape.maxMessages !== null && this.#seen >= this.shape.maxMessages;
  }

  add(message: SaidBefore): void {
    if (this.isFull) return this.leave(amountOf(message), 'limit');
    if (message.role !== 'tool') this.#seen += 1;
    const said = this.#wanted(message);
    if (!said) return;
    if (this.#phase === 'all') {
      const tokens = this.#tokensOf(said);
      if (this.#spent + tokens <= this.#room) return this.#keep(said, tokens);
      this.#keepNewestOnly();
    }
    this.#place(said);
  }

  /** Without what nobody asked for; null: nothing is left of it. */
  #wanted(said: SaidBefore): SaidBefore | null {
    const { includeToolCalls, includeToolResults } = this.shape;
    if (said.answers && !(includeToolCalls && includeToolResults)) {
      this.#answered.add(keyOf(said.answers));
      this.leave(amountOf(said), 'not_wanted');
      return null;
    }
    if (includeToolCalls || said.toolCalls.length === 0) return said;
    this.leave({ ...NOTHING, toolCalls: said.toolCalls.length }, 'not_wanted');
    if (said.text !== '' || said.attachments.length > 0) return { ...said, toolCalls: [] };
    this.leave({ ...NOTHING, messages: 1 }, 'nothing_left');
    return null;
  }

  /** There is not room for all: what was kept is looked at again, with room for an extract. */
  #keepNewestOnly(): void {
    const before = this.#kept;
    this.#phase = 'newest';
    this.#room -= this.#extractRoom;
    [this.#kept, this.#spent, this.#keptMessages, this.#results] = [[], 0, 0, new Set()];
    for (const { said } of before) this.#place(said);
  }

  #place(said: SaidBefore): void {
    if (this.#phase === 'newest') {
      const tokens = this.#tokensOf(said);
      if (this.#spent + tokens <= this.#room) return this.#keep(said, tokens);
      const largest = Math.floor(this.#room * LARGEST_SHARE);
      const short = tokens > largest && largest >= LEAST_SHORT ? shortened(said, largest) : said;
      const shortTokens = this.#tokensOf(short);
      if (short !== said && this.#spent + shortTokens <= this.#room) {
        this.#shortened += 1;
        return this.#keep(short, shortTokens);
      }
      this.#phase = 'extract';
    }
    this.leave(amountOf(said), this.shape.summaryMode ? 'summary' : 'budget');
    this.#extract.add(said);
  }

  #keep(said: SaidBefore, tokens: number): void {
    this.#kept.push({ said, tokens });
    this.#spent += tokens;
    if (said.answers) this.#results.add(keyOf(said.answers));
    else this.#keptMessages += 1;
    if (this.shape.summaryMode && this.#keptMessages === KEPT_BESIDE_SUMMARY) this.#phase = 'extract';
  }

  /** Counts what is not given. */
  leave(amount: Amount, reason: LeftOutBecause): void {
    this.#leftOut.set(reason, plus(this.#leftOut.get(reason) ?? NOTHING, amount));
  }

  #tokensOf(said: SaidBefore): number {
    const calls = said.toolCalls.map(({ input }) => tokensOf(jsonText(input)) + TOKENS_AROUND);
    const answers = this.#madeUp(said).map(({ content }) => tokensOf(content) + TOKENS_AROUND);
    return [...calls, ...answers].reduce(
      (sum, tokens) => sum + tokens,
      tokensOf(contentOf(said)) + TOKENS_AROUND,
    );
  }

  /** An answer for each call of a message that has none here: no call stays without one. */
  #madeUp({ place, toolCalls }: SaidBefore) {
    return toolCalls
      .filter((call) => !isIn(this.#results, place, call.id))
      .map(({ id, name }) => {
        const isCutOff = !isIn(this.#answered, place, id);
        const content = isCutOff ? CUT_OFF : NOT_ASKED_FOR;
        return { kind: 'tool_result', toolCallId: id, toolName: name, content, isError: isCutOff } as const;
      });
  }

  finish(): Shaped {
    const kept = this.#withCalls();
    const answers = kept.map(({ said }) => this.#madeUp(said));
    const conversation = kept.flatMap(({ said }, index) => [entryOf(said), ...answers[index]!]);
    const extract = this.#extract.text(this.#extractRoom - TOKENS_AROUND);
    const tokens = kept.reduce((sum, each) => sum + each.tokens, 0);
    return {
      conversation:
        extract === null
          ? conversation
          : [{ kind: 'message', role: 'system', content: extract }, ...conversation],
      given: kept.reduce((sum, { said }) => plus(sum, amountOf(said)), NOTHING),
      leftOut: [...this.#leftOut].map(([reason, amount]) => ({ reason, ...amount })),
      shortened: this.#shortened,
      unknownCalls: answers.flat().filter(({ isError }) => isError).length,
      summary: extract !== null,
      tokens: tokens + (extract === null ? 0 : tokensOf(extract) + TOKENS_AROUND),
    };
  }

  /** What is kept, oldest first, without results whose calls are not: nobody could say what they answer. */
  #withCalls(): readonly Kept[] {
    const made = new Set(
      this.#kept.flatMap(({ said: { place, toolCalls } }) =>
        toolCalls.flatMap(({ id }) => [keyOf({ id, place }), keyOf({ id, place: null })]),
      ),
    );
    return this.#kept.toReversed().filter(({ said }) => {
      const isWhole = !said.answers || made.has(keyOf(said.answers));
      if (!isWhole) this.leave(amountOf(said), 'call_left_out');
      return isWhole;
    });
  }
}

/** Ids of calls are unique in a message at most. */
const keyOf = ({ id, place }: { readonly id: string; readonly place: string | null }): string =>
  `${place ?? '?'} ${id}`;

const isIn = (keys: ReadonlySet<string>, place: string, id: string): boolean =>
  keys.has(keyOf({ id, place })) || keys.has(keyOf({ id, place: null }));

export const amountOf = ({ role, toolCalls }: Pick<SaidBefore, 'role' | 'toolCalls'>): Amount =>
  role === 'tool'
    ? { ...NOTHING, toolResults: 1 }
    : { messages: 1, toolCalls: toolCalls.length, toolResults: 0 };

/** What is said, and the names of what was attached to it. */
function contentOf({ text, attachments }: SaidBefore): string {
  const named = attachments.map(
    ({ mediaType, bytes, sha256 }) =>
      `[attached: ${mediaType}, ${bytes} bytes, SHA-256 ${sha256}; it is not part of this record]`,
  );
  return [...(text === '' && named.length > 0 ? [] : [text]), ...named].join('\n');
}

function entryOf(said: SaidBefore): Earlier {
  const content = contentOf(said);
  if (said.role === 'tool') {
    const { id = '', name = '' } = said.answers ?? {};
    return { kind: 'tool_result', toolCallId: id, toolName: name, content, isError: said.isError };
  }
  const { role, toolCalls } = said;
  return { kind: 'message', role, content, ...(toolCalls.length > 0 && { toolCalls }) };
}

/** A message in so many tokens, about: half of them for what is said, and half for what its calls were given. */
function shortened(said: SaidBefore, tokens: number): SaidBefore {
  const { toolCalls } = said;
  const forText = toolCalls.length > 0 ? Math.floor(tokens / 2) : tokens - TOKENS_AROUND;
  const forCall = Math.floor(tokens / 2 / Math.max(toolCalls.length, 1)) - TOKENS_AROUND;
  return {
    ...said,
    text: shortenedTo(said.text, forText),
    toolCalls: toolCalls.map((call) => {
      const json = jsonText(call.input);
      return tokensOf(json) <= forCall ? call : { ...call, input: shortenedTo(json, forCall) };
    }),
  };
}
