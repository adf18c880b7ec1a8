import type { ImageEntry, TokenUsage, ToolCallEntry } from '../transcripts/transcript.js';
import type { Happening } from './happening.js';
import { picturesText, type Narrator } from './narrator.js';

/** A line's part of a message. */
export interface MessagePart {
  /** The line's own id, by which a later line may take it back. */
  readonly uuid: string | undefined;
  readonly texts: readonly string[];
  readonly thoughts: readonly string[];
  readonly calls: readonly ToolCallEntry[];
  readonly images: readonly ImageEntry[];
}

export interface TurnCost {
  readonly usage?: TokenUsage;
  readonly costUsd?: number;
}

/** What a message may hold until it is told: a program that adds to one for ever must not fill the memory. */
const MAX_BYTES = 4_000_000;
/** What an activity item may hold of calls. */
const MAX_CALLS = 1_000;

/** An agent's message that further lines may add to. */
export class OpenMessage {
  #parts: MessagePart[] = [];
  #bytes = 0;

  /** @param id the agent's id of the message; @param place where in the run it begins. */
  constructor(
    readonly id: string,
    readonly place: string,
    readonly parentCallId: string | undefined,
    private readonly model: string | undefined,
  ) {}

  /** @param bytes of the line that the part comes from. */
  add(part: MessagePart, bytes: number): void {
    this.#parts.push(part);
    this.#bytes += bytes;
  }

  /** True when it has to be told before more is added. */
  get isFull(): boolean {
    return this.#bytes >= MAX_BYTES;
  }

  /** Takes back the parts of some lines; returns their ids. */
  takeBack(uuids: ReadonlySet<string>): readonly string[] {
    const found = this.#parts.flatMap(({ uuid }) => (uuid !== undefined && uuids.has(uuid) ? [uuid] : []));
    this.#parts = this.#parts.filter(({ uuid }) => uuid === undefined || !uuids.has(uuid));
    return found;
  }

  /** The message, or nothing when nothing is left of it and no cost stands on it. */
  told(narrator: Narrator, cost: TurnCost = {}): readonly Happening[] {
    const texts = this.#parts.flatMap((part) => [...part.texts, ...picturesText(part.images)]);
    const thinking = joined(this.#parts.flatMap((part) => part.thoughts));
    const toolCalls = this.#parts.flatMap((part) => part.calls);
    const content = joined(texts);
    const isEmpty = content === '' && thinking === '' && toolCalls.length === 0;
    if (isEmpty && !cost.usage && cost.costUsd === undefined) return [];
    const { model, parentCallId } = this;
    const whose = {
      kind: 'message',
      role: 'assistant',
      ...(model !== undefined && { model }),
      ...(parentCallId !== undefined && { parentCallId }),
    } as const;
    const first = narrator.tell(this.place, {
      ...whose,
      content,
      ...(thinking !== '' && { thinking }),
      ...(toolCalls.length > 0 && { toolCalls: toolCalls.slice(0, MAX_CALLS) }),
      ...cost,
    });
    const further: Happening[] = [];
    for (let from = MAX_CALLS; from < toolCalls.length; from += MAX_CALLS) {
      const some = toolCalls.slice(from, from + MAX_CALLS);
      further.push(narrator.tell(`${this.place}/calls/${from}`, { ...whose, content: '', toolCalls: some }));
    }
    return [first, ...further];
  }
}

/** Blocks are paragraphs of their own; blocks of white space alone say nothing. */
const joined = (blocks: readonly string[]): string =>
  blocks.filter((block) => block.trim() !== '').join('\n\n');
