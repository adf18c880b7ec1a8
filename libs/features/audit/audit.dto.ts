import { IsInstant, IsOneOf, IsPosition, IsText, IsWhole } from '#libs/http/fields.js';
import { IsCursor, IsOrder, type Order } from '#libs/http/shared-fields.js';
import { IsTexts } from '#libs/http/structured-fields.js';

/** Names of streams, as they stand in paths. */
export const STREAM_NAME = { max: 200, pattern: /^[A-Za-z0-9][A-Za-z0-9._:~-]*$/ } as const;

const FORMATS = ['json', 'ndjson'] as const;
type Format = (typeof FORMATS)[number];

/** Which events of a stream are wanted, and how. */
export class StreamEventsQuery {
  @IsTexts({
    max: 100,
    maxItems: 50,
    description: 'Only events of these types.',
    example: 'ConversationRewound,ConversationRewindUndone',
    optional: true,
  })
  type?: string[];

  @IsText({
    max: 300,
    description:
      "Only what this actor did: a key's id, a kind (user, tool, daemon, admin, auditor, system), or `kind:id`.",
    optional: true,
  })
  actor?: string;

  @IsInstant({ description: 'Only events recorded at this time or later.', optional: true })
  from?: Date;

  @IsInstant({ description: 'Only events recorded at this time or earlier.', optional: true })
  to?: Date;

  @IsPosition({ description: 'Only events after this position (exclusive).', optional: true })
  after?: bigint;

  @IsOrder('oldest')
  order: Order = 'oldest';

  @IsWhole({
    min: 1,
    max: 1_000_000_000,
    description:
      'Events at most: default 100 and at most 1,000 a page as JSON; without a limit all of them as NDJSON.',
    optional: true,
  })
  limit?: number;

  @IsCursor()
  cursor?: string;

  @IsOneOf(FORMATS, {
    description: '`ndjson`: one event a line, streamed; the same as `Accept: application/x-ndjson`.',
    optional: true,
  })
  format?: Format;
}

export class AuditEventsQuery extends StreamEventsQuery {
  @IsText({ ...STREAM_NAME, description: 'Only events of this stream, such as task-<id>.', optional: true })
  stream?: string;
}

export class VerifyQuery {
  @IsText({ ...STREAM_NAME, description: "Only this stream; without it all of the owner's.", optional: true })
  stream?: string;

  @IsOneOf(FORMATS, {
    description:
      '`ndjson`: progress and then the result, a line each; the same as `Accept: application/x-ndjson`.',
    optional: true,
  })
  format?: Format;
}
