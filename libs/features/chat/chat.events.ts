// Stream `chat-<id>`: a chat between people and agents about the mesh or about one contract (SPEC §1.1).
// Starts with ChatOpened. Ends with ChatClosed, after which it can still be read and reopened.
// Which chat of an owner (mesh) or contract is the active one needs no stream of its own: it is the last one in the log's
// order that was opened or reopened, unless it was closed since. So there is never more than one, whoever writes at once.

import type { LongText } from '#libs/kernel/blob-reference.js';

export const CHAT_KINDS = ['mesh', 'contract'] as const;
export type ChatKind = (typeof CHAT_KINDS)[number];

export const CHAT_ROLES = ['user', 'assistant', 'system', 'tool'] as const;
export type ChatRole = (typeof CHAT_ROLES)[number];

export const CONTEXT_TYPES = ['mesh', 'contract', 'task'] as const;
export type ContextType = (typeof CONTEXT_TYPES)[number];

export interface ChatToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  /** What came back, where it is known with the message. */
  readonly result?: unknown;
  readonly isError?: boolean;
}

/** A question that waits for a person's answer. */
export interface PendingQuestion {
  /** Unique in its chat. */
  readonly id: string;
  readonly question: LongText;
  /** Answers to choose from; another one may be given. */
  readonly options: readonly LongText[];
}

export type ChatEvent =
  | {
      readonly type: 'ChatOpened';
      readonly data: {
        readonly chatId: string;
        readonly kind: ChatKind;
        /** Null for a mesh chat. */
        readonly contractId: string | null;
        readonly name: string;
      };
    }
  | {
      readonly type: 'ChatMessageRecorded';
      readonly data: {
        readonly messageId: string;
        readonly role: ChatRole;
        readonly content: LongText;
        /** What the message is about. */
        readonly contextType: ContextType;
        /** The task, where it is about one. */
        readonly contextTaskId: string | null;
        readonly toolCalls: readonly ChatToolCall[];
        readonly pendingQuestions: readonly PendingQuestion[];
      };
    }
  | { readonly type: 'ChatRenamed'; readonly data: { readonly name: string } }
  | {
      readonly type: 'ChatQuestionAnswered';
      readonly data: { readonly questionId: string; readonly answer: string };
    }
  /** It is the active one again, whether it was closed or another one had become active. */
  | { readonly type: 'ChatReopened'; readonly data: Readonly<Record<string, never>> }
  | { readonly type: 'ChatClosed'; readonly data: Readonly<Record<string, never>> };

export const chatStream = (chatId: string): string => `chat-${chatId}`;
