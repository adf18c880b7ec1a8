import { IsText } from '#libs/http/fields.js';
import { IsCursor, IsDryRun, IsLimit } from '#libs/http/shared-fields.js';
import { IsSomeOf } from '#libs/http/structured-fields.js';
import { SNAPSHOT_TYPES, type SnapshotType } from './snapshot.events.js';

export class TakeSnapshotRequest {
  @IsText({ max: 2_000, description: 'What it is for, for whoever reads it later.', optional: true })
  note?: string;

  @IsDryRun('Answer what it would hold, and take none.')
  dryRun = false;
}

export class RestoreSnapshotRequest {
  @IsText({ max: 2_000, description: 'Why, for whoever reads the history later.', optional: true })
  reason?: string;

  @IsDryRun()
  dryRun = false;
}

export class SnapshotsQuery {
  @IsSomeOf(SNAPSHOT_TYPES, {
    description: 'Only snapshots taken so: by themselves, by hand, with a checkpoint.',
    optional: true,
  })
  type?: SnapshotType[];

  @IsLimit('Snapshots')
  limit = 100;

  @IsCursor()
  cursor?: string;
}
