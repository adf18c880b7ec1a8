import { ConversationFacts } from './claude-code-facts.js';
import { filesOfCall } from './claude-code-changes.js';
import { originOf, parentIdOf } from './claude-code-line.js';
import type { ClaudeCodeLine } from './claude-code-line.js';
import { ClaudeCodeMessages, readableBlocks } from './claude-code-messages.js';
import type { Outcome } from './claude-code-messages.js';
import { noticeOf } from './claude-code-prompts.js';
import type { SpilledOutputs } from './claude-code-spilled.js';
import { EntryLog } from './entry-log.js';
import { titleOf } from './entry-names.js';
import { isTrueAt, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import { imported, raw, skipped } from './line-account.js';
import type { Fate, LineAccount } from './line-account.js';
import { plainText } from './text-lines.js';
import { ThreadTree } from './thread-tree.js';
import type { Place } from './thread-tree.js';
import type { ToolCallEntry, TranscriptSession } from './transcript.js';

/** Signs of life of running tools; their results say the same. */
const TICKS = new Set([
  'agent_progress',
  'bash_progress',
  'hook_progress',
  'mcp_progress',
  'powershell_progress',
  'query_update',
  'search_results_received',
  'skill_progress',
  'waiting_for_task',
]);

const TITLE_LINES = new Set(['summary', 'custom-title', 'ai-title']);

/** What a conversation's own lines tell of a session. */
export type ConversationSession = Omit<
  TranscriptSession,
  'agent' | 'file' | 'sessionId' | 'title' | 'parent' | 'forkedFrom'
>;

/** The lines of one conversation in file order: the main one of a file, or a sub-agent's. */
export class ClaudeCodeConversation {
  readonly facts = new ConversationFacts();
  readonly #log = new EntryLog();
  readonly #tree = new ThreadTree();
  readonly #messages: ClaudeCodeMessages;
  readonly #account: LineAccount;
  /** For each mid-turn message: how often it stood in an attachment less how often in a queue operation. */
  readonly #midTurn = new Map<string, number>();

  constructor(isMain: boolean, account: LineAccount, spilled: SpilledOutputs) {
    const parts = { log: this.#log, tree: this.#tree, facts: this.facts, account, spilled, isMain };
    this.#messages = new ClaudeCodeMessages(parts);
    this.#account = account;
  }

  /** Takes a line in and says what became of it. */
  add(line: ClaudeCodeLine): Fate {
    const { record } = line;
    this.facts.read(record);
    const type = textAt(record, 'type') ?? '(no type)';
    if (isTrueAt(record, 'isReplay')) return this.pass(line, skipped('replayed'));
    switch (type) {
      case 'assistant':
        return this.#message(line, type, this.#messages.assistant(line));
      case 'user':
        return this.#message(line, type, this.#messages.user(line));
      case 'system':
        return this.#system(line);
      case 'attachment':
        return this.#attachment(line);
      case 'progress':
        return this.#progress(line);
      case 'queue-operation':
        return this.#queueOperation(line);
      case 'stream_event':
        return this.pass(line, skipped(type));
      default:
        if (TITLE_LINES.has(type)) this.facts.readTitle(record);
        return this.#raw(line, type);
    }
  }

  /** Takes a line only as a link between others. */
  pass(line: ClaudeCodeLine, fate: Fate): Fate {
    this.#link(line);
    return fate;
  }

  /** Sub-agents by the call that started them, as results tell. */
  get startedAgents(): ReadonlyMap<string, string> {
    return this.#messages.startedAgents;
  }

  get isEmpty(): boolean {
    return this.#log.isEmpty;
  }

  get startedAt(): string | undefined {
    return this.#log.startedAt;
  }

  calls(): Iterable<ToolCallEntry> {
    return this.#log.calls();
  }

  hasLine(id: string): boolean {
    return this.#tree.has(id);
  }

  title(): string | undefined {
    const answer = this.#log.firstAnswer;
    return (
      this.facts.title((id) => this.#tree.has(id)) ?? (answer === undefined ? undefined : titleOf(answer))
    );
  }

  /** Closes the conversation: call it once, after the last line. */
  session(): ConversationSession {
    const { cwd, gitBranch, agentVersion, model } = this.facts;
    const { startedAt, endedAt } = this.#log;
    this.#account.note('orphan_attached', this.#tree.orphans);
    return {
      ...(startedAt !== undefined && { startedAt }),
      ...(endedAt !== undefined && { endedAt }),
      ...(cwd !== undefined && { cwd }),
      ...(gitBranch !== undefined && { gitBranch }),
      ...(agentVersion !== undefined && { agentVersion }),
      ...(model !== undefined && { model }),
      entries: this.#log.close(this.#account, filesOfCall),
      importedLines: this.#log.lines,
    };
  }

  #message(line: ClaudeCodeLine, type: string, outcome: Outcome): Fate {
    if (outcome.as === 'unreadable') return this.#raw(line, outcome.why ? `${type}: ${outcome.why}` : type);
    this.#link(line, outcome.place);
    return outcome.as === 'imported' ? imported(this.#log) : skipped('repeated');
  }

  #system(line: ClaudeCodeLine): Fate {
    const notice = noticeOf(line.record);
    if (!notice) return this.#raw(line, `system:${textAt(line.record, 'subtype') ?? ''}`);
    const { sourceId } = this.#log.notice(originOf(line), notice.text, notice.kind);
    this.#link(line, { sourceId, line: line.number, isAside: true });
    return imported(this.#log);
  }

  /** A message sent while the agent worked stands in an attachment; the other attachments are the machinery's. */
  #attachment(line: ClaudeCodeLine): Fate {
    const attachment = recordAt(line.record, 'attachment');
    const type = textAt(attachment, 'type') ?? '';
    const text = plainText(attachment?.['prompt']);
    if (!attachment || type !== 'queued_command' || text === '') return this.#raw(line, `attachment:${type}`);
    return this.#midTurnMessage(line, attachment['prompt'], attachment, 1);
  }

  #queueOperation(line: ClaudeCodeLine): Fate {
    const text = textAt(line.record, 'content');
    if (textAt(line.record, 'reason') !== 'absorbed_mid_turn' || !text)
      return this.#raw(line, 'queue-operation');
    return this.#midTurnMessage(line, text, line.record, -1);
  }

  /** The same message is recorded as an attachment, as a queue operation or as both: the first one counts. */
  #midTurnMessage(line: ClaudeCodeLine, prompt: unknown, told: JsonRecord, step: 1 | -1): Fate {
    const blocks = readableBlocks(prompt);
    if (!blocks) return this.#raw(line, textAt(line.record, 'type') ?? '');
    const text = plainText(prompt);
    const balance = this.#midTurn.get(text) ?? 0;
    this.#midTurn.set(text, balance + step);
    if (balance * step < 0) return this.pass(line, skipped('repeated'));
    const isPrompt = (textAt(told, 'commandMode') ?? 'prompt') === 'prompt';
    const place = this.#messages.userMessage(line, blocks, isPrompt ? told : { isMeta: true });
    this.#link(line, place);
    return imported(this.#log);
  }

  #progress(line: ClaudeCodeLine): Fate {
    const type = textAt(recordAt(line.record, 'data'), 'type') ?? '';
    return TICKS.has(type) ? this.pass(line, skipped(type)) : this.#raw(line, `progress:${type}`);
  }

  #raw(line: ClaudeCodeLine, type: string): Fate {
    this.#log.raw(line, type, textAt(line.record, 'uuid'), textAt(line.record, 'timestamp'));
    this.#link(line);
    return raw(type);
  }

  /** Lines without an id and a message are no part of the tree. */
  #link(line: ClaudeCodeLine, place?: Place): void {
    const id = textAt(line.record, 'uuid');
    if (id !== undefined || place) this.#tree.add(id, parentIdOf(line.record, this.#tree), place);
  }
}
