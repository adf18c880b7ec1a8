import type { Whole } from '#libs/event-store/long-values.js';
import { invalidField } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import type { ChatScope } from './chat.decider.js';
import type { NewChatMessageRequest } from './chat.dto.js';
import type { ChatEvent } from './chat.events.js';

type NewMessage = Whole<Extract<ChatEvent, { type: 'ChatMessageRecorded' }>['data']>;

/**
 * What a request says in a chat.
 * @throws Problem VALIDATION_FAILED when the context's type and task don't go together.
 */
export function messageOf(scope: ChatScope, messageId: string, request: NewChatMessageRequest): NewMessage {
  const { role, content, contextTaskId } = request;
  const contextType = request.contextType ?? (contextTaskId === undefined ? scope.kind : 'task');
  if ((contextType === 'task') !== (contextTaskId !== undefined)) {
    throw invalidField('contextTaskId', 'must be given for contextType `task`, and only for it');
  }
  if (contextType === 'contract' && scope.contractId === null) {
    throw invalidField('contextType', 'must be `mesh` or `task` in a mesh chat');
  }
  return {
    messageId,
    role,
    content,
    contextType,
    contextTaskId: contextTaskId ?? null,
    toolCalls: request.toolCalls.map(({ id, name, input, result, isError }) => ({
      id,
      name,
      input: input ?? null,
      ...(result === undefined ? {} : { result }),
      ...(isError === undefined ? {} : { isError }),
    })),
    pendingQuestions: request.pendingQuestions.map(({ id, question, options }) => ({
      id,
      question,
      options,
    })),
  };
}

/** The message as it would be recorded. */
export const previewOf = (
  chatId: string,
  { messageId, pendingQuestions, ...message }: NewMessage,
  { now }: RequestContext,
) => ({
  id: messageId,
  conversationId: chatId,
  ...message,
  pendingQuestions: pendingQuestions.map((question) => ({
    ...question,
    answer: null,
    answeredAt: null,
    answeredBy: null,
  })),
  createdAt: now.toISOString(),
});
