// Part of stream `task-<id>`: what was said in a task, and which of it the task currently shows.
// Messages are stored once, under the task and the number (`seq`) that they got when they were recorded.
// A rewind, an undo or a restore begins a branch after some message; nothing is copied or deleted.
import type { LongList, LongText } from '#libs/kernel/blob-reference.js';

/** A message, by the task and the number at which it was recorded. */
export interface MessagePlace {
  readonly taskId: string;
  readonly seq: number;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** A call that has no result yet, and the message that made it. */
export interface OpenCall {
  readonly id: string;
  readonly name: string;
  readonly taskId: string;
  readonly seq: number;
}

/** Tokens: `input` without cache, `output`, and those read from and written to a prompt cache. */
export interface Usage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

export interface Attachment {
  readonly mediaType: string;
  /** Hex SHA-256 of the blob. */
  readonly sha256: string;
  readonly bytes: number;
}

/** What a message holds besides its place. */
export interface MessageContent {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: LongText;
  readonly thinking?: LongText;
  readonly toolCalls?: readonly ToolCall[];
  readonly attachments?: readonly Attachment[];
  readonly model?: string;
  readonly usage?: Usage;
  /** US dollars. */
  readonly costUsd?: number;
  /** `human`: typed by a person; `compaction`: a summary that replaced what came before in the agent's context. */
  readonly origin?: 'human' | 'meta' | 'compaction' | 'notice' | 'error';
  /** The id that the agent's own transcript has for it. */
  readonly sourceId?: string;
}

export interface FileChange {
  readonly path: string;
  readonly action: 'A' | 'M' | 'D';
  readonly linesAdded?: number;
  readonly linesRemoved?: number;
}

/** What came back from a tool call. `outcome: 'unknown'` closes a call that was cut off. */
export interface ToolResultContent {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly result: LongText;
  readonly isError: boolean;
  readonly outcome?: 'unknown';
  readonly files?: LongList<FileChange>;
  readonly attachments?: readonly Attachment[];
  readonly sourceId?: string;
}

/** Where somebody wanted to go back to, as they said it. */
export interface RewindPoint {
  readonly kind: 'message' | 'timestamp' | 'messageCount' | 'checkpoint' | 'snapshot' | 'transcript';
  readonly value: string;
}

/**
 * The `value` of a point of kind `transcript` at which an import shows the transcript's conversation, to add to it, and
 * at which it then shows again what was shown before. The transcript does not tell of either.
 */
export const ASIDE = '';

export type ConversationEvent =
  | { readonly type: 'MessageRecorded'; readonly data: { readonly seq: number } & MessageContent }
  | {
      readonly type: 'ToolResultRecorded';
      readonly data: {
        readonly seq: number;
        /** The message that made the call; null where it is not known. */
        readonly callSeq: number | null;
        /** The task of that message, if it is another one: a source that the task is a fork of. */
        readonly callTaskId?: string;
      } & ToolResultContent;
    }
  | {
      /** A message's or tool result's full new value (an agent went on writing it, or its transcript grew). */
      readonly type: 'MessageAmended';
      readonly data: { readonly seq: number } & (
        | ({
            readonly kind: 'message';
            /** Calls of it that have been answered before; the others are open. */
            readonly answeredCalls?: readonly string[];
          } & MessageContent)
        | ({ readonly kind: 'tool_result' } & ToolResultContent)
      );
    }
  | {
      readonly type: 'ConversationRewound';
      readonly data: BranchStarted & {
        readonly point: RewindPoint;
        readonly reason: string | null;
        /** Calls whose results it hid; absent: none that were found. */
        readonly openCalls?: readonly OpenCall[];
      };
    }
  | {
      /** A rewind was taken back: what it hid is shown again, what came after it becomes a branch. */
      readonly type: 'ConversationRewindUndone';
      readonly data: BranchStarted & { readonly undoneBranch: number };
    };

/** A new branch is shown from here on. Branches are numbered per task; 0 is the one that the task began with. */
interface BranchStarted {
  readonly branch: number;
  readonly previousBranch: number;
  /** What is shown goes up to this message and on with what is recorded next; null: nothing before that. */
  readonly after: MessagePlace | null;
  /** How many messages that leaves. */
  readonly keptMessages: number;
  /** The last message that the task had recorded (inclusive); 0 before the first. */
  readonly seq: number;
  /** Messages that the former branch showed and the new one does not. */
  readonly hiddenMessages: number;
}
