import { IsFlag, IsId, IsText, IsWhole } from '#libs/http/fields.js';

export class RebuildRequest {
  @IsFlag({
    description: 'Answer what would be rebuilt, and change nothing.',
    optional: true,
    default: false,
  })
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

  @IsFlag({ description: 'Answer what would happen, and change nothing.', optional: true, default: false })
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

  @IsWhole({ min: 1, max: 1_000, description: 'Events at most.', optional: true, default: 100 })
  limit = 100;
}
