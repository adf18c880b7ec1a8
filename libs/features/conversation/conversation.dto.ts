import { IsFlag, IsId, IsInstant, IsText, IsWhole } from '#libs/http/fields.js';
import { IsCursor, IsDryRun, IsOrder, type Order } from '#libs/http/shared-fields.js';

/** Most messages in one answer. */
export const MAX_MESSAGES = 10_000;

/** Which messages are wanted, and how much of each (SPEC §2.2). */
export class MessagesQuery {
  @IsFlag({ description: 'Include tool calls and their inputs.', optional: true, default: true })
  include_tool_calls = true;

  @IsFlag({
    description: 'Include tool results, as messages of role `tool`.',
    optional: true,
    default: true,
  })
  include_tool_results = true;

  @IsWhole({
    min: 1,
    max: MAX_MESSAGES,
    description: 'Messages at most; without it all, up to 10,000.',
    optional: true,
  })
  limit?: number;

  @IsCursor()
  cursor?: string;

  @IsOrder('oldest')
  order: Order = 'oldest';
}

export class ConversationQuery extends MessagesQuery {
  @IsWhole({
    min: 0,
    max: 2_147_483_647,
    description: 'A branch, also an abandoned one; without it the present one.',
    optional: true,
  })
  branch?: number;
}

/** SPEC §4.2, with `inclusive`, `reason` and `dryRun`. */
export class RewindConversationRequest {
  @IsId({
    description:
      'Go back to this message. It stays, with the tool results that follow it, unless `inclusive` is false.',
    optional: true,
  })
  toMessageId?: string;

  @IsInstant({
    description: 'Go back to before the first message with this time or a later one.',
    optional: true,
  })
  toTimestamp?: Date;

  @IsWhole({
    min: 1,
    max: 1_000_000,
    description:
      'Go back by this many whole messages: a message and the results of its tool calls count as one, and go together with what was said between them.',
    optional: true,
  })
  byMessageCount?: number;

  @IsFlag({
    description: 'For toMessageId: whether the message itself stays.',
    optional: true,
    default: true,
  })
  inclusive = true;

  @IsFlag({
    description: 'Also take the code back to the matching checkpoint: the newest one up to that point.',
    optional: true,
    default: false,
  })
  rewindCode = false;

  @IsText({ max: 2_000, description: 'Why, for whoever reads the history later.', optional: true })
  reason?: string;

  @IsDryRun()
  dryRun = false;
}

export class UndoRewindRequest {
  @IsWhole({
    min: 1,
    max: 2_147_483_647,
    description: 'The branch that the rewind started; without it the newest rewind that was not undone.',
    optional: true,
  })
  branch?: number;

  @IsDryRun()
  dryRun = false;
}
