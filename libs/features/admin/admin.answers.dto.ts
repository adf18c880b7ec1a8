import {
  GivesFlag,
  GivesId,
  GivesInstant,
  GivesJson,
  GivesJsonObject,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesText,
  GivesTexts,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { GivesTruncated, type TruncatedField } from '#libs/http/shortened.js';

/** The event that stopped a projection. */
export class ProjectionErrorAnswer {
  @GivesId('Id of the event; a skip or a retry names it.')
  readonly eventId!: string;

  @GivesPosition('Of the event.')
  readonly position!: string;

  @GivesText('Type of the event.')
  readonly type!: string;

  @GivesText('Why the projection could not take it.')
  readonly message!: string;
}

export class ProjectionStatusAnswer {
  @GivesText('Name of the projection.')
  readonly name!: string;

  @GivesWhole('Its version: another one is built beside it and then takes its place.')
  readonly version!: number;

  @GivesText('The schema that holds its tables.')
  readonly schema!: string;

  @GivesPosition('The last event that it reflects.')
  readonly position!: string;

  @GivesPosition("The log's head.")
  readonly head!: string;

  @GivesText('Positions between the two; on Postgres that many events.', { example: '0' })
  readonly lag!: string;

  @GivesOneOf(['live', 'building', 'failed'], 'Whether it serves, is being built, or serves and has stopped.')
  readonly status!: string;

  @GivesObject(() => ProjectionErrorAnswer, 'What stopped it; null while nothing has.', { nullable: true })
  readonly error!: unknown;

  @GivesText('What its position means for those who read; null where nothing is out of the ordinary.', {
    nullable: true,
  })
  readonly note!: string | null;

  @GivesInstant('When it last moved.')
  readonly updatedAt!: string;
}

export class ProjectionsResponse {
  @GivesList(() => ProjectionStatusAnswer, 'By name, version and schema.')
  readonly projections!: readonly ProjectionStatusAnswer[];
}

export class TableContentAnswer {
  @GivesWhole('Rows.')
  readonly rows!: number;

  @GivesText('Sum of the hashes of all rows, a decimal number.')
  readonly hash!: string;
}

export class TableVerifiedAnswer {
  @GivesText('Name of the projection.')
  readonly projection!: string;

  @GivesText('Name of the table.')
  readonly table!: string;

  @GivesFlag('Whether both hold the same.')
  readonly equal!: boolean;

  @GivesObject(() => TableContentAnswer, 'The table that serves.')
  readonly serving!: TableContentAnswer;

  @GivesObject(() => TableContentAnswer, 'The table as a rebuild makes it.')
  readonly rebuilt!: TableContentAnswer;
}

/** A projection that stands still: its tables are right or wrong up to there, and say nothing of what came later. */
export class StandingAnswer {
  @GivesText('Name of the projection.')
  readonly name!: string;

  @GivesPosition('The last event that it reflects; its tables were compared up to here.')
  readonly position!: string;

  @GivesPosition("The log's head.")
  readonly head!: string;

  @GivesObject(() => ProjectionErrorAnswer, 'What stopped it.')
  readonly error!: unknown;
}

/** An event that an admin had skipped: a rebuild and a verification pass over it too. */
export class SkippedEventAnswer {
  @GivesText('Name of the projection that passes over it.')
  readonly projection!: string;

  @GivesId('Id of the event.')
  readonly eventId!: string;

  @GivesPosition('Of the event.')
  readonly position!: string;
}

export class VerificationAnswer {
  @GivesFlag('Whether all tables are equal, as far as they were compared.')
  readonly equal!: boolean;

  @GivesList(() => StandingAnswer, 'Projections that stand still: compared up to there only.')
  readonly standing!: readonly StandingAnswer[];

  @GivesList(() => TableVerifiedAnswer, 'Table by table.')
  readonly tables!: readonly TableVerifiedAnswer[];
}

/** A rebuild or verification in the background. */
export class JobResponse {
  @GivesId('Id of the job.')
  readonly id!: string;

  @GivesOneOf(['rebuild', 'verify'], 'What it does.')
  readonly kind!: string;

  @GivesTexts('The projections that it is about.')
  readonly names!: readonly string[];

  @GivesOneOf(['running', 'done', 'failed'], 'How far it is.')
  readonly status!: string;

  @GivesOneOf(
    ['waiting', 'reading', 'indexing', 'swapping', 'comparing'],
    'What it is at: it waits for other work on the same projections, reads the log, makes indexes, puts the new tables in the place of the old, or compares both.',
  )
  readonly step!: string;

  @GivesText('What was in the way, while it waits to be tried again.', { optional: true })
  readonly trouble?: string | undefined;

  @GivesPosition('How far it is in the log.')
  readonly position!: string;

  @GivesPosition('How far it has to go.')
  readonly head!: string;

  @GivesInstant('When it began.')
  readonly startedAt!: string;

  @GivesInstant('When it ended; absent while it has not.', { optional: true })
  readonly finishedAt?: string;

  @GivesList(() => SkippedEventAnswer, 'Events that were passed over, once it is done.', { optional: true })
  readonly skipped?: readonly SkippedEventAnswer[];

  @GivesObject(() => VerificationAnswer, 'verify: what it found, once it is done.', { optional: true })
  readonly result?: unknown;

  @GivesText('Why it failed.', { optional: true })
  readonly error?: string;
}

/** What a rebuild would do. */
export class RebuildPreview {
  @GivesFlag('True: nothing was changed.')
  readonly dryRun!: boolean;

  @GivesTexts('The projections that would be rebuilt.')
  readonly names!: readonly string[];

  @GivesPosition("The log's head.")
  readonly head!: string;

  @GivesList(() => ProjectionStatusAnswer, 'As they stand.')
  readonly serving!: readonly ProjectionStatusAnswer[];
}

export class ProjectionReleasedResponse {
  @GivesText('Name of the projection.')
  readonly name!: string;

  @GivesId('The event that had stopped it.')
  readonly eventId!: string;

  @GivesFlag('True: nothing was changed.')
  readonly dryRun!: boolean;

  @GivesObject(() => ProjectionErrorAnswer, 'In a dry run: what stopped the projection.', { optional: true })
  readonly error?: unknown;

  @GivesPosition('Where it goes on from (exclusive); absent in a dry run.', { optional: true })
  readonly position?: string;
}

export class ReplayedEventAnswer {
  @GivesWhole('Its number in the stream, from 1.')
  readonly version!: number;

  @GivesPosition('Its place in the log.')
  readonly position!: string;

  @GivesId('Id of the event.')
  readonly id!: string;

  @GivesText('What happened.', { example: 'MessageRecorded' })
  readonly type!: string;

  @GivesInstant('When it happened, at its source.')
  readonly occurredAt!: string;

  @GivesInstant('When it was recorded.')
  readonly recordedAt!: string;

  @GivesJson('The event, in its present schema version; of very long values the beginning, see `truncated`.')
  readonly data!: unknown;

  @GivesTruncated()
  readonly truncated?: readonly TruncatedField[];

  @GivesJsonObject('The parts of the state that it changed, as they were after it.')
  readonly changed!: Readonly<Record<string, unknown>>;
}

export class ReplayResponse {
  @GivesText('Name of the stream.')
  readonly stream!: string;

  @GivesWhole('The version that `state` is of.')
  readonly version!: number;

  @GivesList(() => ReplayedEventAnswer, 'In order.')
  readonly events!: readonly ReplayedEventAnswer[];

  @GivesJson('What deciding knew after the last event; null for a kind of stream that nothing decides.')
  readonly state!: unknown;
}

export class TableSizeAnswer {
  @GivesText('Name of the table, with its schema where that is not `public`.')
  readonly table!: string;

  @GivesWhole("Rows, by the planner's estimate.")
  readonly rows!: number;

  @GivesWhole('Bytes, with indexes and long values.')
  readonly bytes!: number;

  @GivesWhole('Bytes of its indexes.')
  readonly indexBytes!: number;
}

export class OwnerSizeAnswer {
  @GivesId('Id of the owner.')
  readonly ownerId!: string;

  @GivesText('Name of the owner.')
  readonly name!: string;

  @GivesWhole('Events.')
  readonly events!: number;

  @GivesWhole('Bytes of their bodies and metadata, as stored.')
  readonly eventBytes!: number;

  @GivesWhole('Blobs.')
  readonly blobs!: number;

  @GivesWhole('Bytes of the blobs.')
  readonly blobBytes!: number;
}

export class DatabaseSizeResponse {
  @GivesWhole('Bytes of the whole database.')
  readonly bytes!: number;

  @GivesList(() => TableSizeAnswer, 'Largest first.')
  readonly tables!: readonly TableSizeAnswer[];

  @GivesList(() => OwnerSizeAnswer, 'Largest first; all of them with all-owners, else your own.')
  readonly owners!: readonly OwnerSizeAnswer[];
}
