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
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import type { BrokenReason } from './chain-verifier.js';
import { ActorAnswer } from '../conversation/branches.answers.dto.js';

/** What is known about an event besides the fact itself. */
export class EventMetadataAnswer {
  @GivesObject(() => ActorAnswer, 'Who did it.')
  readonly actor!: ActorAnswer;

  @GivesId('Whose data this is.')
  readonly ownerId!: string;

  @GivesInstant('When it happened, at its source.')
  readonly occurredAt!: string;

  @GivesId('The command that caused it; the same for all events of one command.', { optional: true })
  readonly commandId?: string;

  @GivesText('Short hash of what the client sent.', { optional: true })
  readonly inputHash?: string;

  @GivesText('What belongs together, across commands.', { optional: true })
  readonly correlationId?: string;

  @GivesText('The event that caused it.', { optional: true })
  readonly causationId?: string;

  @GivesText('The trace of the request.', { optional: true })
  readonly traceId?: string;
}

/** An event as it is stored. */
export class AuditEventResponse {
  @GivesPosition('Its place in the log.')
  readonly position!: string;

  @GivesText('Name of its stream.')
  readonly stream!: string;

  @GivesWhole('Its number in the stream, from 1.')
  readonly version!: number;

  @GivesId('Id of the event.')
  readonly id!: string;

  @GivesText('What happened.', { example: 'MessageRecorded' })
  readonly type!: string;

  @GivesWhole('Version of the shape of its body.')
  readonly schemaVersion!: number;

  @GivesInstant('When the log recorded it; when it happened is in the metadata.')
  readonly recordedAt!: string;

  @GivesObject(() => EventMetadataAnswer, 'Stored and hashed with it.')
  readonly metadata!: EventMetadataAnswer;

  @GivesJson(
    'The body as stored; null where it is no JSON. A value too long for an event stands in a blob, as `{ "$blob": { sha256, bytes, preview } }`; a key of the data that looks like that has one `$` more than it was given.',
  )
  readonly body!: unknown;

  @GivesText('The body as text, where it is no JSON.', { optional: true })
  readonly bodyText?: string;

  @GivesHash("SHA-256 of the body's bytes as stored.")
  readonly bodyHash!: string;

  @GivesHash(
    'Hash of the event before it in its stream, zeros for the first one; null where that event is missing.',
    { nullable: true },
  )
  readonly previousHash!: string | null;

  @GivesHash('SHA-256 over the previous hash and the event.')
  readonly hash!: string;
}

export class AuditEventsResponse {
  @GivesList(() => AuditEventResponse, 'In the order that was asked for.')
  readonly events!: readonly AuditEventResponse[];

  @GivesCursor()
  readonly cursor?: string;
}

export class BrokenEventAnswer {
  @GivesText('Its stream.')
  readonly stream!: string;

  @GivesWhole('Its number in the stream.')
  readonly version!: number;

  @GivesPosition('Its place in the log; null for a missing event.', { nullable: true })
  readonly position!: string | null;

  @GivesId('Id of the event; null for a missing one.', { nullable: true })
  readonly id!: string | null;

  @GivesText('What is wrong with it.', { example: 'body_changed' })
  readonly reason!: BrokenReason;

  @GivesText('The same in words.')
  readonly detail!: string;
}

/** How far a verification is. */
export class VerifiedAnswer {
  @GivesWhole('Streams that were looked at.')
  readonly streams!: number;

  @GivesWhole('Events that were looked at.')
  readonly events!: number;

  @GivesPosition('Of the last event that was looked at.')
  readonly position!: string;
}

/** Whether the hash chains hold. */
export class VerificationResponse extends VerifiedAnswer {
  @GivesFlag('Whether they do.')
  readonly ok!: boolean;

  @GivesObject(() => BrokenEventAnswer, 'The first event, along the log, that is not as it was recorded.', {
    optional: true,
  })
  readonly firstBroken?: BrokenEventAnswer;
}

/** A line of a verification: how far it is. */
export class VerificationProgressLine extends VerifiedAnswer {
  @GivesOneOf(['progress'], 'What the line is.')
  readonly kind!: 'progress';

  @GivesPosition('How far it has to go.')
  readonly head!: string;
}

/** The last line of a verification. */
export class VerificationResultLine extends VerificationResponse {
  @GivesOneOf(['result'], 'What the line is.')
  readonly kind!: 'result';
}
