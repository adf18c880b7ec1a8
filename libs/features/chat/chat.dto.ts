import { IsFlag, IsId, IsJson, IsName, IsOneOf, IsText } from '#libs/http/fields.js';
import { IsCursor, IsDryRun, IsLimit, IsOrder, type Order } from '#libs/http/shared-fields.js';
import { IsNestedList, IsTexts } from '#libs/http/structured-fields.js';
import { CHAT_ROLES, CONTEXT_TYPES, type ChatRole, type ContextType } from './chat.events.js';

/** What fits into one request (MAX_BODY_BYTES) with what stands around it. */
const MAX_TEXT = 19_900_000;
/** Ids of questions stand in paths. */
export const QUESTION_ID = { max: 200, pattern: /^[A-Za-z0-9][A-Za-z0-9._:~-]*$/ } as const;

class DryRunnable {
  @IsDryRun()
  dryRun = false;
}

export class OpenChatRequest extends DryRunnable {
  @IsName({ description: 'For people: one line.', optional: true, default: 'New chat' })
  name = 'New chat';
}

export class RenameChatRequest extends DryRunnable {
  @IsName({ description: 'For people: one line.' })
  name!: string;
}

export class ChangeChatRequest extends DryRunnable {}

export class ChatsQuery {
  @IsFlag({ description: 'Only the active chat (true), or only the others (false).', optional: true })
  active?: boolean;

  @IsOneOf(['open', 'closed'], { description: 'Only chats of this status.', optional: true })
  status?: 'open' | 'closed';

  @IsLimit('Chats', 500)
  limit = 100;

  @IsCursor()
  cursor?: string;
}

export class ChatMessagesQuery {
  @IsOrder('oldest')
  order: Order = 'oldest';

  @IsLimit('Messages')
  limit = 100;

  @IsCursor()
  cursor?: string;
}

export class ChatToolCallDto {
  @IsText({ max: 500, description: "The agent's id of the call." })
  id!: string;

  @IsText({ max: 1_000, description: 'Name of the tool.' })
  name!: string;

  @IsJson({ description: 'What the tool was given, as JSON.', optional: true })
  input?: unknown;

  @IsJson({ description: 'What came back, as JSON, where it is known already.', optional: true })
  result?: unknown;

  @IsFlag({ description: 'Whether the tool failed.', optional: true })
  isError?: boolean;
}

export class PendingQuestionDto {
  @IsText({
    ...QUESTION_ID,
    description: 'Unique in the chat; the answer names it.',
    example: 'which-database',
  })
  id!: string;

  @IsText({ max: 20_000, description: 'The question.' })
  question!: string;

  @IsTexts({
    max: 1_000,
    maxItems: 50,
    description: 'Answers to choose from; another one may be given.',
    optional: true,
    default: [],
  })
  options: string[] = [];
}

/** SPEC §1.1, mesh_chat_messages and contract_chat_messages. */
export class NewChatMessageRequest extends DryRunnable {
  @IsOneOf(CHAT_ROLES, { description: 'Who says it.' })
  role!: ChatRole;

  @IsText({ min: 0, max: MAX_TEXT, description: 'What is said.' })
  content!: string;

  @IsOneOf(CONTEXT_TYPES, {
    description:
      'What it is about; without it `task` where contextTaskId is given, else what the chat itself is about.',
    optional: true,
  })
  contextType?: ContextType;

  @IsId({ description: 'The task that it is about, for contextType `task`.', optional: true })
  contextTaskId?: string;

  @IsNestedList(() => ChatToolCallDto, {
    maxItems: 1_000,
    description: 'Tool calls that the message makes.',
    optional: true,
    default: [],
  })
  toolCalls: ChatToolCallDto[] = [];

  @IsNestedList(() => PendingQuestionDto, {
    maxItems: 20,
    description: 'Questions that wait for an answer.',
    optional: true,
    default: [],
  })
  pendingQuestions: PendingQuestionDto[] = [];
}

export class AnswerQuestionRequest extends DryRunnable {
  @IsText({ max: 20_000, description: 'The answer: one of the options, or another text.' })
  answer!: string;
}
