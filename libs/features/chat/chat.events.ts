// Stream `chat-<id>`: a chat between people and agents about the mesh or about one contract (SPEC §1.1).
// Starts with ChatOpened. Ends with ChatClosed, after which it can still be read and reopened.

export type ChatKind = 'mesh' | 'contract';

export interface ChatToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** A question that waits for a person's answer. */
export interface PendingQuestion {
  readonly id: string;
  readonly question: string;
  readonly options: readonly string[];
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
        readonly role: 'user' | 'assistant' | 'system' | 'tool';
        readonly content: string;
        /** What the message is about: `mesh`, `contract` or `task`. */
        readonly contextType: string;
        readonly contextTaskId: string | null;
        readonly toolCalls: readonly ChatToolCall[];
        readonly pendingQuestions: readonly PendingQuestion[];
      };
    }
  | { readonly type: 'ChatRenamed'; readonly data: { readonly name: string } }
  | { readonly type: 'ChatQuestionAnswered'; readonly data: { readonly questionId: string; readonly answer: string } }
  | { readonly type: 'ChatReopened'; readonly data: Readonly<Record<string, never>> }
  | { readonly type: 'ChatClosed'; readonly data: Readonly<Record<string, never>> };

export const chatStream = (chatId: string): string => `chat-${chatId}`;
