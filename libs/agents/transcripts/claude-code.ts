import { ClaudeCodeConversation } from './claude-code-conversation.js';
import { SubAgents } from './claude-code-agents.js';
import type { ClaudeCodeAgentFile } from './claude-code-agents.js';
import type { ClaudeCodeLine } from './claude-code-line.js';
import { SpilledOutputs } from './claude-code-spilled.js';
import { isTrueAt, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import { LineAccount, skipped } from './line-account.js';
import type { Fate } from './line-account.js';
import { readLines } from './line-reader.js';
import type { Transcript, TranscriptFile, TranscriptSession } from './transcript.js';

/** The files of one Claude Code session. */
export interface ClaudeCodeFiles {
  /** `<session>.jsonl`; absent when there are only files of sub-agents. */
  readonly main?: TranscriptFile;
  readonly agents: readonly ClaudeCodeAgentFile[];
  /** `<session>/tool-results/*`: outputs that were too big for their line. */
  readonly outputs: readonly TranscriptFile[];
}

/**
 * Reads one session of Claude Code with its sub-agents. Never throws because of what a file holds.
 * The format is internal to Claude Code and changes: what is not known is kept raw and counted.
 */
export function parseClaudeCode(files: ClaudeCodeFiles): Transcript {
  return new ClaudeCodeReader(files).read();
}

class ClaudeCodeReader {
  readonly #account = new LineAccount();
  readonly #spilled: SpilledOutputs;
  readonly #main: ClaudeCodeConversation;
  readonly #agents: SubAgents;

  constructor(private readonly files: ClaudeCodeFiles) {
    this.#spilled = new SpilledOutputs(files.outputs);
    this.#main = this.#conversation(true);
    this.#agents = new SubAgents(() => this.#conversation(false), files.agents);
  }

  read(): Transcript {
    const { main, agents } = this.files;
    if (main) this.#readFile(main, this.#main, true);
    for (const { agentId, file } of agents) this.#readFile(file, this.#agents.ownFile(agentId), false);
    const mainId = this.#mainId();
    const session = main && this.#mainSession(main, mainId);
    const sessions = this.#agents.sessions({ mainId, main: this.#main, mainFile: main?.name });
    if (!main) this.#account.note('main_session_missing');
    return { sessions: session ? [session, ...sessions] : sessions, report: this.#account.report() };
  }

  #readFile(file: TranscriptFile, own: ClaudeCodeConversation, isMain: boolean): void {
    for (const line of this.#account.records(readLines(file.bytes), file.name)) {
      const { value: record, number, text } = line;
      this.#account.count(this.#route({ record, number, text }, own, isMain));
    }
  }

  #route(line: ClaudeCodeLine, own: ClaudeCodeConversation, isMain: boolean): Fate {
    const { record } = line;
    const data = recordAt(record, 'data');
    if (textAt(record, 'type') === 'progress' && textAt(data, 'type') === 'agent_progress') {
      return own.pass(line, this.#agentProgress(line, data, own));
    }
    if (!isMain) return this.#isOfMain(record) ? skipped('copied_from_main_session') : own.add(line);
    const startedBy = textAt(record, 'parent_tool_use_id');
    if (startedBy !== undefined) return this.#agents.startedBy(startedBy, own).add(line);
    if (!isTrueAt(record, 'isSidechain')) return own.add(line);
    if (this.#agents.hasOwnFile(textAt(record, 'agentId'))) return skipped('sidechain_in_own_file');
    return this.#agents.sidechain(record, own).add(line);
  }

  /** A sub-agent's line that the main file repeats while the sub-agent runs. */
  #agentProgress(line: ClaudeCodeLine, data: JsonRecord | undefined, own: ClaudeCodeConversation): Fate {
    const agentId = textAt(data, 'agentId');
    const inner = recordAt(data, 'message');
    if (agentId === undefined || !inner) return skipped('agent_progress');
    if (this.#agents.hasOwnFile(agentId)) return skipped('agent_progress_in_own_file');
    const agent = this.#agents.inProgress(agentId, textAt(line.record, 'parentToolUseID'), own);
    const { cwd, gitBranch, version, sessionId } = line.record;
    return agent.add({ ...line, record: { cwd, gitBranch, version, sessionId, ...inner } });
  }

  /** Some sub-agents are forks of the main conversation, and their files begin with a copy of it. */
  #isOfMain(record: JsonRecord): boolean {
    const id = textAt(record, 'uuid');
    return id !== undefined && this.#main.hasLine(id);
  }

  #mainId(): string {
    const { main, agents } = this.files;
    const first = agents[0];
    if (main || !first) return this.#main.facts.sessionId(stemOf(main?.name ?? ''));
    return this.#agents.ownFile(first.agentId).facts.sessionId('');
  }

  #mainSession(file: TranscriptFile, sessionId: string): TranscriptSession {
    const { facts } = this.#main;
    const forkedFrom = facts.forkedFrom(sessionId);
    return {
      agent: 'claude-code',
      file: file.name,
      sessionId,
      title: this.#main.title() ?? sessionId,
      ...this.#main.session(),
      ...(forkedFrom && { forkedFrom }),
    };
  }

  #conversation(isMain: boolean): ClaudeCodeConversation {
    return new ClaudeCodeConversation(isMain, this.#account, this.#spilled);
  }
}

const stemOf = (name: string): string => (name.split(/[\\/]/).at(-1) ?? '').replace(/\.jsonl$/, '');
