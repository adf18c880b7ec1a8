/**
 * What every importer makes of an agent's own files: sessions of entries in file order, and an account of every line.
 * Pure data: ids are the agent's own; the import feature derives makima's from them.
 */

export type AgentKind = 'claude-code' | 'codex' | 'gemini-cli';

export interface TranscriptSession {
  readonly agent: AgentKind;
  /** Name of the file whose lines `TranscriptEntry.line` counts. */
  readonly file?: string;
  /** The agent's id of the conversation; for a sub-agent the agent id within its parent. */
  readonly sessionId: string;
  /** Set for a sub-agent: whose task it is, and the call that started it where it is known. */
  readonly parent?: { readonly sessionId: string; readonly toolCallId?: string };
  /** For people: summary or title line, else the first human prompt, cut to 120 characters. */
  readonly title: string;
  /** ISO 8601, UTC; absent where no line has a time. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly cwd?: string;
  readonly gitBranch?: string;
  readonly agentVersion?: string;
  readonly model?: string;
  /** The session that this one was forked or resumed from, as far as its lines tell. */
  readonly forkedFrom?: { readonly sessionId?: string; readonly sourceId?: string };
  readonly entries: readonly TranscriptEntry[];
  /** Lines that became or joined a message, a tool result or a rewind of it. */
  readonly importedLines: number;
}

interface EntryBase {
  /** Unique in its session and the same at every import of the same or a longer file. */
  readonly sourceId: string;
  /** ISO 8601, UTC. Where the line has none: the time of the line before it. */
  readonly occurredAt: string;
  /** 1-based line (or message index, for a one-document format) where the entry begins. */
  readonly line: number;
  /** In a forked file whose lines got new ids: the `sourceId` that the entry has in the session it was copied from. */
  readonly copiedFrom?: string;
}

/** What a person, the agent or the system said: one per API message, however many lines it took. */
export interface MessageEntry extends EntryBase {
  readonly kind: 'message';
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: string;
  readonly thinking?: string;
  readonly toolCalls?: readonly ToolCallEntry[];
  readonly images?: readonly ImageEntry[];
  readonly model?: string;
  readonly usage?: TokenUsage;
  /** US dollars, only where the source says so. */
  readonly costUsd?: number;
  /**
   * `human`: typed by a person; `meta`: put in by a command or the agent's machinery; `compaction`: the summary that
   * replaced what came before; `notice`: for display only. Absent on what the agent says, and on a sub-agent's prompts,
   * which its parent wrote.
   */
  readonly origin?: 'human' | 'meta' | 'compaction' | 'notice' | 'error';
}

export interface ToolCallEntry {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

export interface ToolResultEntry extends EntryBase {
  readonly kind: 'tool_result';
  readonly toolCallId: string;
  /** Where the format names it. */
  readonly toolName?: string;
  readonly content: string;
  readonly isError: boolean;
  readonly images?: readonly ImageEntry[];
  /** Files that the call changed, as far as its input and result tell. */
  readonly files?: readonly FileChangeEntry[];
}

export interface FileChangeEntry {
  readonly path: string;
  readonly action: 'A' | 'M' | 'D';
  readonly linesAdded?: number;
  readonly linesRemoved?: number;
}

/** An attached picture, or another document that was attached as bytes; `mediaType` says which. */
export interface ImageEntry {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** Input tokens without cache, output tokens, tokens read from and written to a prompt cache. */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

/** The conversation went back: what follows continues after `keepUpTo` (inclusive; null: from the beginning). */
export interface RewindEntry extends EntryBase {
  readonly kind: 'rewind';
  readonly keepUpTo: string | null;
}

/** A line that the importer does not know, or whose content has no other place: kept as it is. */
export interface RawEntry extends EntryBase {
  readonly kind: 'raw';
  readonly lineType: string;
  readonly raw: string;
}

export type TranscriptEntry = MessageEntry | ToolResultEntry | RewindEntry | RawEntry;

/** Where every line read went: `lines` is the sum of `imported`, `raw`, `skipped`, `blank` and `invalidCount`. */
export interface LineReport {
  readonly lines: number;
  /** Lines that became or joined a message, a tool result or a rewind. */
  readonly imported: number;
  /** Kept as raw entries, by line type. */
  readonly raw: Readonly<Record<string, number>>;
  /** Known lines that carry nothing to keep (progress ticks, duplicates), by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly blank: number;
  /** The first 1,000. */
  readonly invalid: readonly InvalidLine[];
  /** How many there are. */
  readonly invalidCount: number;
  /** Oddities that lost nothing: orphans attached, results without a call, calls without a result … by kind. */
  readonly notes: Readonly<Record<string, number>>;
}

export interface InvalidLine {
  /** 1-based. */
  readonly line: number;
  /** From the beginning of the file (after decompression, for a compressed one). */
  readonly byteOffset: number;
  /** Name of the file, where a transcript has several. */
  readonly file?: string;
  readonly reason: string;
}

export interface Transcript {
  /** The main session first, then its sub-agents, each after its parent; without the main one if its file is missing. */
  readonly sessions: readonly TranscriptSession[];
  readonly report: LineReport;
}

/**
 * A file as the importer gets it: a path-like name (for the format and for sub-agent files) and its bytes.
 * `bytes` may be a getter that reads the file: it is read once to group the files and once to parse it, and not kept.
 */
export interface TranscriptFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}
