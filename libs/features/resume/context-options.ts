import type { MessagePlace } from '../conversation/conversation.events.js';
import type { ContextOptions } from '../task/task.events.js';

export type ResumeMode = 'with_context' | 'clean_restart' | 'from_checkpoint' | 'restart_phase';

/** How an agent is to go on with a task. */
export interface ResumeWish {
  readonly mode: ResumeMode;
  readonly shape: Shape;
  /** What the agent is told besides the task's plan; null: nothing. */
  readonly prompt: string | null;
  /** Instead of the task's own plan. */
  readonly plan?: string;
  /** The last message that stays; null: none does. Absent: all that the task shows. */
  readonly keepUpTo?: MessagePlace | null;
}

/** What a conversation is shaped by for an agent that goes on with it. */
export interface Shape {
  /** The newest N messages; null: all. A tool result counts with its call. */
  readonly maxMessages: number | null;
  readonly includeToolCalls: boolean;
  readonly includeToolResults: boolean;
  /** The newest few messages, and an extract of the others. */
  readonly summaryMode: boolean;
  /** Tokens that all of it may have, by estimate. */
  readonly maxTokens: number;
}

export const DEFAULT_MAX_TOKENS = 100_000;

/** What a request leaves open: all of the conversation, in the usual budget. */
export const shapeOf = (options: ContextOptions, maxTokens: number | undefined): Shape => ({
  maxMessages: options.maxMessages ?? null,
  includeToolCalls: options.includeToolCalls ?? true,
  includeToolResults: options.includeToolResults ?? true,
  summaryMode: options.summaryMode ?? false,
  maxTokens: maxTokens ?? DEFAULT_MAX_TOKENS,
});

export const LEFT_OUT_BECAUSE = [
  'limit',
  'budget',
  'summary',
  'not_wanted',
  'call_left_out',
  'nothing_left',
  'clean_restart',
  'restart_phase',
  'after_checkpoint',
] as const;
/**
 * `limit`: older than the newest `maxMessages`; `budget`: it would not fit; `summary`: stands in the extract;
 * `not_wanted`: tool calls or results that were not asked for; `call_left_out`: the result of a call that is not there;
 * `nothing_left`: a message that only made calls that were not asked for.
 */
export type LeftOutBecause = (typeof LEFT_OUT_BECAUSE)[number];

/** How much of a conversation. */
export interface Amount {
  /** Without tool results. */
  readonly messages: number;
  readonly toolCalls: number;
  readonly toolResults: number;
}

export const NOTHING: Amount = { messages: 0, toolCalls: 0, toolResults: 0 };

export const plus = (one: Amount, other: Amount): Amount => ({
  messages: one.messages + other.messages,
  toolCalls: one.toolCalls + other.toolCalls,
  toolResults: one.toolResults + other.toolResults,
});
