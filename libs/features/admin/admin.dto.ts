import { IsId, IsText, IsWhole } from '#libs/http/fields.js';
import { IsDryRun, IsLimit } from '#libs/http/shared-fields.js';

export class RebuildRequest {
  @IsDryRun('Answer what would be rebuilt, and change nothing.')
  dryRun = false;
}

export class VerifyRequest {
  @IsText({ max: 100, description: 'Only this projection; without it all.', optional: true })
  name?: string;
}

/** Lets a projection go on that an event has stopped. */
export class ReleaseRequest {
  @IsId({ description: 'The event that stopped the projection, as its status names it.' })
  eventId!: string;

  @IsText({ max: 2_000, description: 'Why.', optional: true })
  reason?: string;

  @IsDryRun()
  dryRun = false;
}

export class ReplayQuery {
  @IsWhole({
    min: 1,
    max: 2_147_483_647,
    description: 'Up to this version (inclusive); without it the last.',
    optional: true,
  })
  to?: number;

  @IsWhole({
    min: 0,
    max: 2_147_483_647,
    description: 'Answer the events after this version; the state is folded from the beginning.',
    optional: true,
    default: 0,
  })
  after = 0;

  @IsLimit('Events')
  limit = 100;
}
