import { IsFlag, IsId, IsInstant, IsOneOf, IsPosition, IsText, IsWhole } from '#libs/http/fields.js';
import { IsTexts } from '#libs/http/structured-fields.js';
import { PHASES, type Phase } from '../contract/contract.events.js';

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
  @IsWhole({ min: 1, max: 1_000, description: 'Entries at most.', optional: true, default: 100 })
  limit = 100;

  @IsText({ max: 2_000, description: 'Where the former page ended, from its `cursor`.', optional: true })
  cursor?: string;

  @IsOneOf(['newest', 'oldest'], { description: 'Which end comes first.', optional: true, default: 'newest' })
  order: 'newest' | 'oldest' = 'newest';
}

export class TimelineQuery extends HistoryQuery {
  @IsId({ description: 'Only this contract.', optional: true })
  contract_id?: string;

  @IsId({ description: 'Only this task.', optional: true })
  task_id?: string;

  @IsFlag({
    description: 'With task_id: also the tasks that it spawned, and theirs.',
    optional: true,
    default: false,
  })
  include_subtasks = false;
}

export class OverviewQuery extends EntryFilters {
  @IsWhole({ min: 1, max: 1_000, description: 'Number of time buckets.', optional: true, default: 60 })
  buckets = 60;
}

export class TimelineOverviewQuery extends OverviewQuery {
  @IsId({ description: 'Only this contract.', optional: true })
  contract_id?: string;

  @IsId({ description: 'Only this task.', optional: true })
  task_id?: string;

  @IsFlag({
    description: 'With task_id: also the tasks that it spawned, and theirs.',
    optional: true,
    default: false,
  })
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
  @IsId({ description: 'Only this contract.', optional: true })
  contract_id?: string;

  @IsId({ description: 'Only this task.', optional: true })
  task_id?: string;

  @IsFlag({
    description: 'With task_id: also the tasks that it spawned, and theirs.',
    optional: true,
    default: false,
  })
  include_subtasks = false;
}

export class OutputQuery {
  @IsWhole({
    min: 1,
    max: 10_000,
    description: 'The newest N, oldest first.',
    optional: true,
    default: 1_000,
  })
  limit = 1_000;

  @IsText({
    max: 2_000,
    description: 'For what lies before: the `cursor` of the former page.',
    optional: true,
  })
  cursor?: string;
}
