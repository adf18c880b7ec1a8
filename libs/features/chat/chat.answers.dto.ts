import {
  GivesCursor,
  GivesFlag,
  GivesId,
  GivesInstant,
  GivesJson,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesText,
  GivesTexts,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { ActorAnswer } from '../conversation/branches.answers.dto.js';
import { ToolCallAnswer } from '../conversation/conversation.answers.dto.js';
import {
  CHAT_KINDS,
  CHAT_ROLES,
  CONTEXT_TYPES,
  type ChatKind,
  type ChatRole,
  type ContextType,
} from './chat.events.js';

/** SPEC §1.1 mesh_chat_conversations, contract_chat_conversations. */
export class ChatResponse {
  @GivesId('Id of the chat.')
  readonly id!: string;

  @GivesOneOf(CHAT_KINDS, 'Whether it is about the mesh or about a contract.')
  readonly kind!: ChatKind;

  @GivesId('The contract that it is about; null: about none.', { nullable: true })
  readonly contractId!: string | null;

  @GivesText('For people: one line.')
  readonly name!: string;

  @GivesOneOf(['open', 'closed'], 'Whether it takes messages.')
  readonly status!: 'open' | 'closed';

  @GivesFlag('Whether it is the one active chat of its contract, or of the mesh.')
  readonly isActive!: boolean;

  @GivesWhole('Messages in it.')
  readonly messageCount!: number;

  @GivesWhole('Questions that nobody has answered yet.')
  readonly openQuestions!: number;

  @GivesInstant('When it was opened.')
  readonly createdAt!: string;

  @GivesInstant('When it last changed, by a message too.')
  readonly updatedAt!: string;
}

export class ChatChangedResponse extends ChatResponse {
  @GivesFlag('True: nothing was changed.')
  readonly dryRun!: boolean;

  @GivesPosition('Of the change; 0 in a dry run, and when nothing was left to change.')
  readonly position!: string;
}

export class ChatsResponse {
  @GivesList(() => ChatResponse, 'Newest first.')
  readonly chats!: readonly ChatResponse[];

  @GivesCursor()
  readonly cursor?: string;
}

export class ChatToolCallAnswer extends ToolCallAnswer {
  @GivesJson('What came back, where it is known.', { optional: true })
  readonly result?: unknown;

  @GivesFlag('Whether the tool failed, where it is known.', { optional: true })
  readonly isError?: boolean;
}

export class PendingQuestionAnswer {
  @GivesText('Unique in the chat; an answer names it.')
  readonly id!: string;

  @GivesText('The question.')
  readonly question!: string;

  @GivesTexts('Answers to choose from; another one may be given.')
  readonly options!: readonly string[];

  @GivesText('The answer; null while there is none.', { nullable: true })
  readonly answer!: string | null;

  @GivesInstant('When it was answered; null while it is not.', { nullable: true })
  readonly answeredAt!: string | null;

  @GivesObject(() => ActorAnswer, 'Who answered it; null while nobody has.', { nullable: true })
  readonly answeredBy!: ActorAnswer | null;
}

/** SPEC §1.1 mesh_chat_messages, contract_chat_messages. */
export class ChatMessage {
  @GivesId('Id of the message.')
  readonly id!: string;

  @GivesId('The chat that it belongs to.')
  readonly conversationId!: string;

  @GivesOneOf(CHAT_ROLES, 'Who says it.')
  readonly role!: ChatRole;

  @GivesText('What is said.')
  readonly content!: string;

  @GivesOneOf(CONTEXT_TYPES, 'What it is about.')
  readonly contextType!: ContextType;

  @GivesId('The task that it is about; null: about none.', { nullable: true })
  readonly contextTaskId!: string | null;

  @GivesList(() => ChatToolCallAnswer, 'Tool calls that it makes.')
  readonly toolCalls!: readonly ChatToolCallAnswer[];

  @GivesList(() => PendingQuestionAnswer, 'Questions that it asks, with their answers.')
  readonly pendingQuestions!: readonly PendingQuestionAnswer[];

  @GivesInstant('When it was recorded.')
  readonly createdAt!: string;

  @GivesPosition('Of its event; 0 in a dry run.')
  readonly position!: string;
}

export class ChatMessageRecordedResponse extends ChatMessage {
  @GivesFlag('True: nothing was recorded.')
  readonly dryRun!: boolean;
}

export class ChatMessagesResponse {
  @GivesId('Id of the chat.')
  readonly conversationId!: string;

  @GivesList(() => ChatMessage, 'In the order that was asked for.')
  readonly messages!: readonly ChatMessage[];

  @GivesWhole('Messages in the chat.')
  readonly totalCount!: number;

  @GivesCursor()
  readonly cursor?: string;
}

export class QuestionAnsweredResponse {
  @GivesId('Id of the chat.')
  readonly conversationId!: string;

  @GivesText('The question.')
  readonly questionId!: string;

  @GivesText('The answer.')
  readonly answer!: string;

  @GivesFlag('True: nothing was recorded.')
  readonly dryRun!: boolean;

  @GivesPosition('Of the answer; 0 in a dry run.')
  readonly position!: string;
}
