import {
  GivesCursor,
  GivesFlag,
  GivesHash,
  GivesId,
  GivesInstant,
  GivesJson,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesQuantity,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';

const CALL_ID = "The agent's id of the call.";

/** A call of a tool, as an assistant's message makes it. */
export class ToolCallAnswer {
  @GivesText(CALL_ID)
  readonly id!: string;

  @GivesText('Name of the tool.')
  readonly name!: string;

  @GivesJson('What the tool was given.')
  readonly input?: unknown;
}

export class UsageAnswer {
  @GivesWhole('Input tokens, without those from a cache.')
  readonly input!: number;

  @GivesWhole('Output tokens.')
  readonly output!: number;

  @GivesWhole('Tokens read from a prompt cache.', { optional: true })
  readonly cacheRead?: number;

  @GivesWhole('Tokens written to a prompt cache.', { optional: true })
  readonly cacheWrite?: number;
}

export class AttachmentAnswer {
  @GivesText('Media type.', { example: 'image/png' })
  readonly mediaType!: string;

  @GivesHash('SHA-256 of the blob that holds it.')
  readonly sha256!: string;

  @GivesWhole('Bytes.')
  readonly bytes!: number;
}

/** SPEC §2.1, FileChange. */
export class FileChangeAnswer {
  @GivesText('Path as the agent names it.')
  readonly path!: string;

  @GivesOneOf(['A', 'M', 'D'], 'Added, modified or deleted.')
  readonly action!: 'A' | 'M' | 'D';

  @GivesWhole('Lines added, where it is known.', { optional: true })
  readonly linesAdded?: number;

  @GivesWhole('Lines removed, where it is known.', { optional: true })
  readonly linesRemoved?: number;
}

/** SPEC §2.2, with what makima knows besides. */
export class ConversationMessage {
  @GivesId('Id of the message; a point to rewind to or fork from.')
  readonly id!: string;

  @GivesOneOf(['user', 'assistant', 'system', 'tool'], 'Who says it; `tool`: a tool result.')
  readonly role!: 'user' | 'assistant' | 'system' | 'tool';

  @GivesText('What is said; empty for a tool result: see toolResult.')
  readonly content!: string;

  @GivesInstant('When it was said, at its source.')
  readonly timestamp!: string;

  @GivesList(() => ToolCallAnswer, 'The calls that it makes; absent without include_tool_calls.', {
    optional: true,
  })
  readonly toolCalls?: readonly ToolCallAnswer[] | undefined;

  @GivesText(`For tool results: ${CALL_ID}`, { optional: true })
  readonly toolCallId?: string | undefined;

  @GivesText('For tool results: name of the tool.', { optional: true })
  readonly toolName?: string | undefined;

  @GivesJson('For tool results: what the tool was given, where the call is known.', { optional: true })
  readonly toolInput?: unknown;

  @GivesText('For tool results: what came back.', { optional: true })
  readonly toolResult?: string | undefined;

  @GivesFlag('For tool results: whether the tool failed.', { optional: true })
  readonly isError?: boolean | undefined;

  @GivesWhole('Input and output tokens, where they are known.', { optional: true })
  readonly tokenCount?: number | undefined;

  @GivesQuantity('US dollars, where they are known.', { optional: true })
  readonly costUsd?: number | undefined;

  @GivesId("The task that it was recorded in: another one where a fork shows its source's messages.")
  readonly taskId!: string;

  @GivesWhole('Its number in that task, from 1.')
  readonly seq!: number;

  @GivesPosition('Of its event.')
  readonly position!: string;

  @GivesOneOf(
    ['human', 'meta', 'compaction', 'notice', 'error'],
    'Where it came from, where that is known; `compaction`: a summary that replaced what came before.',
    { optional: true },
  )
  readonly origin?: string | undefined;

  @GivesText("The agent's thinking.", { optional: true })
  readonly thinking?: string | undefined;

  @GivesText('The model that said it.', { optional: true })
  readonly model?: string | undefined;

  @GivesObject(() => UsageAnswer, 'Its tokens.', { optional: true })
  readonly usage?: UsageAnswer | undefined;

  @GivesOneOf(['unknown'], 'For tool results: `unknown` where the call was cut off.', { optional: true })
  readonly outcome?: 'unknown' | undefined;

  @GivesList(() => AttachmentAnswer, 'Images and other attachments.', { optional: true })
  readonly attachments?: readonly AttachmentAnswer[] | undefined;

  @GivesList(() => FileChangeAnswer, 'For tool results: files that the call changed.', { optional: true })
  readonly filesChanged?: readonly FileChangeAnswer[] | undefined;
}

/** What every conversation's page says besides its messages. */
export class ConversationPageAnswer {
  @GivesWhole('Input and output tokens of the whole conversation; absent where no message says.', {
    optional: true,
  })
  readonly totalTokens?: number;

  @GivesQuantity('US dollars of the whole conversation, with the first page; absent where no message says.', {
    optional: true,
  })
  readonly totalCost?: number;

  @GivesWhole('Messages that the conversation shows, tool results among them.')
  readonly totalCount!: number;

  @GivesWhole('The branch that is shown.')
  readonly branch!: number;

  @GivesWhole('What a rewind can be tied to by If-Match.')
  readonly controlVersion!: number;

  @GivesCursor()
  readonly cursor?: string;
}

/** SPEC §2.2. */
export class TaskConversationResponse extends ConversationPageAnswer {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesText('Name of the task.')
  readonly taskName!: string;

  @GivesText('Status of the task.')
  readonly status!: string;

  @GivesList(() => ConversationMessage, 'In the order that was asked for.')
  readonly messages!: readonly ConversationMessage[];
}
