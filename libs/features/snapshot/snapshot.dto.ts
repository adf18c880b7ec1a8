import { IsFlag, IsOneOf, IsText, IsWhole } from '#libs/http/fields.js';
import { IsSomeOf } from '#libs/http/structured-fields.js';
import { MAX_MESSAGES, ORDERS } from '../conversation/conversation.dto.js';
import { SNAPSHOT_TYPES, type SnapshotType } from './snapshot.events.js';

export class TakeSnapshotRequest {
  @IsText({ max: 2_000, description: 'What it is for, for whoever reads it later.', optional: true })
  note?: string;

  @IsFlag({ description: 'Answer what it would hold, and take none.', optional: true, default: false })
  dryRun = false;
}

export class RestoreSnapshotRequest {
  @IsText({ max: 2_000, description: 'Why, for whoever reads the history later.', optional: true })
  reason?: string;

  @IsFlag({ description: 'Answer what would happen, and change nothing.', optional: true, default: false })
  dryRun = false;
}

export class SnapshotsQuery {
  @IsSomeOf(SNAPSHOT_TYPES, {
    description: 'Only snapshots taken so: by themselves, by hand, with a checkpoint.',
    optional: true,
  })
  type?: SnapshotType[];

  @IsWhole({ min: 1, max: 1_000, description: 'Snapshots at most.', optional: true, default: 100 })
  limit = 100;

  @IsText({ max: 2_000, description: 'Where the former page ended, from its `cursor`.', optional: true })
  cursor?: string;
}

/** What of a snapshot's messages is shown; as for a conversation (SPEC §2.2). */
export class SnapshotQuery {
  @IsFlag({ description: 'Include tool calls and their inputs.', optional: true, default: true })
  include_tool_calls = true;

  @IsFlag({ description: 'Include tool results, as messages of role `tool`.', optional: true, default: true })
  include_tool_results = true;

  @IsWhole({
    min: 1,
    max: MAX_MESSAGES,
    description: 'Messages at most; without it all, up to 10,000.',
    optional: true,
  })
  limit?: number;

  @IsText({ max: 2_000, description: 'Where the former page ended, from its `cursor`.', optional: true })
  cursor?: string;

  @IsOneOf(ORDERS, { description: 'Which end comes first.', optional: true, default: 'oldest' })
  order: (typeof ORDERS)[number] = 'oldest';
}
