/**
 * What a running agent does, as a daemon records it: the fields of each kind are those of an item of
 * `POST /api/v1/mesh/tasks/{id}/activity`. What an item lacks stands in `parentCallId` and in `end`.
 */
import type { FileChangeEntry, TokenUsage, ToolCallEntry } from '../transcripts/transcript.js';

interface HappeningBase {
  /** A UUID that follows from the run's id and the line's place: the same lines of a run give the same ids. */
  readonly id: string;
  /** ISO 8601, UTC: when the runner read it. */
  readonly occurredAt: string;
}

/** A part of what happens in a sub-agent names the call that started it; a task's own conversation has none of these. */
interface MaybeOfSubAgent {
  readonly parentCallId?: string;
}

/**
 * What the agent or its machinery said. What the caller said himself, by `prompt` or `say`, is not told back to him.
 * Tokens and price of a whole turn stand on the turn's last message.
 */
export interface MessageHappening extends HappeningBase, MaybeOfSubAgent {
  readonly kind: 'message';
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: string;
  readonly thinking?: string;
  readonly toolCalls?: readonly ToolCallEntry[];
  readonly model?: string;
  readonly usage?: TokenUsage;
  /** US dollars. */
  readonly costUsd?: number;
}

export interface ToolResultHappening extends HappeningBase, MaybeOfSubAgent {
  readonly kind: 'tool_result';
  readonly toolCallId: string;
  readonly toolName?: string;
  readonly content: string;
  readonly isError: boolean;
  /** Files that the call changed, as the program names them; a replay names them from its folder. */
  readonly files?: readonly FileChangeEntry[];
}

/** A line that the program printed; `agent`: a word of the runner or of the agent's machinery. */
export interface OutputHappening extends HappeningBase {
  readonly kind: 'output';
  readonly channel: 'stdout' | 'stderr' | 'agent';
  readonly content: string;
}

export interface StatusHappening extends HappeningBase {
  readonly kind: 'status';
  readonly status: 'running';
}

/** A line that has no other place, as it was. */
export interface LineHappening extends HappeningBase {
  readonly kind: 'line';
  readonly lineType: string;
  readonly content: string;
}

/** The last of all. It is a status for the task, and says how the run ended and where every line went. */
export interface EndHappening extends HappeningBase {
  readonly kind: 'end';
  readonly status: 'completed' | 'failed' | 'interrupted';
  /** One sentence for people. */
  readonly reason?: string;
  readonly outcome: Outcome;
  /** Of all turns of the run, sub-agents included; as the program says, or nothing. */
  readonly usage?: TokenUsage;
  /** US dollars, of all turns of the run. */
  readonly costUsd?: number;
  /** The agent's id of its conversation, to resume it. */
  readonly conversationId?: string;
  readonly lines: LineTotals;
}

export type Happening =
  MessageHappening | ToolResultHappening | OutputHappening | StatusHappening | LineHappening | EndHappening;

export type HappeningKind = Happening['kind'];

export type Outcome =
  | { readonly as: 'completed'; readonly exitCode?: number }
  /** The agent says that it did not succeed, or a command ended with another code than 0. */
  | { readonly as: 'failed'; readonly exitCode?: number; readonly reason: string }
  /** It broke off before it had said that it was done. */
  | {
      readonly as: 'crashed';
      readonly exitCode?: number;
      readonly signal?: string;
      /** The end of what it wrote to its standard error: up to 4,000 characters. */
      readonly stderr: string;
      readonly reason: string;
    }
  /** By `stop`, by the request's signal or by a limit. */
  | { readonly as: 'stopped'; readonly reason: string };

/** Where every line of the standard output went: `read` is the sum of the other counts of lines. */
export interface LineTotals {
  readonly read: number;
  /** Became or joined something that was told. */
  readonly told: number;
  /** Kept as `line`, by type. */
  readonly kept: Readonly<Record<string, number>>;
  /** Progress ticks and repetitions that are not kept, by type. */
  readonly passed: Readonly<Record<string, number>>;
  readonly blank: number;
  /** Lines of standard error: each is told. */
  readonly stderr: number;
  /** Lines, of either stream, that were longer than a line may be and were cut. */
  readonly cut: number;
  /** Lines, of either stream, that were not UTF-8: their wrong bytes became U+FFFD. */
  readonly replaced: number;
}
