import { blocksOf } from './claude-code-blocks.js';
import type { Block } from './claude-code-blocks.js';
import type { ConversationFacts } from './claude-code-facts.js';
import { filesOfToolUseResult } from './claude-code-changes.js';
import { agentIdInAnswer, agentIdOf, originOf, parentIdOf } from './claude-code-line.js';
import type { ClaudeCodeLine } from './claude-code-line.js';
import { commandOf, continuesAnother, isTyped } from './claude-code-prompts.js';
import type { SpilledOutputs } from './claude-code-spilled.js';
import { usageOf } from './entry-log.js';
import type { EntryLog, MessageDraft } from './entry-log.js';
import { countAt, dollarsAt, isTooDeep, isTrueAt, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import type { LineAccount } from './line-account.js';
import { RepeatedBlocks } from './repeated-blocks.js';
import type { Place, ThreadTree } from './thread-tree.js';
import type { MessageEntry, TokenUsage } from './transcript.js';

/** What became of a line's message: it went into an entry, was there before, or cannot be read as a message. */
export type Outcome =
  | { readonly as: 'imported' | 'repeated'; readonly place: Place | undefined }
  | { readonly as: 'unreadable'; readonly why?: string };

const UNREADABLE: Outcome = { as: 'unreadable' };

/** The parts of a conversation that its messages are written into. */
export interface ConversationParts {
  readonly log: EntryLog;
  readonly tree: ThreadTree;
  readonly facts: ConversationFacts;
  readonly account: LineAccount;
  readonly spilled: SpilledOutputs;
  /** Whether a person writes the prompts; a sub-agent's are its parent's. */
  readonly isMain: boolean;
}

/** Makes entries of `user` and `assistant` lines: one message per message id, results by the call that they answer. */
export class ClaudeCodeMessages {
  /** Sub-agents by the call that started them, as results tell. */
  readonly startedAgents = new Map<string, string>();
  readonly #messages = new Map<string, { readonly draft: MessageDraft; readonly place: Place }>();
  readonly #resultPlaces = new Map<string, Place>();
  readonly #repeated = new RepeatedBlocks();

  constructor(private readonly parts: ConversationParts) {}

  assistant(line: ClaudeCodeLine): Outcome {
    const message = recordAt(line.record, 'message');
    const blocks = readableBlocks(message?.['content']);
    if (!message || !blocks) return UNREADABLE;
    const id = textAt(message, 'id') ?? originOf(line).id;
    const known = this.#messages.get(id);
    if (!known && blocks.length === 0) return UNREADABLE;
    const time = textAt(line.record, 'timestamp');
    const { fresh } = this.#repeated.sort(blocks, id, time, this.parts.log);
    if (fresh.length === 0 && blocks.length > 0) return { as: 'repeated', place: known?.place };
    const { draft, place } = known ?? this.#newAssistant(line, id, message);
    this.#fill(draft, fresh, line);
    const usage = usageIn(message);
    if (usage && !draft.origin) draft.usage = usage;
    const cost = dollarsAt(line.record, 'costUSD');
    if (cost !== undefined) draft.costUsd = cost;
    return { as: 'imported', place };
  }

  user(line: ClaudeCodeLine): Outcome {
    const blocks = readableBlocks(recordAt(line.record, 'message')?.['content']);
    if (!blocks || blocks.length === 0) return UNREADABLE;
    const time = textAt(line.record, 'timestamp');
    const { fresh, knownPlace, settle } = this.#repeated.sort(blocks, 'user', time, this.parts.log);
    if (fresh.length === 0) return this.#repeatedUser(blocks, knownPlace);
    this.parts.facts.readFork(line.record);
    const results = fresh.filter((block) => block.kind === 'result');
    const said = fresh.filter((block) => block.kind !== 'result');
    let place: Place | undefined;
    for (const result of results) place = this.#result(line, result, results.length === 1);
    if (said.length > 0) place = this.#said(line, said, results.length > 0);
    settle(place);
    return { as: 'imported', place };
  }

  /** A message in the user's place. `told` says of it what the line does not: whether it is the machinery's. */
  userMessage(line: ClaudeCodeLine, blocks: readonly Block[], told: JsonRecord): Place {
    const origin = this.#originOf(told, blocks);
    const draft = this.parts.log.message(originOf(line), 'user');
    if (origin) draft.origin = origin;
    this.#fill(draft, blocks, line);
    this.#rememberText(blocks, origin);
    return placeOf(draft, origin === 'meta');
  }

  #newAssistant(
    line: ClaudeCodeLine,
    id: string,
    message: JsonRecord,
  ): { draft: MessageDraft; place: Place } {
    const { facts, log } = this.parts;
    const model = textAt(message, 'model');
    const isSynthetic = model === '<synthetic>';
    facts.readFork(line.record);
    const draft = log.message(originOf(line), 'assistant');
    if (isTrueAt(line.record, 'isApiErrorMessage')) draft.origin = 'error';
    else if (isSynthetic) draft.origin = 'notice';
    if (model && !isSynthetic) {
      draft.model = model;
      facts.model ??= model;
    }
    const known = { draft, place: placeOf(draft, draft.origin !== undefined) };
    this.#messages.set(id, known);
    return known;
  }

  #fill(draft: MessageDraft, blocks: readonly Block[], line: ClaudeCodeLine): void {
    const { account } = this.parts;
    for (const block of blocks) {
      if (block.kind === 'text' || block.kind === 'unknown') draft.texts.push(block.text);
      else if (block.kind === 'thinking') draft.thoughts.push(block.text);
      else if (block.kind === 'image') draft.pictures.push(block.image);
      else if (block.kind === 'call') draft.calls.push(block.call);
      // On an assistant's line: a tool that the provider ran itself.
      else if (block.kind === 'result') this.#result(line, block, true);
      else account.note('sealed_thinking');
      if (block.kind === 'unknown') account.note('unknown_block');
    }
  }

  /** Preceded by a rewind when a person asked a second time in the same place. */
  #said(line: ClaudeCodeLine, blocks: readonly Block[], isBesideResults: boolean): Place {
    const { record } = line;
    const { facts, isMain, log, tree } = this.parts;
    if (isMain && !isBesideResults && this.#originOf(record, blocks) === 'human') {
      const session = textAt(record, 'sessionId');
      const isOfAnother = session !== undefined && session !== facts.sessionIds[0];
      const opensContext = isOfAnother || record['planContent'] !== undefined;
      const keepUpTo = tree.promptUnder(parentIdOf(record, tree), line.number, opensContext);
      const { id, ...where } = originOf(line);
      if (keepUpTo !== undefined) log.rewind({ ...where, id: `rewind-${id}` }, keepUpTo);
    }
    return this.userMessage(line, blocks, record);
  }

  #originOf(told: JsonRecord, blocks: readonly Block[]): MessageEntry['origin'] {
    const texts = textsOf(blocks);
    if (isTrueAt(told, 'isCompactSummary') || texts.some(continuesAnother)) return 'compaction';
    const sender = textAt(recordAt(told, 'origin'), 'kind') ?? 'human';
    const isMachine = isTrueAt(told, 'isMeta') || isTrueAt(told, 'isSynthetic') || sender !== 'human';
    const isSaid = texts.some(isTyped) || blocks.some((block) => block.kind === 'image');
    if (isMachine || !isSaid) return 'meta';
    return this.parts.isMain ? 'human' : undefined;
  }

  #rememberText(blocks: readonly Block[], origin: MessageEntry['origin']): void {
    const { facts } = this.parts;
    const texts = textsOf(blocks);
    if (origin === 'meta')
      facts.firstCommand ??= texts.map(commandOf).find((command) => command !== undefined);
    else if (origin !== 'compaction') facts.firstPrompt ??= texts.filter(isTyped).join(' ') || undefined;
  }

  /** @param isOnly whether what the line tells of its result can only mean this one. */
  #result(line: ClaudeCodeLine, block: Block & { readonly kind: 'result' }, isOnly: boolean): Place {
    const { account, log, spilled } = this.parts;
    const told = isOnly ? (line.record['toolUseResult'] ?? line.record['tool_use_result']) : undefined;
    const { text, images } = block.output;
    const whole = spilled.textOf(text, block.toolCallId, told);
    if (whole !== undefined) account.note('output_read_from_its_file');
    const draft = log.result(originOf(line), block.toolCallId, whole ?? text, block.isError);
    if (images.length > 0) draft.images = images;
    const files = block.isError ? undefined : filesOfToolUseResult(told);
    if (files && files.length > 0) draft.files = files;
    const name = log.callOf(block.toolCallId)?.name;
    const agentId =
      agentIdOf(told) ?? (name === 'Task' || name === 'Agent' ? agentIdInAnswer(text) : undefined);
    if (agentId && !this.startedAgents.has(agentId)) this.startedAgents.set(agentId, block.toolCallId);
    const place = placeOf(draft, false);
    this.#resultPlaces.set(block.toolCallId, place);
    return place;
  }

  #repeatedUser(blocks: readonly Block[], knownPlace: Place | undefined): Outcome {
    const results = blocks.filter((block) => block.kind === 'result');
    if (results.some((result) => !this.#saysTheSame(result))) {
      return { as: 'unreadable', why: 'another result of the same call' };
    }
    const last = results.at(-1);
    return { as: 'repeated', place: knownPlace ?? (last && this.#resultPlaces.get(last.toolCallId)) };
  }

  #saysTheSame(block: Block & { readonly kind: 'result' }): boolean {
    const first = this.parts.log.resultOf(block.toolCallId)?.content;
    const { text } = block.output;
    return first === text || first === this.parts.spilled.textOf(text, block.toolCallId, undefined);
  }
}

const placeOf = (entry: { readonly sourceId: string; readonly line: number }, isAside: boolean): Place => ({
  sourceId: entry.sourceId,
  line: entry.line,
  isAside,
});

const textsOf = (blocks: readonly Block[]): readonly string[] =>
  blocks.flatMap((block) => (block.kind === 'text' ? [block.text] : []));

/** The blocks of a content, or undefined where there is none or it is nested too deeply to pass on. */
export const readableBlocks = (content: unknown): readonly Block[] | undefined =>
  isTooDeep(content) ? undefined : blocksOf(content);

function usageIn(message: JsonRecord): TokenUsage | undefined {
  const usage = recordAt(message, 'usage');
  return usageOf({
    input: countAt(usage, 'input_tokens'),
    output: countAt(usage, 'output_tokens'),
    cacheRead: countAt(usage, 'cache_read_input_tokens'),
    cacheWrite: countAt(usage, 'cache_creation_input_tokens'),
  });
}
