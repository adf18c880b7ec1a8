import { IsFlag, IsId, IsInstant, IsOneOf, IsPosition, IsText, IsWhole } from '#libs/http/fields.js';
import { IsCursor, IsLimit, IsOrder, type Order } from '#libs/http/shared-fields.js';
import { IsTexts } from '#libs/http/structured-fields.js';
import { PHASES, type Phase } from '../contract/contract.events.js';

const OfContract = IsId({ description: 'Only this contract.', optional: true });
const OfTask = IsId({ description: 'Only this task.', optional: true });
const WithSubtasks = IsFlag({
  description: 'With task_id: also the tasks that it spawned, and theirs.',
  optional: true,
  default: false,
});

/** What every timeline can be filtered by (SPEC §2.1, and beyond). */
export class EntryFilters {
  @IsOneOf(PHASES, { description: 'Only what happened in this phase of its contract.', optional: true })
  phase?: Phase;

  @IsTexts({
    max: 100,
    maxItems: 50,
    optional: true,
    description:
      'Entry types (task_event, chat_message, phase_change, checkpoint, file_change), `chat`, or event types such as task_created, task_completed, output.',
    example: 'task_created,checkpoint',
  })
  event_types?: string[];

  @IsInstant({ description: 'Start of the time range (inclusive).', optional: true })
  from?: Date;

  @IsInstant({ description: 'End of the time range (inclusive).', optional: true })
  to?: Date;

  @IsText({
    max: 500,
    description:
      'Only entries that hold this text, in any case: in a message, its thinking, tool calls or results, or in what else was recorded. Of a text over 256 KiB the first 1,000 characters are searched.',
    optional: true,
  })
  text?: string;

  @IsFlag({
    description: 'Only what failed: tool errors, failed tasks (true), or only what did not (false).',
    optional: true,
  })
  failed?: boolean;
}

export class HistoryQuery extends EntryFilters {
  @IsLimit('Entries')
  limit = 100;

  @IsCursor()
  cursor?: string;

  @IsOrder('newest')
  order: Order = 'newest';
}

export class TimelineQuery extends HistoryQuery {
  @OfContract
  contract_id?: string;

  @OfTask
  task_id?: string;

  @WithSubtasks
  include_subtasks = false;
}

export class OverviewQuery extends EntryFilters {
  @IsWhole({ min: 1, max: 1_000, description: 'Number of time buckets.', optional: true, default: 60 })
  buckets = 60;
}

export class TimelineOverviewQuery extends OverviewQuery {
  @OfContract
  contract_id?: string;

  @OfTask
  task_id?: string;

  @WithSubtasks
  include_subtasks = false;
}

export class StreamQuery {
  @IsPosition({
    description: 'Replay from after this position; Last-Event-ID goes before it. Without both: from now on.',
    optional: true,
  })
  after?: bigint;
}

export class TimelineStreamQuery extends StreamQuery {
  @OfContract
  contract_id?: string;

  @OfTask
  task_id?: string;

  @WithSubtasks
  include_subtasks = false;
}

export class OutputQuery {
  @IsWhole({
    min: 1,
    max: 10_000,
    description: 'The newest N, oldest first; the next page is what lies before.',
    optional: true,
    default: 1_000,
  })
  limit = 1_000;

  @IsCursor()
  cursor?: string;
}
